"""Paging by keyset: a cursor names the last row seen, so every page costs what the first one does.

A cursor is opaque and signed. The signature also covers the list it was made for (sort order
and filters), so a cursor from another list is refused instead of giving a wrong page.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from sheaf import hashing

_SIGNATURE_BYTES = 16


class BadCursor(ValueError):
    """The cursor was not made by this site for this list."""


@dataclass(frozen=True)
class Keyset:
    """The columns that order a list: none of them NULL, the last one unique."""

    columns: tuple[ColumnElement[Any], ...]
    descending: bool


@dataclass(frozen=True)
class Slice:
    """One page of a list, and the cursors of the pages around it (None at an end)."""

    rows: Sequence[tuple[Any, ...]]
    next: str | None
    prev: str | None


@dataclass(frozen=True)
class Position:
    """A place in a list: just after (or, going back, just before) the row with this key."""

    key: tuple[Any, ...]
    backward: bool


@dataclass(frozen=True)
class Cursors:
    """Writes and reads the cursors of one list; `secrets` by id, the highest id signs."""

    secrets: Mapping[int, bytes]
    list_name: str

    def encode(self, position: Position) -> str:
        """The cursor for a position."""
        secret_id = max(self.secrets)
        payload = json.dumps(
            [secret_id, position.backward, [_plain(value) for value in position.key]]
        ).encode()
        signature = self._signature(self.secrets[secret_id], payload)
        return base64.urlsafe_b64encode(signature + payload).rstrip(b"=").decode()

    def decode(self, cursor: str, types: Sequence[type]) -> Position:
        """The position that a cursor names; raises BadCursor if we did not sign it."""
        try:
            data = base64.b64decode(
                cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
            signature, payload = data[:_SIGNATURE_BYTES], data[_SIGNATURE_BYTES:]
            secret_id, backward, key = json.loads(payload)
            secret = self.secrets[secret_id]
        except (binascii.Error, ValueError, TypeError, KeyError) as error:
            raise BadCursor("The cursor cannot be read.") from error
        if not hmac.compare_digest(signature, self._signature(secret, payload)):
            raise BadCursor("The cursor belongs to another list.")
        return Position(tuple(map(_typed, key, types)), backward)

    def _signature(self, secret: bytes, payload: bytes) -> bytes:
        message = self.list_name.encode() + b"\0" + payload
        return hashing.sign(secret, message)[:_SIGNATURE_BYTES]


def fetch(
    connection: Connection,
    statement: Select[Any],
    keyset: Keyset,
    cursors: Cursors,
    limit: int,
    cursor: str | None = None,
) -> Slice:
    """One page of `limit` rows of a select, in the keyset's order. Raises BadCursor."""
    types = [column.type.python_type for column in keyset.columns]
    position = cursors.decode(cursor, types) if cursor else None
    backward = position is not None and position.backward
    # One row more than asked for tells whether there is another page.
    cut = _cut(statement, keyset, position).limit(limit + 1)
    found = [tuple(row) for row in connection.execute(cut)]
    rows = found[:limit][:: -1 if backward else 1]
    more = len(found) > limit
    has_next, has_prev = (True, more) if backward else (more, position is not None)
    width = len(keyset.columns)
    return Slice(
        [row[:-width] for row in rows],
        next=cursors.encode(Position(rows[-1][-width:], False)) if rows and has_next else None,
        prev=cursors.encode(Position(rows[0][-width:], True)) if rows and has_prev else None,
    )


def _cut(statement: Select[Any], keyset: Keyset, position: Position | None) -> Select[Any]:
    descending = keyset.descending != (position is not None and position.backward)
    if position:
        place, key = tuple_(*keyset.columns), tuple_(*position.key)
        statement = statement.where(place < key if descending else place > key)
    # The key comes along under names of its own: it need not be among the columns asked for.
    keys = (column.label(f"key_{n}") for n, column in enumerate(keyset.columns))
    order = (column.desc() if descending else column.asc() for column in keyset.columns)
    return statement.add_columns(*keys).order_by(*order)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _typed(value: Any, kind: type) -> Any:
    return datetime.fromisoformat(value) if kind is datetime else value
