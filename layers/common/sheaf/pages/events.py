"""Events: what happened to pages, of the whole site or a folder, by time. Each is a revision.

Of a move, which makes two revisions, the one at the new slug is the event; in a folder that the
page has left it is the one at the old slug.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Integer, Select, func, literal_column, select, true
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import LateralFromClause

from sheaf.database.tables import events, is_edit, revisions
from sheaf.sharding import ownership

Kind = Literal["created", "edited", "deleted", "moved", "restored"]

# What revisions say of how they came about.
IMPORT, RESTORE = "import", "restore"
# Of a redirect that leads to the page of which it is an alias. It is no event.
ALIAS = "alias"

# The database knows how long a text is without reading it.
_SIZE = func.octet_length(revisions.c.body).label("size")
_OF_REVISION = (
    revisions.c.write_id,
    revisions.c.slug,
    revisions.c.version,
    revisions.c.based_on,
    revisions.c.author,
    revisions.c.comment,
    revisions.c.created_at,
    revisions.c.moved_to,
    revisions.c.moved_from,
    revisions.c.state,
    revisions.c.origin,
    revisions.c.title,
    _SIZE,
)
_OF_THE_ONE_BEFORE = (revisions.c.state, revisions.c.title, _SIZE)


@dataclass(frozen=True)
class Event:
    """Something that happened to a page: its revision `version` came after `based_on`, if any.

    The title of a page that was deleted is the one that it had; sizes are of the text, in bytes.
    """

    id: UUID
    kind: Kind
    slug: str
    version: int
    based_on: int | None
    title: str
    author: str
    comment: str
    created_at: datetime
    size: int
    size_before: int
    imported: bool
    moved_to: str | None
    moved_from: str | None


def of(folder: str, author: str | None, *, imports: bool) -> Select[Any]:
    """A select of what happened in a folder ("": the site), for paging to order and cut.

    By one author only, if that is not None; without what was imported unless that is asked for.
    """
    version, own = revisions.c.version, events.c.version
    revision = _newest(_OF_REVISION, version <= own, "revision")
    before = _newest(_OF_THE_ONE_BEFORE, version < own, "before")
    wanted = [events.c.folder == folder, ownership.readable(events.c.slot)]
    if author is not None:
        wanted.append(events.c.author == author)
    if not imports:
        wanted.append(is_edit)
    found = events.join(revision, true()).join(before, true(), isouter=True)
    return select(*revision.c, *before.c).select_from(found).where(*wanted)


def _newest(
    columns: tuple[ColumnElement[Any], ...], up_to: ColumnElement[bool], name: str
) -> LateralFromClause:
    """The newest revision of an event's page up to some version.

    Asked for in an order, it is read from the index of that order. By `=` alone the planner, which
    does not know that there is one row, might take any way.
    """
    mine = select(*columns).where(revisions.c.page_id == events.c.page_id, up_to)
    one = mine.order_by(revisions.c.version.desc()).limit(literal_column("1", Integer))
    return one.lateral(name)


def event(
    write_id: UUID,
    slug: str,
    version: int,
    based_on: int | None,
    author: str,
    comment: str,
    created_at: datetime,
    moved_to: str | None,
    moved_from: str | None,
    state: str,
    origin: str,
    title: str,
    size: int,
    state_before: str | None,
    title_before: str | None,
    size_before: int | None,
) -> Event:
    """The event that a row of the select is."""
    left = size_before or 0
    return Event(
        id=write_id,
        kind=_kind(state, origin, state_before, moves=bool(moved_to or moved_from)),
        slug=slug,
        version=version,
        based_on=based_on,
        title=title or title_before or slug.rpartition("/")[2],
        author=author,
        comment=comment,
        created_at=created_at,
        # A text that moves stays as it is: each end of the move knows its size.
        size=left if moved_to else size,
        size_before=size if moved_from else left,
        imported=origin == IMPORT,
        moved_to=moved_to,
        moved_from=moved_from,
    )


def _kind(state: str, origin: str, state_before: str | None, *, moves: bool) -> Kind:
    if moves:
        return "moved"
    if state == "tombstone":
        return "deleted"
    if origin == RESTORE:
        return "restored"
    return "edited" if state_before == "live" else "created"
