"""Cursors: places in a list, as opaque and signed text."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sheaf import hashing
from sheaf.paging.keysets import Keyset, SortKey

# No cursor is longer: none is made, and none is read. Keys of about 2,200 bytes fit.
MAX_CURSOR = 3000
_SIGNATURE_BYTES = 16
_KEY_ID_BYTES = 8

# How JSON holds a value, and how to get it back. Python's floats and texts survive as they are.
_WRITERS: dict[type, Callable[[Any], Any]] = {datetime: datetime.isoformat, UUID: str}
_READERS: dict[type, Callable[[Any], Any]] = {datetime: datetime.fromisoformat}


class BadCursor(ValueError):
    """The cursor was not made by this site for this list. Its text may be shown to the client."""


class UnknownKey(BadCursor):
    """The cursor names a signing key that is not known: not yet, not any more, or it never was.

    For a site whose keys change, a reason to read them again before refusing.
    """


@dataclass(frozen=True)
class Position:
    """A place in a list: just after (or, backward, just before) the row with this key.

    `key` has that row's value of each column of the Keyset, in its order. If it is None, the place
    is before the first row (START), or, backward, after the last one.
    """

    key: tuple[Any, ...] | None
    backward: bool


START = Position(None, backward=False)
END = Position(None, backward=True)


@dataclass(frozen=True)
class Cursors:
    """Writes and reads the cursors of one list. They are signed by HMAC-SHA-256, not encrypted.

    `secrets` are the signing keys by their ids, 64-bit numbers from 0: the highest id signs, all
    verify. `filters` are whatever else decides which rows the list has: also whose it is, if it
    shows everybody something else. A cursor of another list is refused.

    >>> keyset = Keyset((asc(teas.c.name),))
    >>> cursors = Cursors({1: bytes(32)}, "teas")
    >>> cursor = cursors.encode(Position(("assam",), backward=False), keyset)
    >>> cursors.decode(cursor, keyset)
    Position(key=('assam',), backward=False)
    >>> Cursors({1: bytes(32)}, "teas", {"color": "green"}).decode(cursor, keyset)
    Traceback (most recent call last):
    sheaf.paging.cursors.BadCursor: The cursor belongs to another list.
    """

    secrets: Mapping[int, bytes]
    list_name: str
    filters: Mapping[str, object] = field(default_factory=dict)

    def encode(self, position: Position, keyset: Keyset) -> str:
        """The cursor for a position in the list as this keyset orders it.

        Raises ValueError for a key with a NULL or of another length than the keyset, for one that
        is too long for MAX_CURSOR, and if there are no secrets; OverflowError for an id of a secret
        that is no 64-bit number.
        """
        key_id = max(self.secrets)
        message = key_id.to_bytes(_KEY_ID_BYTES) + _dump(position, keyset)
        signature = self._signature(self.secrets[key_id], keyset, message)
        cursor = _text(signature + message)
        if len(cursor) > MAX_CURSOR:
            raise ValueError(
                f"The key of a row is too long for a cursor: {len(cursor)} characters."
            )
        return cursor

    def decode(self, cursor: str, keyset: Keyset) -> Position:
        """The position that a cursor names.

        Raises UnknownKey if none of the secrets has the id that it names, and otherwise BadCursor,
        and nothing else, if we did not sign it for this list in this order.
        """
        data = _bytes(cursor)
        signature, message = data[:_SIGNATURE_BYTES], data[_SIGNATURE_BYTES:]
        secret = self.secrets.get(int.from_bytes(message[:_KEY_ID_BYTES]))
        if secret is None:
            raise UnknownKey("The cursor cannot be read.")
        if not hmac.compare_digest(signature, self._signature(secret, keyset, message)):
            raise BadCursor("The cursor belongs to another list.")
        # From here on it is our own text that is read.
        return _load(message[_KEY_ID_BYTES:], keyset)

    def _signature(self, secret: bytes, keyset: Keyset, message: bytes) -> bytes:
        # None keeps the cursors good that were given out before lists lost a field of their own.
        about = [self.list_name, self.filters, None, str(keyset)]
        context = json.dumps(about, sort_keys=True, default=str).encode()
        return hashing.sign(secret, context + b"\0" + message)[:_SIGNATURE_BYTES]


def _dump(position: Position, keyset: Keyset) -> bytes:
    values = position.key and [
        _plain(key, value) for key, value in zip(keyset.keys, position.key, strict=True)
    ]
    place = [position.backward, values]
    return json.dumps(place, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(key: SortKey, value: Any) -> Any:
    if value is None:
        raise ValueError(f"A row has NULL as its {key.column}.")
    return _WRITERS.get(key.type, key.type)(value)


def _load(text: bytes, keyset: Keyset) -> Position:
    backward, values = json.loads(text)
    key = values and tuple(
        _READERS.get(key.type, key.type)(value)
        for key, value in zip(keyset.keys, values, strict=True)
    )
    return Position(key, backward)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    if len(text) > MAX_CURSOR:
        raise BadCursor("The cursor cannot be read.")
    try:
        data = base64.urlsafe_b64decode(text + "==")  # signs too many are ignored
    except ValueError as error:
        raise BadCursor("The cursor cannot be read.") from error
    if _text(data) != text:  # another spelling of the same bytes, or with signs in between
        raise BadCursor("The cursor cannot be read.")
    return data
