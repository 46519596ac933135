"""Tags: all that pages have, each once however it is written, with how many pages have it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Integer, Select, func, literal_column, select

from sheaf.database.tables import page_tags
from sheaf.search import words
from sheaf.sharding import ownership, scattering

# The first names by the alphabet of the database: of each tag there are one or two, or more.
MOST_NAMES = 2000
# Of a tag so many pages are counted.
MOST_COUNTED = 100


@dataclass(frozen=True)
class Tag:
    """A tag as most pages write it, and how many have it: MOST_COUNTED if they are more."""

    name: str
    pages: int


@dataclass(frozen=True)
class Tags:
    """Tags as people look for them; `ends_early` if there are too many to be listed."""

    items: list[Tag]
    ends_early: bool


def everything() -> Tags:
    """The tags of all live pages; raises Unavailable."""
    rows = scattering.rows(_names(MOST_NAMES + 1))
    counts: dict[str, int] = defaultdict(int)
    for name, pages in rows:
        counts[name] += pages
    by_key: dict[str, dict[str, int]] = defaultdict(dict)
    for name, pages in counts.items():
        by_key[words.tag_key(name)][name] = pages
    tags = [_tag(key, names) for key, names in sorted(by_key.items())]
    return Tags(tags, len(counts) > MOST_NAMES)


def _tag(key: str, names: Mapping[str, int]) -> Tag:
    """One tag of all names that mean it, under which its pages are kept, and under its key."""
    written = {name: pages for name, pages in names.items() if name != key}
    pages = max(names.values())
    as_key = names.get(key, 0) - sum(written.values())
    name = max(written, key=lambda name: (written[name], name), default=key)
    shown = key if as_key > written.get(name, 0) else name
    return Tag(shown, min(pages, MOST_COUNTED))


# A select for all shards (see scattering.py).
def _names(limit: int) -> Select[Any]:
    steps = _steps(limit)
    # As a range, and in its order, so that only an index will do.
    same = page_tags.c.tag.between(steps.c.tag, steps.c.tag)
    found = select(page_tags.c.slug).where(same, ownership.readable(page_tags.c.slot))
    counted = found.order_by(page_tags.c.tag, page_tags.c.slug)
    some = counted.limit(literal_column(str(MOST_COUNTED), Integer)).correlate(steps).subquery()
    pages = select(func.count()).select_from(some).scalar_subquery()
    return select(steps.c.tag, pages).where(steps.c.tag.is_not(None))


def _steps(limit: int) -> CTE:
    """A loose scan: each step finds the next name in the order of its index."""
    first = select(literal_column("1", Integer).label("number"), _next().label("tag"))
    steps = first.cte("steps", recursive=True)
    further = _next(page_tags.c.tag > steps.c.tag)
    there_is_more = (steps.c.tag.is_not(None), steps.c.number < limit)
    return steps.union_all(select(steps.c.number + 1, further).where(*there_is_more))


def _next(*which: ColumnElement[bool]) -> ColumnElement[str]:
    wanted = select(page_tags.c.tag).where(*which, ownership.readable(page_tags.c.slot))
    first = wanted.order_by(page_tags.c.tag).limit(literal_column("1", Integer))
    return first.scalar_subquery()
