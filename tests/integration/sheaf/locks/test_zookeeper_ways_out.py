"""On ZooKeeper nothing is left behind, whatever ends a step halfway: errors, signals, threads."""

import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from types import FrameType
from typing import Any

import pytest
from kazoo.exceptions import NoNodeError

from sheaf.locks import LockError, zookeeper_client
from sheaf.locks.zookeeper import Client, ZooKeeperLock, ZooKeeperLocks
from tests.integration.sheaf.locks.conftest import NewName, TooLate, session
from tests.integration.sheaf.locks.test_zookeeper import LONG, at, standing
from tests.servers.zookeeper import Ensemble
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def client(ensemble: Ensemble) -> Iterator[Client]:
    """A session of the test's own."""
    with session(at(ensemble, 0)) as client:
        yield client


def acquire_free(lock: ZooKeeperLock, _: ZooKeeperLock) -> None:
    lock.acquire()


def acquire_busy(lock: ZooKeeperLock, holder: ZooKeeperLock) -> None:
    holder.acquire()
    lock.acquire(blocking=False)


def wait_in_vain(lock: ZooKeeperLock, holder: ZooKeeperLock) -> None:
    holder.acquire()
    lock.acquire(blocking_timeout=0.05)


def wait_for_what_is_overdue(lock: ZooKeeperLock, holder: ZooKeeperLock) -> None:
    holder.timeout = 0.05
    holder.acquire()
    lock.acquire(blocking_timeout=PATIENCE)


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize(
    "act", [acquire_free, acquire_busy, wait_in_vain, wait_for_what_is_overdue]
)
def test_an_exception_at_any_request_leaves_nothing(
    act: Callable[[ZooKeeperLock, ZooKeeperLock], None],
    done: bool,
    zookeeper_locks: ZooKeeperLocks,
    client: Client,
    new_name: NewName,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At each request in turn: before its answer is waited for, or once it is there."""
    answer, main = zookeeper_client.answer, threading.get_ident()
    for step in count():
        holder = ZooKeeperLocks(client).lock(new_name(), LONG)
        lock = zookeeper_locks.lock(holder.name, LONG)
        asked = count()

        def interrupted(request: Any) -> Any:
            ours = threading.get_ident() == main and request._handler is lock._client.handler  # noqa: B023
            here = ours and next(asked) == step  # noqa: B023
            if not here:
                return answer(request)
            if done:
                with suppress(NoNodeError):
                    answer(request)
            raise TooLate

        with monkeypatch.context() as patch:
            patch.setattr("sheaf.locks.zookeeper_places.answer", interrupted)
            try:
                act(lock, holder)
            except TooLate:
                pass
            else:
                assert step > 1
                return
        with suppress(LockError):
            holder.release()
        wait_until(lambda: standing(lock) == [], "a node is left")  # noqa: B023


def test_a_signal_at_any_moment_leaves_nothing(
    zookeeper_locks: ZooKeeperLocks,
    client: Client,
    new_name: NewName,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is raised while Python clears a weak reference it swallows: then there is another."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)

    def handle(_number: int, _frame: FrameType | None) -> None:
        raise TooLate

    holder = ZooKeeperLocks(client).lock(new_name(), LONG)
    interrupted = 0
    before = signal.signal(signal.SIGALRM, handle)
    try:
        for turn in range(40):
            lock = zookeeper_locks.lock(holder.name, LONG)
            if turn % 2:
                holder.acquire()
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0005 + turn * 0.0005, 5)
                lock.acquire(blocking_timeout=PATIENCE)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except TooLate:
                signal.setitimer(signal.ITIMER_REAL, 0)
                interrupted += 1
            with suppress(LockError):
                lock.release()
            with suppress(LockError):
                holder.release()
            wait_until(lambda: standing(holder) == [], "a node is left")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted >= 20


def test_a_signal_between_a_request_and_its_sending(client: Client, new_name: NewName) -> None:
    """What was put down would be sent with the next request, and so on for ever.

    And kazoo takes what is raised there for a closed connection.
    """
    lock = ZooKeeperLocks(client).lock(new_name(), LONG)

    class Interrupted(deque[object]):
        def append(self, request: object) -> None:
            super().append(request)
            client._queue = deque(self)
            raise TooLate

    class Told:
        def __init__(self, socket: Any) -> None:
            self.socket = socket

        def send(self, *what: Any) -> None:
            client._connection._write_sock = self.socket
            self.socket.send(*what)
            raise TooLate

    for use in (lock.locked, lock.acquire):
        client._queue = Interrupted()
        with pytest.raises(TooLate):
            use()
        wait_until(lambda: not lock.locked(), "it is not cleared")
        client._connection._write_sock = Told(client._connection._write_sock)
        with pytest.raises(TooLate):
            use()
        wait_until(lambda: not lock.locked(), "it is not cleared")


def test_threads_that_share_a_lock(zookeeper_locks: ZooKeeperLocks, new_name: NewName) -> None:
    lock, together = zookeeper_locks.lock(new_name(), LONG), threading.Barrier(4)
    inside: list[int] = []

    def take() -> bool:
        together.wait(PATIENCE)
        taken = lock.acquire(blocking=False)
        together.wait(PATIENCE)
        if taken:
            assert len(standing(lock)) == 1
            lock.release()
        return taken

    def work() -> None:
        for _ in range(5):
            with lock:
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: take(), range(4))) == [False, False, False, True]
        list(pool.map(lambda _: work(), range(4)))
    assert standing(lock) == []
