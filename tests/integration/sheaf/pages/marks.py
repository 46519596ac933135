"""A page's row and its slot, as the statements under test find and leave them."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from sheaf.database.tables import pages, slot_owners
from sheaf.hashing import slot

Mark = tuple[int, UUID]


def row_of(connection: Connection, slug: str) -> Row[Any]:
    """All columns of a page's row."""
    return connection.execute(select(pages).where(pages.c.slug == slug)).one()


def mark_of(connection: Connection, slug: str) -> Mark:
    """The fence and the owner in a page's row: only a writer that claimed with both may save."""
    row = row_of(connection, slug)
    return row.fence, row.owner


def put_into_row(connection: Connection, slug: str, **values: object) -> None:
    """Change columns of a page's row, behind everybody's back."""
    connection.execute(update(pages).where(pages.c.slug == slug).values(values))


def put_into_slot(connection: Connection, name: str, **values: object) -> None:
    """Change what the shard knows of the slot of a slug: `mode`, `from_epoch`, `until_epoch`."""
    connection.execute(update(slot_owners).where(slot_owners.c.slot == slot(name)).values(values))
