"""Locks on ZooKeeper: a queue of nodes that end with their session.

The recipe is ZooKeeper's own (a numbered node for each, the lowest holds the lock). What is added
is expiry while the session lives: waiters remove a holder whose time is over.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Self, Unpack, cast

from sheaf.locks import zookeeper_client
from sheaf.locks.contract import ALWAYS, Cache, Lock, Meanwhile, take_all
from sheaf.locks.errors import LockError
from sheaf.locks.holder import Options
from sheaf.locks.holdings import Holding, Token, encoded, text_of
from sheaf.locks.zookeeper_client import FAILURES, Client, cause, connect
from sheaf.locks.zookeeper_places import Place, Queue
from sheaf.urls import Url

__all__ = ["Client", "ZooKeeperLock", "ZooKeeperLocks"]

_CONNECT_SECONDS = 5.0
_ROOT = "/sheaf"


class ZooKeeperLock(Lock):
    """A lock kept by ZooKeeper, with `client` started, below the node `root`.

    Its fences are ids of transactions, which lie far below the fences of Redis: after a change of
    engine, claims are refused at first and the fence is reissued. A lock is ours for certain no
    longer than our session would last without a connection: a `timeout` above that (10 s) needs a
    `reacquire` within it. The other parameters, and what is raised for them, are Lock's. What kazoo
    raises is a LockError here.
    """

    def __init__(
        self,
        client: Client,
        name: str | bytes,
        timeout: float | None = None,
        *,
        root: str = _ROOT,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(name, timeout, **options)
        self._client = client
        self._root = root
        # A session that the servers do not hear of ends, and the node with it.
        self._session_seconds = client.session_seconds

    def _begin(self, sign: bytes, given: Token | None) -> Holding:
        return Place(self._queue, sign, given)

    @property
    def _queue(self) -> Queue:
        return Queue.of(self._client, self._root, self.name)

    def _take(self, holding: Holding, give_up_at: float, meanwhile: Meanwhile) -> bool:
        with self._lock_errors():
            before = self._standing()
            if before:
                # It is lost, but its node may stand in our way.
                self._withdraw(cast("Place", before))
            return self._stand(cast("Place", holding), give_up_at, meanwhile)

    def _stand(self, place: Place, give_up_at: float, meanwhile: Meanwhile) -> bool:
        """Stand in the queue until our node is the first, or until it is time to give up."""
        # However little time there is, one answer is waited for.
        patience = max(give_up_at, time.monotonic() + zookeeper_client.CALL_SECONDS)
        waited = False
        while True:
            asked_at = time.monotonic()
            if place.first(self.timeout, patience):
                # Others may have seen us at the head for some time: a change restarts it.
                if not waited or place.renew(self.timeout, patience):
                    self._hold(place, self.timeout, asked_at)
                    return True
            elif holder := place.holder(patience):
                if time.monotonic() >= give_up_at:
                    self._withdraw(place)
                    return False
                place.wait(min(holder.overdue_at, give_up_at, meanwhile()), patience)
            waited = True

    def _hold(self, place: Place, seconds: float, asked_at: float) -> None:
        place.hold(seconds, asked_at)
        place.deadline = asked_at + min(seconds, self._session_seconds)

    @property
    def _certain(self) -> float:
        return min(self.timeout, self._session_seconds)

    def _give_back(self, holding: Holding, until: float = ALWAYS) -> bool:
        with self._lock_errors():
            return cast("Place", holding).give_back(until)

    def _withdraw(self, place: Place) -> None:
        try:
            place.leave()
        except FAILURES:
            self._abandon(place)

    def _abandon(self, holding: Holding) -> None:
        # The servers may be the reason. After its lifetime the next in the queue removes it.
        until = time.monotonic() + self.timeout + self._session_seconds
        self._client.later(cast("Place", holding).clear, until)

    def _renew(
        self, holding: Holding, seconds: float, *, at_least: bool, until: float = ALWAYS
    ) -> bool:
        place, asked_at = cast("Place", holding), time.monotonic()
        if at_least:
            seconds = max(seconds, place.ends_at - asked_at)
        with self._lock_errors():
            if place.is_overdue:
                self._withdraw(place)
                return False
            renewed = place.renew(seconds, until)
        if renewed:
            self._hold(place, seconds, asked_at)
        return renewed

    def _new_fence(self, holding: Holding, above: int) -> int:
        """As in the contract; the next holder's may be lower, and is reissued in its turn."""
        if not self._renew(holding, holding.remaining(), at_least=True):
            return 0
        return max(holding.fence, above) + 1

    def locked(self) -> bool:
        """Whether anybody holds the lock."""
        with self._lock_errors():
            return self._queue.is_held()

    def _owns(self, holding: Holding) -> bool:
        place = cast("Place", holding)
        with self._lock_errors():
            return not place.is_overdue and place.exists()

    @contextmanager
    def _lock_errors(self) -> Iterator[None]:
        if not self._client.is_ours:
            raise LockError(f"{self.name}: the client was started before a fork: make one here")
        try:
            yield
        except FAILURES as error:
            raise LockError(f"{self.name}: {cause(error, self._client.connected)}") from error


class ZooKeeperLocks:
    """Locks on one ensemble, with `client` started, below the node `root`.

    >>> locks = ZooKeeperLocks.from_url(url)
    >>> with locks.lock("tea", timeout=10) as lock:
    ...     lock.fence > 0
    True
    >>> locks.close()
    """

    def __init__(self, client: Client, root: str = _ROOT) -> None:
        self._client = client
        self._root = root

    @classmethod
    def from_url(cls, url: str, connect_timeout: float = _CONNECT_SECONDS) -> Self:
        """Locks at zookeeper://host1:2181,host2:2181/path, where the path is the root (or /sheaf).

        This opens a session, which has a thread: one for each process is enough. Raises LockError
        if no server answers within `connect_timeout`, in seconds, and ValueError for hosts that
        cannot be.
        """
        parts = Url(url)
        return cls(connect(parts.authority, connect_timeout), parts.path.rstrip("/") or _ROOT)

    def close(self) -> None:
        """End the session, and with it all locks that are still held."""
        self._client.stop()
        self._client.close()

    def lock(
        self, name: str | bytes, timeout: float | None = None, **options: Unpack[Options]
    ) -> ZooKeeperLock:
        """A lock by name, not yet taken."""
        return ZooKeeperLock(self._client, name, timeout, root=self._root, **options)

    def batches(self, names: Iterable[str | bytes]) -> list[tuple[str, ...]]:
        """Each name on its own, sorted: a step takes one lock."""
        return [(name,) for name in sorted({text_of(name) for name in names}, key=encoded)]

    def acquire_batch(
        self, locks: list[ZooKeeperLock], give_up_at: float, meanwhile: Meanwhile
    ) -> bool:
        """Take the one lock of a batch."""
        (lock,) = locks
        take = partial(lock._take, give_up_at=give_up_at, meanwhile=meanwhile)
        return take_all(locks, take)

    def publish_batch(
        self, locks: list[ZooKeeperLock], cache: Cache, entries: Mapping[str, Any]
    ) -> None:
        """Store the entry of the one lock of a batch; a cache cannot ask for proof of it."""
        (lock,) = locks
        cache.publish(lock.name, entries[lock.name])

    def release_batch(self, locks: list[ZooKeeperLock], until: float) -> list[LockError]:
        """Give back the one lock of a batch; what failed of it."""
        (lock,) = locks
        holding = lock._held()
        try:
            lock._ended(holding, lock._give_back(holding, until))
        except LockError as error:
            return [error]
        return []
