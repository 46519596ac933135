"""Several locks at once, taken in one order by everybody, so that nobody waits in a circle."""

import time
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, Unpack
from uuid import UUID

from sheaf.locks.contract import Cache, Lock, Locks, drop_all
from sheaf.locks.errors import LockNotOwnedError
from sheaf.locks.holder import Holder, Options
from sheaf.locks.holdings import GIVEN_BACK, Holding

# For how long lost answers are asked for again, when many locks are given back.
_ASKING_SECONDS = 1.0


class MultiLock(Holder):
    """The locks of all these names, each once, or none of them.

    `locks` is the engine, such as RedisLocks. `timeout` is the lifetime of each lock, in seconds
    (None: 60). What is taken already is renewed while the rest is waited for; what was lost all the
    same makes it begin again. Each holding belongs to the thread that took it, as a Lock's does.
    Raises ValueError without a name, and what a Lock raises for names and times. The other
    parameters are Holder's.

    >>> with MultiLock(RedisLocks(client), ["to", "from"], timeout=10) as both:
    ...     sorted(both.names), both.fence("to") > 0
    (['from', 'to'], True)
    """

    def __init__(
        self,
        locks: Locks,
        names: Iterable[str | bytes],
        timeout: float | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(timeout, options)
        self._engine = locks
        self._batches = [
            [locks.lock(name, timeout, **options) for name in batch]
            for batch in locks.batches(names)
        ]
        if not self._batches:
            raise ValueError("no names to lock")

    @property
    def locks(self) -> tuple[Lock, ...]:
        """The locks in the order in which they are taken."""
        return tuple(lock for batch in self._batches for lock in batch)

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the order in which they are taken."""
        return tuple(lock.name for lock in self.locks)

    @property
    def _certain(self) -> float:
        return min(lock._certain for lock in self.locks)

    @property
    def _title(self) -> str:
        return ", ".join(self.names)

    def fence(self, name: str) -> int:
        """The fence of one of the locks; raises LockNotOwnedError when it is not held.

        Raises KeyError for a name that is not among them.
        """
        return self._named(name).fence

    def token(self, name: str) -> UUID:
        """The id of one of the holdings; raises what `fence` does."""
        return self._named(name).token

    def reissue(self, name: str, above: int) -> int:
        """A new fence for one of the locks, as a Lock's; raises KeyError, too."""
        return self._named(name).reissue(above)

    def publish(self, cache: Cache, entries: Mapping[str, Any]) -> None:
        """Store an entry under each of the names, in a round trip for each batch of locks.

        Whether a lock is ours is proven where its engine can: without proof what is older is
        removed. What the cache raises passes through. Raises KeyError for a name without an entry.
        """
        for batch in self._batches:
            self._engine.publish_batch(batch, cache, entries)

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

    def owned(self) -> bool:
        """Whether this thread holds all of them, asked of the lock service; raises LockError."""
        return all(lock.owned() for lock in self.locks)

    def acquire(
        self,
        *,
        blocking: bool | None = None,
        blocking_timeout: float | None = None,
        sleep: float | None = None,  # noqa: ARG002 - as Holder's
    ) -> bool:
        """Take all locks; whether we have them. `blocking_timeout` is for all of them together.

        When it says yes, each of them was ours after the last one had been taken.
        """
        for lock in self.locks:
            lock._may_begin()
        give_up_at = self._give_up_at(blocking, blocking_timeout)
        try:
            while not self._take_all(give_up_at):
                self._hand_over(give_up_at)
                if time.monotonic() >= give_up_at:
                    return False
        except BaseException as error:
            drop_all(self._standing(), error)
            raise
        return True

    def _take_all(self, give_up_at: float) -> bool:
        """Take batch after batch; False if one was not free in time, or lost meanwhile."""
        earlier: list[Lock] = []
        try:
            for batch in self._batches:
                if not self._take(batch, earlier, give_up_at):
                    return False
                earlier += batch
            # Proof for all that were taken before the last batch.
            for lock in earlier[: -len(self._batches[-1])]:
                lock._prove(give_up_at)
        except LockNotOwnedError:
            return False
        return not self.lost

    def _take(self, batch: list[Lock], earlier: list[Lock], give_up_at: float) -> bool:
        def keep_alive() -> float:
            due = self._due(earlier)
            if time.monotonic() < due:
                return due
            for lock in earlier:
                lock._prove(give_up_at)
            return self._due(earlier)

        return self._engine.acquire_batch(batch, give_up_at, keep_alive)

    def _due(self, locks: list[Lock]) -> float:
        """When a third of the time is over that is certain for the first, by `time.monotonic`."""
        deadlines = [lock.deadline for lock in locks]
        return min(deadlines, default=float("inf")) - self._certain * 2 / 3

    def release(self) -> None:
        """Give all locks back that are held, whatever becomes of one; raises the first failure.

        That is LockNotOwnedError if one was not ours any more, or if none is held, and LockError if
        the lock service fails.
        """
        held = [[lock for lock in batch if lock.deadline] for batch in self._batches]
        until = time.monotonic() + _ASKING_SECONDS
        failures = [self._engine.release_batch(batch, until) for batch in held if batch]
        for failure in chain(*failures):
            raise failure
        for lock in self.locks:
            if lock.lost:  # as we knew
                lock._held()
        if not any(held):
            raise LockNotOwnedError(f"{self._title}: none of the locks is held")

    def extend(self, additional_time: float, replace_ttl: bool = False) -> bool:
        """As a Lock's, of each; at the first failure the rest is left as it is."""
        for lock in self.locks:
            lock.extend(additional_time, replace_ttl)
        return True

    def reacquire(self) -> bool:
        """Leave each lock its whole timeout again; returns and raises what `extend` does."""
        return self.extend(self.timeout, replace_ttl=True)

    def _renewing(self) -> Callable[[], object]:
        each = [lock._renewing() for lock in self.locks]
        return lambda: [renew() for renew in each]

    def _standing(self) -> list[tuple[Lock, Holding]]:
        """What this thread holds, as far as we know."""
        held = ((lock, lock._standing()) for lock in self.locks)
        return [(lock, holding) for lock, holding in held if holding]

    def _hand_over(self, until: float) -> None:
        """Give back what this thread holds; what an answer is lost of is asked again `until` then.

        Raises LockError if the lock service fails.
        """
        for lock, holding in self._standing():
            lock._give_back(holding, until)
            holding.ended = GIVEN_BACK
