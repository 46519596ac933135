"""Several locks at once, taken in one order by everybody, so that nobody waits in a circle."""

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self
from uuid import UUID

from sheaf.locks.contract import Lock, LockError, LockNotOwnedError, Locks


class MultiLock:
    """The locks of all these names, each once, or none of them.

    `locks` is the engine, such as RedisLocks. `timeout` is the lifetime of each lock, in seconds;
    `blocking` and `blocking_timeout`, in seconds (None: for ever), are acquire's defaults. Raises
    ValueError without a name, and for a name or a `timeout` that a Lock refuses. `with` takes and
    releases them, and raises LockError if they were not free in time.

    >>> with MultiLock(RedisLocks(client), ["to", "from"], timeout=10) as both:
    ...     sorted(both.names), both.fence("to") > 0
    (['from', 'to'], True)
    """

    def __init__(
        self,
        locks: Locks,
        names: Iterable[str],
        timeout: float,
        *,
        blocking: bool = True,
        blocking_timeout: float | None = None,
    ) -> None:
        self._engine = locks
        self._batches = [
            [locks.lock(name, timeout) for name in batch] for batch in locks.batches(names)
        ]
        if not self._batches:
            raise ValueError("no names to lock")
        self.blocking = blocking
        self.blocking_timeout = blocking_timeout

    @property
    def locks(self) -> tuple[Lock, ...]:
        """The locks in the order in which they are taken."""
        return tuple(lock for batch in self._batches for lock in batch)

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the order in which they are taken."""
        return tuple(lock.name for lock in self.locks)

    def fence(self, name: str) -> int:
        """The fence of one of the locks; raises LockNotOwnedError when it is not held.

        Raises KeyError for a name that is not among them.
        """
        return self._named(name).fence

    def token(self, name: str) -> UUID:
        """The holder's id for one of the locks; raises KeyError for any other name."""
        return self._named(name).token

    def _named(self, name: str) -> Lock:
        for lock in self.locks:
            if lock.name == name:
                return lock
        raise KeyError(name)

    def remaining(self) -> float:
        """Seconds for which all locks are ours for certain; 0 when one of them is not."""
        return min(lock.remaining() for lock in self.locks)

    @property
    def lost(self) -> bool:
        """Whether any of the locks we held can no longer be relied on."""
        return any(lock.lost for lock in self.locks)

    def acquire(self, blocking: bool | None = None, blocking_timeout: float | None = None) -> bool:
        """Take all locks; whether we have them. The parameters are those of a Lock's `acquire`.

        `blocking_timeout` is for all of them together. If they are not had, or the lock service
        does not answer (LockError), none is kept: what cannot be given back expires by itself.
        """
        blocking = self.blocking if blocking is None else blocking
        if blocking_timeout is None:
            blocking_timeout = self.blocking_timeout
        limit = float("inf") if blocking_timeout is None else blocking_timeout
        give_up_at = time.monotonic() + (limit if blocking else 0.0)
        try:
            done = all(self._engine.acquire_batch(batch, give_up_at) for batch in self._batches)
        except LockError:
            self._give_back()
            raise
        if not done:
            self._give_back()
        return done

    def release(self) -> None:
        """Give all locks back that are held, whatever becomes of one; raises the first failure.

        That is LockNotOwnedError if one was not ours any more, or if none is held, and LockError if
        the lock service does not answer.
        """
        failures = self._release_all()
        if failures:
            raise failures[0]

    def _give_back(self) -> None:
        """Release what was taken. What cannot be released now expires by itself."""
        self._release_all()

    def _release_all(self) -> list[LockError]:
        failures: list[LockError] = []
        held = 0
        for lock in self.locks:
            if lock.deadline:
                held += 1
                try:
                    lock.release()
                except LockError as error:
                    failures.append(error)
        if not held:
            failures.append(LockNotOwnedError("none of the locks is held"))
        return failures

    def __enter__(self) -> Self:
        if not self.acquire():
            raise LockError(f"{', '.join(self.names)} were not free in time")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
