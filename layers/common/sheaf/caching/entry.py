"""Entries: a value with its version, and how it is written to Redis.

Imported for every cached page, so it imports nothing that Lambda's runtime has not loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping


def name(key: str, kind: str = "entry") -> str:
    """What the entry of a key, or what else belongs to it, is called in Redis.

    The braces put it into one slot with the lock of this name. What stands behind a `?` in a key
    tells apart values that share the slot of what stands before it.
    """
    whole, mark, part = key.partition("?")
    return f"{kind}:{{{whole}}}{mark}{part}"


class Entry:
    """A value ready to send, with what is needed to judge it.

    `version`, a whole number, rises with every change of the value; 0 says that there is no such
    thing. `status` and `headers` are for values that are sent by HTTP. `modified` is when it
    changed and `fresh_until` when it should be looked at again, both in seconds of Unix time (0:
    unknown); `build` is the number of the program that made it. `fresh_for` is for how many seconds
    it may be kept fresh, if that is less than what the cache does (None: it says nothing; 0: the
    next reader is to make it again). Equal is what is stored alike.

    >>> entry = Entry(3, b"plum cake").stamped(build=2, fresh_until=1000)
    >>> entry.is_fresh(build=2, now=999.5), entry.is_fresh(build=3, now=999.5)
    (True, False)
    >>> Entry.decode(entry.encode()) == entry
    True
    """

    __slots__ = (
        *("body", "build", "fresh_for", "fresh_until", "headers", "modified", "status", "version"),
    )

    def __init__(
        self,
        version: int,
        body: bytes,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        modified: float = 0.0,
        build: int = 0,
        fresh_until: int = 0,
        fresh_for: int | None = None,
    ) -> None:
        self.version = version
        self.body = body
        self.status = status
        self.headers = dict(headers or {})
        self.modified = modified
        self.build = build
        self.fresh_until = fresh_until
        self.fresh_for = fresh_for

    def stamped(self, build: int, fresh_until: int) -> Entry:
        """The same value as made by this build, to be looked at again then: a new entry.

        A VersionedCache does this to whatever it stores.
        """
        value = (self.version, self.body, self.status, self.headers, self.modified)
        return Entry(*value, build, fresh_until, self.fresh_for)

    def with_header(self, name: str, value: str) -> Entry:
        """The same value, sent with one header more, or with another value of it: a new entry."""
        headers = {**self.headers, name: value}
        same = (self.version, self.body, self.status, headers, self.modified)
        return Entry(*same, self.build, self.fresh_until, self.fresh_for)

    def fresh_seconds(self, most: float) -> float:
        """For how long it is fresh in a cache that keeps entries fresh for `most` seconds."""
        return most if self.fresh_for is None else min(most, self.fresh_for)

    def is_fresh(self, build: int, now: float) -> bool:
        """Whether it can be served without a second thought by this build at this Unix time."""
        return self.build >= build and self.fresh_until > now

    def head(self) -> bytes:
        """All but the body, as it is stored: a line with three numbers and JSON.

        So a script can read the numbers, and nobody has to look through the body.
        """
        about = {"status": self.status, "modified": self.modified, "headers": self.headers}
        if self.fresh_for is not None:
            about["fresh_for"] = self.fresh_for
        numbers = f"{self.version} {self.build} {self.fresh_until}"
        return f"{numbers} {json.dumps(about)}\n".encode()

    def encode(self) -> bytes:
        """The entry as it is stored: the head, and the body as it is."""
        return self.head() + self.body

    @classmethod
    def decode(cls, data: bytes) -> Entry:
        """The entry of which `encode` made `data`; raises ValueError for anything else.

        What a newer build may have added is passed over.
        """
        head, _, body = data.partition(b"\n")
        version, build, fresh_until, rest = head.split(b" ", 3)
        about = json.loads(rest)
        try:
            value = (int(version), body, about["status"], about["headers"], about["modified"])
            return cls(*value, int(build), int(fresh_until), about.get("fresh_for"))
        except (KeyError, TypeError) as error:
            raise ValueError("not an entry of this cache") from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self.encode() == other.encode()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Entry version={self.version} status={self.status} build={self.build}>"
