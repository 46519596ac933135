"""What a lock promises, and what is the same for every engine: waiting, deadline, `with`."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import UUID, uuid4


class LockError(Exception):
    """The lock cannot be had or cannot be used."""


class LockNotOwnedError(LockError):
    """The lock is not ours, or not any more: it expired, or someone else holds it."""


class Cache(Protocol):
    """Where what was written under a lock is published: on a `client`, by a script if need be."""

    @property
    def client(self) -> Any:
        """What it is kept with: a lock with the same one is in the same place."""

    def publish(self, key: str, entry: Any) -> object:
        """Store an entry, in a round trip of its own and without proof of a lock."""

    def publication(self, key: str, entry: Any, proof: tuple[str, str]) -> Any:
        """A script that stores it while a key (of the same slot) has a value."""


class Lock(ABC):
    """A lock by name that expires `timeout` seconds after it was taken or renewed.

    One object is one holder: it belongs to one thread of one process, and it is not reentrant,
    but acquiring what it already holds succeeds and gives the same fence (the reply to an earlier
    request may have been lost). Any method raises LockError if the lock service fails.
    """

    def __init__(
        self,
        name: str,
        timeout: float,
        *,
        blocking: bool = True,
        blocking_timeout: float | None = None,
    ) -> None:
        """`blocking` and `blocking_timeout` (seconds; None: for ever) are acquire's defaults."""
        if not name or "{" in name or "}" in name:
            raise ValueError(f"a lock's name is not empty and has no braces: {name!r}")
        if timeout is None or not timeout > 0:
            raise ValueError(f"a lock must expire: timeout is {timeout!r}")
        self.name = name
        self.timeout = float(timeout)
        self.blocking = blocking
        self.blocking_timeout = blocking_timeout
        self.token: UUID = uuid4()
        self._fence = 0
        self._deadline = 0.0
        self._lost = False

    @property
    def fence(self) -> int:
        """The number of this holding, above every earlier one; raises LockNotOwnedError."""
        if not self._fence:
            raise LockNotOwnedError(f"{self.name} is not held")
        return self._fence

    @property
    def deadline(self) -> float:
        """When the lock stops being ours for certain, by `time.monotonic`; 0 if it is not held."""
        return self._deadline

    def remaining(self) -> float:
        """Seconds for which the lock is ours for certain; 0 when it is not."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def lost(self) -> bool:
        """Whether we held the lock and can no longer rely on it, though we did not release it."""
        return self._lost or (self._fence > 0 and self.remaining() == 0)

    def acquire(self, blocking: bool | None = None, blocking_timeout: float | None = None) -> bool:
        """Take the lock, waiting as long as allowed (seconds); whether we have it."""
        blocking = self.blocking if blocking is None else blocking
        if blocking_timeout is None:
            blocking_timeout = self.blocking_timeout
        limit = float("inf") if blocking_timeout is None else blocking_timeout
        return self._acquire(time.monotonic() + (limit if blocking else 0.0))

    @abstractmethod
    def _acquire(self, give_up_at: float) -> bool:
        """Take the lock, trying at least once, until this time by `time.monotonic`."""

    @abstractmethod
    def release(self) -> None:
        """Give the lock back; raises LockNotOwnedError if it was not ours any more.

        After any other error the lock still counts as held: it may be released again.
        """

    def publish_and_release(self, cache: Cache, key: str, entry: Any) -> None:
        """Publish what was written under the lock, and give it back, as `release` does.

        Where the cache is in the same place, that is one round trip, and nothing is stored if the
        lock is lost. What the cache raises passes through: then the lock still counts as held.
        """
        cache.publish(key, entry)
        self.release()

    @abstractmethod
    def extend(self, additional_time: float, replace_ttl: bool = False) -> bool:
        """Add seconds to the time left, or leave just so many; raises LockNotOwnedError."""

    def reacquire(self) -> bool:
        """Leave the lock its whole timeout again; raises LockNotOwnedError."""
        return self.extend(self.timeout, replace_ttl=True)

    @abstractmethod
    def reissue(self, above: int) -> int:
        """A new fence for the same holding, higher than `above`; raises LockNotOwnedError.

        For a holder whose claim was refused because the counter of fences had been lost. It is
        given only on proof that the lock is still ours; the work begins again from its reading.
        """

    @abstractmethod
    def locked(self) -> bool:
        """Whether anybody holds the lock."""

    @abstractmethod
    def owned(self) -> bool:
        """Whether this object holds the lock, asked of the lock service."""

    def __enter__(self) -> Self:
        if not self.acquire():
            raise LockError(f"{self.name} was not free in time")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _held(self, fence: int, deadline: float) -> None:
        self._fence, self._deadline, self._lost = fence, deadline, False

    def _gone(self, lost: bool = False) -> None:
        self._fence, self._deadline, self._lost = 0, 0.0, lost


class Locks(Protocol):
    """An engine: makes locks that are kept in one place."""

    def lock(
        self,
        name: str,
        timeout: float,
        *,
        blocking: bool = True,
        blocking_timeout: float | None = None,
    ) -> Lock:
        """A lock by name, not yet taken."""

    def batches(self, names: Iterable[str]) -> list[tuple[str, ...]]:
        """The names, each once, in the order in which all callers must take them.

        Names of one batch can be taken in one step (see multi.py).
        """

    def acquire_batch(self, locks: list[Any], give_up_at: float) -> bool:
        """Take this engine's locks of one batch, all or none, until then (`time.monotonic`)."""
