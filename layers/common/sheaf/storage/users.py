"""Users: everybody who ever edited, with a count of edits that follows through the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.dialects.postgresql import insert

from sheaf.hashing import slot
from sheaf.storage.tables import users

_ITEM = (users.c.handle, users.c.edits, users.c.created_at)


@dataclass(frozen=True)
class User:
    """Somebody who edited."""

    handle: str
    edits: int
    created_at: datetime


def everyone() -> Select[Any]:
    """A select of all users, for paging to order and cut."""
    return select(*_ITEM)


def find(connection: Connection, handle: str) -> User | None:
    """The user with this handle, or None."""
    row = connection.execute(select(*_ITEM).where(users.c.handle == handle)).one_or_none()
    return User(*row) if row else None


def count_edits(connection: Connection, edits: Mapping[str, int]) -> None:
    """Add to the users' counts, by handle; a handle seen for the first time becomes a user."""
    # Sorted, so that two relays lock the rows in one order.
    rows = [
        {"handle": handle, "slot": slot(handle), "edits": edits[handle]} for handle in sorted(edits)
    ]
    statement = insert(users).values(rows)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[users.c.handle],
            set_={"edits": users.c.edits + statement.excluded.edits},
        )
    )
