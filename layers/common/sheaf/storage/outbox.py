"""The outbox: changes that were committed and whose consequences are still to be seen to."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from sheaf.storage.tables import outbox


@dataclass(frozen=True)
class Change:
    """A page reached this version."""

    id: int
    slug: str
    version: int
    author: str


def take(connection: Connection, limit: int) -> list[Change]:
    """Remove the oldest changes and return them; they come back if the caller rolls back.

    Rows that another relay is working on are passed over.
    """
    oldest = (
        select(outbox.c.id).order_by(outbox.c.id).limit(limit).with_for_update(skip_locked=True)
    )
    statement = (
        delete(outbox)
        .where(outbox.c.id.in_(oldest.scalar_subquery()))
        .returning(outbox.c.id, outbox.c.slug, outbox.c.version, outbox.c.author)
    )
    return sorted((Change(*row) for row in connection.execute(statement)), key=lambda c: c.id)
