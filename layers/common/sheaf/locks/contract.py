"""What a lock promises, and what is the same for every engine: waiting, deadline, `with`."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import UUID, uuid4


class LockError(Exception):
    """The lock was not free in time, or the lock service does not answer.

    To redis-py the second is a ConnectionError.
    """


class LockNotOwnedError(LockError):
    """The lock is not ours, or not any more: it expired, or someone else holds it.

    Also what is raised of a lock that was never taken, or has been given back.
    """


class Cache(Protocol):
    """Where what was written under a lock is published: on a `client`, by a script if need be.

    `sheaf.caching.versioned.VersionedCache` is one. Any other needs these three members.
    """

    @property
    def client(self) -> Any:
        """What it is kept with: a lock with the same one is in the same place."""

    def publish(self, key: str, entry: Any) -> object:
        """Store `entry` under `key`, in a round trip of its own and without proof of a lock.

        What it returns is not looked at, and what it raises is left to the caller.
        """

    def publication(self, key: str, entry: Any, proof: tuple[str, str]) -> Any:
        """A script that stores it while a key of the same slot has a value: the two of `proof`.

        It is a `sheaf.redis_scripts.Call`.
        """


class Lock(ABC):
    """A lock by name that ends by itself: `timeout`, in seconds, after it was taken or renewed.

    One object is one holder, whose id is `token`: it belongs to one thread of one process, and it
    is not reentrant, but acquiring what it already holds succeeds and gives the same fence (the
    reply to an earlier request may have been lost). `with` raises LockError if the lock is not free
    in time, and at its end what `release` does. Raises ValueError for a `name` that is empty or has
    braces, and a `timeout` that is not above 0.
    """

    def __init__(
        self,
        name: str,
        timeout: float,
        *,
        blocking: bool = True,
        blocking_timeout: float | None = None,
    ) -> None:
        """`blocking` and `blocking_timeout`, in seconds (None: no end), are acquire's defaults."""
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
        """The number of this holding, above every earlier one.

        Raises LockNotOwnedError if the lock is not held. One that has expired unnoticed still has
        its fence: whether that counts is decided where the data is.
        """
        if not self._fence:
            raise LockNotOwnedError(f"{self.name} is not held")
        return self._fence

    @property
    def deadline(self) -> float:
        """When the lock stops being ours for certain, by `time.monotonic`; 0 if it is not held.

        It counts from before the request was sent. Nobody is asked.
        """
        return self._deadline

    def remaining(self) -> float:
        """Seconds for which the lock is ours for certain; 0 when it is not."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def lost(self) -> bool:
        """Whether we held the lock and can no longer rely on it, though we did not release it."""
        return self._lost or (self._fence > 0 and self.remaining() == 0)

    def acquire(self, blocking: bool | None = None, blocking_timeout: float | None = None) -> bool:
        """Take the lock; whether we have it. None stands for what the lock was made with.

        It tries once and then, if `blocking`, goes on for `blocking_timeout`, in seconds, at most
        (`inf`: for ever). Raises LockError if the lock service does not answer.
        """
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
        """Give the lock back; raises LockNotOwnedError if it was not ours, or not any more.

        After any other LockError the lock still counts as held: it may be released again. Then
        LockNotOwnedError may also say that the first request got through.
        """

    def publish_and_release(self, cache: Cache, key: str, entry: Any) -> None:
        """Publish `entry`, which was written under the lock, and give the lock back.

        Where the cache is in the same place, that is one round trip, and nothing is stored if the
        lock is lost. What the cache raises passes through: then the lock still counts as held.
        Besides, it raises what `release` does.
        """
        cache.publish(key, entry)
        self.release()

    @abstractmethod
    def extend(self, additional_time: float, replace_ttl: bool = False) -> bool:
        """Add `additional_time`, in seconds, to the time left; with `replace_ttl`, leave just that.

        Returns True. Raises LockNotOwnedError if the lock was not ours any more, and LockError if
        the lock service does not answer.
        """

    def reacquire(self) -> bool:
        """Leave the lock its whole timeout again; returns and raises what `extend` does."""
        return self.extend(self.timeout, replace_ttl=True)

    @abstractmethod
    def reissue(self, above: int) -> int:
        """A new fence for the same holding, higher than `above`, the fence that was in the way.

        For a holder whose claim was refused because the counter of fences had been lost. It is
        given only on proof that the lock is still ours; the work begins again from its reading.
        Raises LockNotOwnedError without that proof, and LockError if nobody answers.
        """

    @abstractmethod
    def locked(self) -> bool:
        """Whether anybody holds the lock; raises LockError if the lock service does not answer."""

    @abstractmethod
    def owned(self) -> bool:
        """Whether this object holds the lock, asked of the lock service; raises LockError."""

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
    """An engine: makes locks that are kept in one place. MultiLock needs no more than this."""

    def lock(
        self,
        name: str,
        timeout: float,
        *,
        blocking: bool = True,
        blocking_timeout: float | None = None,
    ) -> Lock:
        """A lock by name, not yet taken. The parameters, and the ValueError, are Lock's."""

    def batches(self, names: Iterable[str]) -> list[tuple[str, ...]]:
        """The names, each once, in the order in which all callers must take them.

        Names of one batch can be taken in one step, by `acquire_batch`.
        """

    def acquire_batch(self, locks: list[Any], give_up_at: float) -> bool:
        """Take this engine's locks of one batch, all or none; whether we have them.

        It tries once and then until `give_up_at`, by `time.monotonic`. Raises LockError if the lock
        service does not answer.
        """
