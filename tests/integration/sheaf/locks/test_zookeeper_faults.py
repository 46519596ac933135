"""Locks on ZooKeeper over connections that are lost, and with servers that hang."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, cast

import pytest
from kazoo.handlers.threading import KazooTimeoutError

from sheaf.locks import LockError, LockNotOwnedError, MultiLock, zookeeper_client
from sheaf.locks.zookeeper import Client, ZooKeeperLock, ZooKeeperLocks
from sheaf.locks.zookeeper_places import Place
from tests.integration.sheaf.locks.conftest import NewName, TooLate, session
from tests.integration.sheaf.locks.test_zookeeper import (
    CALL_SECONDS,
    LONG,
    at,
    end_session,
    extended,
    standing,
)
from tests.servers.proxy import Proxy
from tests.servers.zookeeper import Ensemble
from tests.waiting import PATIENCE, wait_until

NOWHERE = ("127.0.0.1", 1)


class Far(NamedTuple):
    """A session whose connection can be lost."""

    proxy: Proxy
    client: Client
    server: tuple[str, int]

    def lock(self, name: str, **options: Any) -> ZooKeeperLock:
        """One that does not end by itself while the test runs."""
        lock = ZooKeeperLocks(self.client).lock(name, LONG, **options)
        lock._session_seconds = LONG  # it is not the time that is over
        return lock

    def lose_reply(self) -> None:
        """Of the next request, which is done."""
        self.proxy.drop_replies()

    def lose_request(self) -> None:
        """The next finds no connection."""
        self.proxy.cut()

    def away(self) -> None:
        """The next request is done, its reply is lost, and then no server can be reached."""
        self.proxy.retarget(NOWHERE)
        self.proxy.drop_replies()

    def back(self) -> None:
        """A server can be reached again."""
        self.proxy.heal(self.server)
        wait_until(lambda: self.client.connected, "there is no connection")


@pytest.fixture
def far(ensemble: Ensemble) -> Iterator[Far]:
    server = ("127.0.0.1", ensemble.ports[0])
    # An outage may last while a machine is busy: no session ends by it.
    with Proxy(server) as proxy, session(f"127.0.0.1:{proxy.port}", timeout=60) as client:
        try:
            yield Far(proxy, client, server)
        finally:
            proxy.heal(server)


def before_once(client: Client, request: str, act: Callable[[], object]) -> threading.Event:
    """Do this just before the client's next request of a kind, and set the event then."""
    ask, done = getattr(client, request), threading.Event()

    def acting(*arguments: Any, **options: Any) -> Any:
        setattr(client, request, ask)
        act()
        done.set()
        return ask(*arguments, **options)

    setattr(client, request, acting)
    return done


def given_back(lock: ZooKeeperLock) -> bool:
    """Whether it could be, and if so, whether as its own."""
    try:
        lock.release()
    except LockNotOwnedError:
        raise
    except LockError:
        return False
    return True


@pytest.mark.parametrize("fault", [Far.lose_reply, Far.lose_request])
def test_a_release_over_a_lost_connection(
    fault: Callable[[Far], None], far: Far, zookeeper_locks: ZooKeeperLocks, new_name: NewName
) -> None:
    lock = far.lock(new_name())
    assert lock.acquire(blocking_timeout=PATIENCE)
    before_once(far.client, "delete_async", lambda: fault(far))
    wait_until(lambda: given_back(lock), "it cannot be given back")
    assert not lock.lost
    assert zookeeper_locks.lock(lock.name, 10).acquire(blocking=False)
    with pytest.raises(LockNotOwnedError, match="given back before"):
        lock.release()


@pytest.mark.parametrize("session_ends", [False, True])
def test_a_release_that_failed_can_be_done_again(
    session_ends: bool,
    far: Far,
    ensemble: Ensemble,
    zookeeper_locks: ZooKeeperLocks,
    new_name: NewName,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(zookeeper_client, "_SETTLE_SECONDS", 0)
    lock = far.lock(new_name())
    assert lock.acquire(blocking_timeout=PATIENCE)
    before_once(far.client, "delete_async", far.away)
    with pytest.raises(LockError) as told:
        lock.release()
    assert not isinstance(told.value, LockNotOwnedError)
    assert lock.fence
    if session_ends:
        with session(
            at(ensemble, 1), client_id=(far.client._session_id, far.client._session_passwd)
        ):
            pass
    assert zookeeper_locks.lock(lock.name, 10).acquire(blocking_timeout=PATIENCE)
    far.back()
    wait_until(lambda: given_back(lock), "it cannot be given back")


def test_what_was_kept_after_a_failed_release_can_be_lost(
    far: Far, zookeeper_locks: ZooKeeperLocks, new_name: NewName
) -> None:
    lock = far.lock(new_name())
    assert lock.acquire(blocking_timeout=PATIENCE)
    cast("Place", lock._held()).leaving = True
    wait_until(lambda: extended(lock.reacquire), "it cannot be kept")
    zookeeper_locks._client.delete(standing(lock)[0])
    with pytest.raises(LockNotOwnedError):
        lock.release()


def gives_up_at_once(lock: ZooKeeperLock) -> None:
    assert not lock.acquire(blocking=False)


def gives_up_in_time(lock: ZooKeeperLock) -> None:
    assert not lock.acquire(blocking_timeout=0.3)


def is_interrupted(lock: ZooKeeperLock) -> None:
    def interrupt() -> float:
        raise TooLate

    with pytest.raises(TooLate):
        ZooKeeperLocks(lock._client).acquire_batch([lock], math.inf, interrupt)


@pytest.mark.parametrize("fault", [Far.lose_reply, Far.lose_request, Far.away])
@pytest.mark.parametrize("give_up", [gives_up_at_once, gives_up_in_time, is_interrupted])
def test_who_gives_up_over_a_lost_connection_leaves_no_place(
    give_up: Callable[[ZooKeeperLock], None],
    fault: Callable[[Far], None],
    far: Far,
    zookeeper_locks: ZooKeeperLocks,
    new_name: NewName,
) -> None:
    holder = zookeeper_locks.lock(new_name(), LONG)
    assert holder.acquire()
    lock = far.lock(holder.name)
    faulty = before_once(far.client, "delete_async", lambda: fault(far))
    give_up(lock)
    assert faulty.wait(PATIENCE)  # a thread may clear up
    far.back()
    wait_until(lambda: len(standing(holder)) == 1, "it stands in the queue")
    holder.release()
    assert zookeeper_locks.lock(holder.name, 10).acquire(blocking_timeout=PATIENCE)


def test_a_later_holding_of_the_same_object_is_left_alone(far: Far, new_name: NewName) -> None:
    """Also if its token begins like the one that was given up."""
    lock = far.lock(new_name())
    first = cast("Place", lock._begin(b"token", "token"))
    assert lock.acquire(token="token-1")
    first.clear()
    assert lock.owned()
    far.client.later(first.clear, math.inf)
    wait_until(lambda: not far.client._backlog._running, "it is not cleared")
    assert lock.owned()


def test_clearing_ends_when_the_client_is_closed(ensemble: Ensemble) -> None:
    server = ("127.0.0.1", ensemble.ports[0])
    for closing in ("away", "there"):
        with Proxy(server) as proxy, session(f"127.0.0.1:{proxy.port}") as client:
            lock = Far(proxy, client, server).lock("closing")
            if closing == "away":
                proxy.retarget(NOWHERE)
                proxy.cut()
            for _ in range(5):
                lock._abandon(lock._begin(b"token", None))
            assert len(clearing()) <= 1
        wait_until(lambda: clearing() == [], "it goes on")
        lock._abandon(lock._begin(b"token", None))
        wait_until(lambda: clearing() == [], "it goes on")


def clearing() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "zookeeper backlog"]


def test_what_is_unexpected_does_not_end_the_clearing(
    far: Far, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[int] = []
    far.client.later(lambda: 1 / 0, math.inf)
    far.client.later(lambda: done.append(1), math.inf)
    wait_until(lambda: done, "the next is not cleared")
    assert "not cleared" in caplog.messages


def test_what_is_over_is_not_cleared(far: Far) -> None:
    done: list[int] = []
    far.client.later(lambda: done.append(1), time.monotonic())
    far.client.later(lambda: done.append(2), math.inf)
    wait_until(lambda: done, "the next is not cleared")
    assert done == [2]


def test_nobody_waits_in_asking_while_there_is_no_connection(far: Far) -> None:
    """kazoo's thread is to be woken for each request, and hears nothing while it connects."""
    far.proxy.retarget(NOWHERE)
    far.proxy.cut()
    wait_until(lambda: not far.client.connected, "there is a connection")
    many = threading.Thread(
        target=lambda: [far.client.sync_async("/") for _ in range(1000)], daemon=True
    )
    many.start()
    many.join(PATIENCE)
    assert not many.is_alive()
    far.back()


def test_extending_with_a_lost_reply_is_done_once(
    far: Far, zookeeper_locks: ZooKeeperLocks, new_name: NewName
) -> None:
    lock = far.lock(new_name())
    assert lock.acquire(blocking_timeout=PATIENCE)
    lock.extend(100, replace_ttl=True)
    before_once(far.client, "set_async", far.lose_reply)
    wait_until(lambda: extended(lambda: lock.extend(1000)), "it cannot be extended")
    assert not far.proxy.dropping
    data, _ = zookeeper_locks._client.get(standing(lock)[0])
    assert 1000_000 < int(data) <= 1100_000
    assert lock.remaining() <= 1100
    assert not lock.lost
    assert lock.owned()


def test_what_ended_with_its_session_cannot_be_extended(
    far: Far, ensemble: Ensemble, new_name: NewName
) -> None:
    lock = far.lock(new_name())
    assert lock.acquire(blocking_timeout=PATIENCE)
    end_session(ensemble, far.client)
    with pytest.raises(LockNotOwnedError):
        wait_until(lambda: extended(lambda: lock.extend(10)), "its loss is not noticed")
    assert lock.lost


def test_renewal_goes_on_after_an_outage(
    far: Far, new_name: NewName, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = far.lock(new_name(), auto_renew=True)
    with lock:
        renew = lock._renewing()
        before_once(far.client, "set_async", far.away)
        monkeypatch.setattr(zookeeper_client, "CALL_SECONDS", CALL_SECONDS)
        # The second begins without a connection.
        for _ in range(2):
            with pytest.raises(LockError) as told:
                renew()
            assert not isinstance(told.value, LockNotOwnedError)
        far.back()
        wait_until(lambda: extended(lambda: renew() is None), "it is not renewed")
        assert lock.owned()
        wait_until(lock.remaining, "it is lost")


def test_renewal_keeps_a_lock_for_longer_than_a_session_may_be_silent(
    ensemble: Ensemble, new_name: NewName
) -> None:
    """Its own time is longer: a third of that would be too late."""
    with session(at(ensemble, 0), timeout=6) as client:
        lock = ZooKeeperLocks(client).lock(new_name(), LONG, auto_renew=True)
        with lock:
            taken_until = lock.deadline
            assert taken_until - time.monotonic() <= 6
            wait_until(lambda: time.monotonic() > taken_until, "time stands still")
            wait_until(lambda: not lock.lost, "it is not renewed")
            assert lock.deadline > taken_until
            lock.reacquire()


def test_several_are_not_renewed_all_the_time(
    zookeeper_locks: ZooKeeperLocks, new_name: NewName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the last is waited for, though the session's time is far below the locks' own."""
    several = MultiLock(zookeeper_locks, [new_name() for _ in range(2)], LONG)
    renewals: list[float] = []
    renew = ZooKeeperLock._renew

    def noted(lock: ZooKeeperLock, *arguments: Any, **options: Any) -> bool:
        renewals.append(time.monotonic())
        return renew(lock, *arguments, **options)

    monkeypatch.setattr(ZooKeeperLock, "_renew", noted)
    holder = zookeeper_locks.lock(several.names[-1], LONG)
    assert holder.acquire()
    started = time.monotonic()
    assert not several.acquire(blocking_timeout=1)
    assert len(renewals) <= (time.monotonic() - started) / 3 + 1


@pytest.mark.parametrize("patience", [0, 0.3])
def test_servers_that_hang_are_waited_for_once_when_time_is_up(
    patience: float,
    far: Far,
    zookeeper_locks: ZooKeeperLocks,
    new_name: NewName,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    holder = zookeeper_locks.lock(new_name(), LONG)
    assert holder.acquire()
    lock = far.lock(holder.name)
    assert not lock.acquire(blocking=False)
    monkeypatch.setattr(zookeeper_client, "CALL_SECONDS", CALL_SECONDS)
    answer, late, main = zookeeper_client.answer, [], threading.get_ident()

    def noted(request: Any) -> Any:
        asked_at = time.monotonic()
        try:
            return answer(request)
        except KazooTimeoutError:
            late.append((threading.get_ident(), asked_at))
            raise

    monkeypatch.setattr("sheaf.locks.zookeeper_places.answer", noted)
    far.proxy.replies.hold()
    give_up_at = time.monotonic() + patience
    monkeypatch.setattr(lock, "_give_up_at", lambda *_: give_up_at)
    with pytest.raises(LockError, match="in time"):
        lock.acquire(blocking_timeout=patience)
    assert len([at for thread, at in late if thread == main and at > give_up_at]) <= 1
    far.back()


@pytest.mark.parametrize("step", ["get_async", "exists_async", "get_children_async"])
def test_a_waiter_outlives_a_lost_reply(
    step: str,
    far: Far,
    zookeeper_locks: ZooKeeperLocks,
    new_name: NewName,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(zookeeper_client, "_SETTLE_SECONDS", PATIENCE)
    holder = zookeeper_locks.lock(new_name(), LONG)
    assert holder.acquire()
    lost: list[None] = []
    before_once(far.client, step, lambda: lost.append(far.lose_reply()))
    waiter = far.lock(holder.name, thread_local=False)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(waiter.acquire, blocking_timeout=PATIENCE)
        wait_until(lambda: lost and not far.proxy.dropping, "no reply is lost")
        wait_until(lambda: len(standing(holder)) == 2, "it gave up")
        holder.release()
        assert waiting.result()
    assert waiter.owned()


def test_who_takes_what_was_lost_again_does_not_wait_for_it(
    zookeeper_locks: ZooKeeperLocks, new_name: NewName
) -> None:
    """Its node may live: time is over for the holder before it is for others."""
    lock = zookeeper_locks.lock(new_name(), LONG)
    assert lock.acquire()
    lock._held().deadline = 0
    assert lock.acquire(blocking=False)
    assert len(standing(lock)) == 1
    lock.release()
