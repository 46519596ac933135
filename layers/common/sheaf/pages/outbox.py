"""The outbox: changes that were committed and whose consequences are still to be seen to."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, delete, extract, func, null, select

from sheaf.database.tables import outbox, pages, revisions
from sheaf.rendering.metadata import ALIASES
from sheaf.rendering.source import BEGINNING


@dataclass(frozen=True)
class Change:
    """A page reached this version; None made it if it is the smaller half of somebody's move.

    `beginning` is that of the page's text as it is now, if there may be aliases in it, and `file`
    the page's, if that is not {slug}.md.
    """

    id: int
    slug: str
    version: int
    author: str | None
    beginning: str = ""
    file: str = ""


def oldest(connection: Connection, limit: int) -> list[Change]:
    """The oldest changes, in their order. They stay until they are removed."""
    statement = select(*_CHANGE).select_from(_MADE).order_by(outbox.c.id).limit(limit)
    return [Change(*row) for row in connection.execute(statement)]


def age(connection: Connection) -> float:
    """For how many seconds the oldest change has been waiting; 0 if there is none."""
    waiting = func.clock_timestamp() - func.min(outbox.c.created_at)
    seconds = func.coalesce(extract("epoch", waiting), 0)
    return float(connection.execute(select(seconds)).scalar_one())


def remove(connection: Connection, changes: Iterable[Change]) -> None:
    """Remove changes that were seen to. It is no error if somebody else has done so."""
    connection.execute(delete(outbox).where(outbox.c.id.in_([change.id for change in changes])))


# A move is one edit: that of the page which arrives, and not of the redirect that stays.
_LEADS_AWAY = revisions.c.moved_to.is_not(None)
_BEGINNING = func.left(pages.c.body, BEGINNING)
_CHANGE = (
    *(outbox.c.id, outbox.c.slug, outbox.c.version),
    case((_LEADS_AWAY, null()), else_=outbox.c.author),
    case((func.strpos(_BEGINNING, ALIASES) > 0, _BEGINNING), else_=""),
    func.coalesce(pages.c.file, ""),
)
_REVISION = and_(revisions.c.page_id == pages.c.id, revisions.c.version == outbox.c.version)
# A page whose slot has gone to another shard since is not there any more, but its change is.
_MADE = outbox.outerjoin(pages, pages.c.slug == outbox.c.slug).outerjoin(revisions, _REVISION)
