"""Normalizing: titles and tags that were stored as they were typed are brought to one spelling.

The live pages are gone through in the order of their last change, some at a time, and the place is
kept. What is saved meanwhile comes behind it: also what an older release saves, which still stores
names as they come. A page that is changed keeps its version, for nobody has edited it. Handles are
of ASCII, and revisions stay as they were saved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Text,
    bindparam,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from sheaf.database.tables import is_live, names_checked, pages
from sheaf.pages import relaying, saves
from sheaf.pages.relaying import Document
from sheaf.rendering import source
from sheaf.sharding import shards

# A save's time is that of its statement: it is there to be seen a little later.
_SETTLED = timedelta(minutes=1)


@dataclass(frozen=True)
class _Named:
    """A page's names, and where it stands in the order of changes."""

    updated_at: datetime
    slug: str
    version: int
    title: str
    tags: list[str]

    @property
    def names(self) -> tuple[str, list[str]]:
        """Title and tags as they would be stored today."""
        return named(self.slug, self.title, self.tags)


def named(slug: str, title: str, tags: Sequence[str]) -> tuple[str, list[str]]:
    """The title and tags of a page as they would be stored today."""
    title, tags = source.names(title, tags)
    return title or slug.rpartition("/")[2], tags


def normalize(number: int, limit: int, document: Document) -> tuple[list[str], bool]:
    """Look at the names of up to `limit` pages of a shard, the next ones, and mend what is not so.

    Returns the slugs of the pages that were changed, whose documents were made again, and whether
    there may be more to look at. May be done twice, and beside saves: theirs stand. Raises
    Unavailable, and then begins with the same pages the next time.
    """
    place = shards.on(number, _place)
    found = shards.on(number, _behind, place, limit)
    changed = [page.slug for page in found if _mend(page)]
    # If the cache fails here, a page is shown with its old title until it is due to be made again.
    for slug in changed:
        relaying.publish(slug, document)
    if found:
        shards.on(number, _go_on, place, (found[-1].updated_at, found[-1].slug))
    return changed, len(found) == limit


Place = tuple[datetime, str]


def _place(connection: Connection) -> Place:
    first = insert(names_checked).values(id=1, updated_at=func.to_timestamp(0), slug="")
    connection.execute(first.on_conflict_do_nothing())
    row = connection.execute(select(names_checked.c.updated_at, names_checked.c.slug)).one()
    return row[0], row[1]


def _behind(connection: Connection, place: Place, limit: int) -> Sequence[_Named]:
    order = (pages.c.updated_at, pages.c.slug)
    statement = (
        select(*order, pages.c.version, pages.c.title, pages.c.tags)
        .where(is_live, tuple_(*order) > place, pages.c.updated_at < func.now() - _SETTLED)
        .order_by(*order)
        .limit(limit)
    )
    return [_Named(*row) for row in connection.execute(statement)]


def _go_on(connection: Connection, old: Place, new: Place) -> None:
    # Not if resharding has set it back to the beginning meanwhile.
    still = (names_checked.c.updated_at == old[0], names_checked.c.slug == old[1])
    connection.execute(update(names_checked).where(*still).values(updated_at=new[0], slug=new[1]))


def _mend(page: _Named) -> bool:
    if page.names == (page.title, page.tags):
        return False
    return shards.write(page.slug, _rename, page)


def _rename(connection: Connection, slug: str, page: _Named) -> bool:
    """Whether the page was given its new names: it is not if somebody has saved it meanwhile."""
    title, tags = page.names
    named = {"title": title, "sort_title": title.casefold(), "tags": tags}
    parameters = {f"new_{name}": value for name, value in named.items()}
    parameters["tag_keys"] = saves.tag_keys(tags)
    return saves.amend(connection, _RENAME, slug, page.version, parameters)


def _renaming() -> Select[Any]:
    renamed = (
        update(pages)
        .where(*saves.as_read())
        .values(
            title=bindparam("new_title", type_=Text),
            sort_title=bindparam("new_sort_title", type_=Text),
            tags=bindparam("new_tags", type_=ARRAY(Text)),
        )
        .returning(pages.c.slug, pages.c.tags, pages.c.slot, pages.c.updated_at)
        .cte("renamed")
    )
    return select(renamed.c.slug).add_cte(*saves.retag(renamed))


# Built once: building the statement takes longer than running it.
_RENAME = _renaming()
