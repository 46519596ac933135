"""Users: everybody who ever edited, with a count of edits that follows through the outbox."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from sheaf.database.tables import counted_changes, users
from sheaf.hashing import slot
from sheaf.pages.outbox import Change
from sheaf.sharding import ownership

_HANDLE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
HANDLE_RULE = (
    "up to 64 lower-case letters a to z, digits, '.', '_' and '-', of which the first is a letter "
    "or a digit"
)
_ITEM = (users.c.handle, users.c.edits, users.c.created_at)


@dataclass(frozen=True)
class User:
    """Somebody who edited."""

    handle: str
    edits: int
    created_at: datetime


def is_handle(text: str) -> bool:
    """Whether the text could be somebody's handle."""
    return _HANDLE.fullmatch(text) is not None


def everyone() -> Select[Any]:
    """A select of all users, for paging to order and cut; for all shards (see scattering.py)."""
    return select(*_ITEM).where(ownership.readable(users.c.slot))


def find(connection: Connection, handle: str) -> User | None:
    """The user with this handle, or None."""
    row = connection.execute(select(*_ITEM).where(users.c.handle == handle)).one_or_none()
    return User(*row) if row else None


def count_edits(connection: Connection, shard: int, changes: Sequence[Change]) -> None:
    """Count changes that this shard's outbox tells of, each once, for users who are kept here.

    A handle seen for the first time becomes a user. Takes a transaction of several statements;
    raises Moved if one of the users is another shard's.
    """
    seen = [{"shard": shard, "change": change.id} for change in changes]
    noted = insert(counted_changes).values(seen).on_conflict_do_nothing()
    fresh = set(connection.execute(noted.returning(counted_changes.c.change)).scalars())
    edits = Counter(change.author for change in changes if change.author and change.id in fresh)
    if edits:
        _add(connection, edits)


def _add(connection: Connection, edits: Mapping[str, int]) -> None:
    ownership.lock_writable(connection, edits)
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


def forget_counted(connection: Connection, after: timedelta) -> int:
    """Forget which changes were counted longer ago than this; says how many."""
    statement = delete(counted_changes).where(counted_changes.c.counted_at < func.now() - after)
    return connection.execute(statement).rowcount
