"""The outbox: changes that were committed and whose consequences are still to be seen to."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, extract, func, select

from sheaf.database.tables import outbox


@dataclass(frozen=True)
class Change:
    """A page reached this version."""

    id: int
    slug: str
    version: int
    author: str


def oldest(connection: Connection, limit: int) -> list[Change]:
    """The oldest changes, in their order. They stay until they are removed."""
    columns = (outbox.c.id, outbox.c.slug, outbox.c.version, outbox.c.author)
    statement = select(*columns).order_by(outbox.c.id).limit(limit)
    return [Change(*row) for row in connection.execute(statement)]


def age(connection: Connection) -> float:
    """For how many seconds the oldest change has been waiting; 0 if there is none."""
    waiting = func.clock_timestamp() - func.min(outbox.c.created_at)
    seconds = func.coalesce(extract("epoch", waiting), 0)
    return float(connection.execute(select(seconds)).scalar_one())


def remove(connection: Connection, changes: Iterable[Change]) -> None:
    """Remove changes that were seen to. It is no error if somebody else has done so."""
    connection.execute(delete(outbox).where(outbox.c.id.in_([change.id for change in changes])))
