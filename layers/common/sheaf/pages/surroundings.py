"""Surroundings: what a page shows of others: folders above it, pages beside it, links to it.

They are looked up when the page is shown, all in one statement for each shard. Nothing of it is
stored: a save touches no other page, and is seen on others within a minute.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from sheaf import telemetry
from sheaf.database.outages import Unavailable
from sheaf.database.tables import links, reader_epochs
from sheaf.pages import tree
from sheaf.pages.reads import Page
from sheaf.pages.tree import Entry
from sheaf.paging import Row
from sheaf.sharding import ownership, scattering

# More than these are behind a link.
MOST_BESIDE, MOST_LINKING = 40, 10
# No page waits longer for what is around it.
_SECONDS = 0.5
_ABOVE, _BELOW, _BEFORE, _BEHIND, _LINKING = "above", "below", "before", "behind", "linking"
_Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class Surroundings:
    """What is around a page, as far as anybody has looked.

    `above` are the folders that it is in, from the top. `beside` is what is in `folder`, as people
    read it: in the page's own, if anything is below it, else in the one that it is in, with itself.
    If there is more, it is what is nearest, in the order of addresses. `linking` are pages that
    link to it, not all of them if `is_linked_more`.
    """

    above: tuple[Entry, ...] = ()
    folder: str = ""
    beside: tuple[Entry, ...] = ()
    has_more: bool = False
    linking: tuple[Entry, ...] = ()
    is_linked_more: bool = False


def of(page: Page) -> Surroundings:
    """What is around a page; databases that do not answer in time say nothing of it."""
    folder, _, name = page.slug.rpartition("/")
    try:
        rows, is_all = scattering.rows_in(_SECONDS, _statement(), _parameters(page.slug))
    except Unavailable as error:
        _warn(page.slug, telemetry.reason(error))
        return unseen(page.slug)
    if not is_all:
        _warn(page.slug, "a database does not answer")
    found = _by_kind(rows)
    linking = sorted(tree.united("", found[_LINKING]), key=lambda each: each.slug)
    itself = Entry(name, page.slug, page=True, folder=False, title=page.title)
    shown, has_more = _beside(folder, itself, found)
    return Surroundings(
        tree.path_to(
            folder, {slug: title for slug, title, *_ in found[_ABOVE] if title is not None}
        ),
        page.slug if found[_BELOW] else folder,
        tuple(shown if has_more else tree.as_read(shown)),
        has_more,
        tuple(linking[:MOST_LINKING]),
        len(linking) > MOST_LINKING,
    )


def unseen(slug: str) -> Surroundings:
    """What is known around a page without a look: the names of folders."""
    return Surroundings(tree.path_to(slug.rpartition("/")[0], {}))


def _warn(slug: str, why: str) -> None:
    telemetry.log("WARNING", "surroundings not looked up", slug=slug, reason=why)


def _by_kind(rows: Iterable[Row]) -> _Rows:
    found: _Rows = defaultdict(list)
    for kind, *row in rows:
        found[kind].append((*row, row[0]))
    return found


def _beside(folder: str, itself: Entry, found: _Rows) -> tuple[list[Entry], bool]:
    """What is below a page, else what is near it by name; and if there is more of it."""
    below = tree.united(itself.slug, found[_BELOW])
    if below:
        return below[:MOST_BESIDE], len(below) > MOST_BESIDE
    before, behind = (tree.united(folder, found[kind]) for kind in (_BEFORE, _BEHIND))
    room = MOST_BESIDE - 1
    ahead = min(len(before), max(room // 2, room - len(behind)))
    near = [*before[len(before) - ahead :], itself, *behind[: room - ahead]]
    has_more = len(near) < len(before) + 1 + len(behind)
    return (near if len(near) > 1 else []), has_more


def _parameters(slug: str) -> dict[str, object]:
    folder, _, name = slug.rpartition("/")
    return {
        "slug": slug,
        "above": tree.path_of(folder),
        "own": tree.beginning(slug),
        "folder": tree.beginning(folder),
        "name": name,
    }


# Built once: building a statement takes longer than running it.
@cache
def _statement() -> Select[Any]:
    """What is around a page: rows of a kind, a name or slug, a title, whether it is a folder."""
    own, folder, name = (cast(bindparam(each), Text) for each in ("own", "folder", "name"))
    found = union_all(
        _asked(),
        _titles(),
        _names(_BELOW, own, literal("", Text)),
        _names(_BEFORE, folder, name, backward=True),
        _names(_BEHIND, folder, name),
        _linking(),
    ).subquery("found")
    return select(found)


def _asked() -> Select[Any]:
    """A row in any case, or the shard would be asked if it was the right one."""
    nothing = (literal("", Text), null(), null())
    is_right = ownership.is_up_to_date()
    return _rows("asked", *nothing).select_from(reader_epochs).where(is_right)


def _titles() -> Select[Any]:
    above = func.unnest(cast(bindparam("above"), ARRAY(Text))).column_valued("above")
    return _rows(_ABOVE, above, tree.title(above), null())


def _names(
    kind: str, first: ColumnElement[str], start: ColumnElement[str], *, backward: bool = False
) -> Select[Any]:
    names = tree.names(first, start, MOST_BESIDE + 1, backward=backward, called=kind).subquery()
    name, title, is_folder = list(names.c)[:3]
    return _rows(kind, name, title, is_folder)


def _linking() -> Select[Any]:
    slug = cast(bindparam("slug"), Text)
    others = (links.c.target == slug, links.c.source != slug, ownership.readable(links.c.slot))
    first = select(links.c.source).where(*others).order_by(links.c.source)
    limited = first.limit(literal_column(str(MOST_LINKING + 1), Integer)).subquery("linking")
    return _rows(_LINKING, limited.c.source, tree.title(limited.c.source), null())


def _rows(kind: str, name: Any, title: Any, is_folder: Any) -> Select[Any]:
    columns: list[Any] = [
        literal_column(f"'{kind}'", Text).label("kind"),
        cast(name, Text).label("name"),
        cast(title, Text).label("title"),
        cast(is_folder, Boolean).label("is_folder"),
    ]
    return select(*columns)
