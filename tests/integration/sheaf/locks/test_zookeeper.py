"""What is particular to locks on ZooKeeper: sessions, and servers that come and go."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event
from typing import cast

import pytest
from kazoo.handlers.threading import KazooTimeoutError

from sheaf.hashing import slot
from sheaf.locks import LockError, LockNotOwnedError, zookeeper_client
from sheaf.locks.zookeeper import Client, ZooKeeperLock, ZooKeeperLocks
from sheaf.locks.zookeeper_client import Sighting
from sheaf.locks.zookeeper_places import Place, Queue
from tests.integration.sheaf.locks.conftest import NewName, session
from tests.servers.proxy import Proxy
from tests.servers.zookeeper import Ensemble, zookeeper_ensemble
from tests.waiting import PATIENCE, wait_until

LONG = 10 * PATIENCE
CALL_SECONDS = zookeeper_client.CALL_SECONDS


@pytest.fixture
def client(ensemble: Ensemble) -> Iterator[Client]:
    """A session of the test's own, with the first server."""
    with session(at(ensemble, 0)) as client:
        yield client


def end_session(ensemble: Ensemble, client: Client) -> None:
    """End the session of `client` on the servers, as if they had not heard of it for too long.

    By way of another server: one that has two connections of a session ends only one of them.
    """
    with session(at(ensemble, 1), client_id=client.client_id):
        pass


def at(ensemble: Ensemble, number: int) -> str:
    """One of the servers."""
    return f"127.0.0.1:{ensemble.ports[number]}"


def test_the_fence_is_the_id_of_the_transaction(client: Client, new_name: NewName) -> None:
    lock = ZooKeeperLocks(client, "/fences").lock(new_name(), 10)
    with lock:
        (folder,) = client.get_children("/fences")
        (node,) = client.get_children(f"/fences/{folder}")
        assert client.exists(f"/fences/{folder}/{node}").czxid == lock.fence


def test_time_counts_from_before_the_servers_are_asked(
    client: Client, new_name: NewName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer may be slow: to others our time has begun by then."""
    awaited: list[float] = []
    answer = zookeeper_client.answer

    def noted(request: object) -> object:
        awaited.append(time.monotonic())
        return answer(request)

    monkeypatch.setattr("sheaf.locks.zookeeper_places.answer", noted)
    lock = ZooKeeperLocks(client).lock(new_name(), 5)
    assert lock.acquire()
    assert lock.deadline <= awaited[0] + 5
    for renew in (lock.reacquire, lambda: lock.extend(5, replace_ttl=True)):
        assert renew()
        assert lock.deadline <= awaited[-1] + 5


def test_a_lock_is_ours_for_certain_no_longer_than_a_session_may_be_silent(
    client: Client, new_name: NewName
) -> None:
    lock = ZooKeeperLocks(client).lock(new_name(), 60)
    for step in (lock.acquire, lock.reacquire, lambda: lock.extend(60)):
        assert step()
        assert lock.remaining() <= client.session_seconds


def test_a_renewal_while_a_waiter_ends_the_overdue_lock_keeps_it(
    ensemble: Ensemble, zookeeper_locks: ZooKeeperLocks, client: Client, new_name: NewName
) -> None:
    name = new_name()
    holder = zookeeper_locks.lock(name, 0.1, thread_local=False)
    waiter = ZooKeeperLocks(client).lock(name, 10)
    assert holder.acquire()
    cast("Place", holder._held()).ends_at += LONG  # its clock is late
    delete = client.delete_async
    renewed: list[bool] = []

    def late(path: str, **options: int) -> object:
        renewed.append(renewed != [] or holder.extend(LONG, replace_ttl=True))
        return delete(path, **options)

    client.delete_async = late
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(waiter.acquire, blocking_timeout=PATIENCE)
        wait_until(lambda: renewed, "the waiter does not end the lock")
        assert holder.owned()
        holder.release()
        assert waiting.result()


def test_what_was_seen_of_a_holder_counts_for_each_who_tries(
    zookeeper_locks: ZooKeeperLocks, client: Client, new_name: NewName
) -> None:
    """A holder that hangs is in nobody's way for longer than its lock lives."""
    holder = zookeeper_locks.lock(new_name(), 0.5)
    assert holder.acquire()
    others = ZooKeeperLocks(client)
    wait_until(
        lambda: others.lock(holder.name, 10).acquire(blocking=False), "its time is never over"
    )
    assert not holder.owned()


def test_what_was_seen_is_kept_for_so_many_locks_only(client: Client) -> None:
    locks = ZooKeeperLocks(client)
    for number in range(zookeeper_client._SIGHTINGS + 10):
        queue = Queue.of(client, "/seen", str(number))
        client.note(f"{queue.folder}/{queue.line}", Sighting("", 0, 0, 0.0))
    assert len(client._sightings) == zookeeper_client._SIGHTINGS
    with locks.lock("0", 10) as lock:
        assert lock.locked()


def test_to_add_to_its_time_never_shortens_it(client: Client, new_name: NewName) -> None:
    """Of a lifetime only what a session may be silent for is certain."""
    lock = ZooKeeperLocks(client).lock(new_name(), LONG)
    assert lock.acquire()
    assert lock.extend(1)
    data, _ = client.get(standing(lock)[0])
    assert int(data) / 1000 > LONG / 2


def test_a_session_that_ends_takes_its_locks_along(
    ensemble: Ensemble, zookeeper_locks: ZooKeeperLocks, client: Client, new_name: NewName
) -> None:
    name = new_name()
    lock, waiter = ZooKeeperLocks(client).lock(name, LONG), zookeeper_locks.lock(name, 10)
    lock._session_seconds = LONG  # it is not the time that is over
    assert lock.acquire()
    assert not waiter.acquire(blocking=False)
    end_session(ensemble, client)
    assert waiter.acquire(blocking_timeout=PATIENCE)
    wait_until(lambda: lock.lost, "the loss is not noticed")
    wait_until(lambda: client.connected, "there is no new session")
    assert lock.remaining() == 0
    with pytest.raises(LockNotOwnedError):
        lock.extend(1)
    with pytest.raises(LockNotOwnedError):
        lock.release()
    assert waiter.owned()


def test_a_lock_can_be_taken_again_in_a_new_session(
    ensemble: Ensemble, client: Client, new_name: NewName
) -> None:
    lock = ZooKeeperLocks(client).lock(new_name(), 10)
    assert lock.acquire()
    before = lock.fence
    end_session(ensemble, client)
    wait_until(lambda: lock.lost, "the loss is not noticed")
    assert lock.acquire(blocking_timeout=PATIENCE)
    assert lock.fence > before
    assert not lock.lost
    assert lock.remaining() > 5


def test_a_session_that_ends_as_soon_as_the_lock_is_asked_for(
    ensemble: Ensemble, client: Client, new_name: NewName
) -> None:
    lock = ZooKeeperLocks(client).lock(new_name(), 10)
    ask = client.get_children_async

    def ended(folder: str) -> object:
        client.get_children_async = ask
        end_session(ensemble, client)
        return ask(folder)

    client.get_children_async = ended
    assert lock.acquire(blocking_timeout=PATIENCE)
    assert lock.owned()
    assert len(standing(lock)) == 1


def test_an_end_of_the_session_that_nobody_noticed(
    ensemble: Ensemble, client: Client, new_name: NewName
) -> None:
    """As in an instance of a function that was frozen for longer than a session lives."""
    for _ in range(5):
        end_session(ensemble, client)
        with ZooKeeperLocks(client).lock(new_name(), 10, blocking_timeout=PATIENCE) as lock:
            assert lock.owned()
            assert lock.remaining() > 5


def test_a_lock_outlives_the_server_it_was_taken_from(tmp_path: Path, new_name: NewName) -> None:
    with zookeeper_ensemble(tmp_path) as ensemble, session(ensemble.hosts) as client:
        lock = ZooKeeperLocks(client).lock(new_name(), 10)
        assert lock.acquire()
        fence, (_, port) = lock.fence, client._connection._socket.getpeername()
        ensemble.processes[ensemble.ports.index(port)].kill()
        wait_until(lambda: extended(lock.reacquire), "the lock did not outlive the server")
        assert lock.owned()
        assert lock.fence == fence
        lock.release()


def test_without_a_majority_there_is_no_lock(
    tmp_path: Path, new_name: NewName, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zookeeper_ensemble(tmp_path) as ensemble, session(ensemble.hosts) as client:
        held, free = (ZooKeeperLocks(client).lock(new_name(), LONG) for _ in range(2))
        held._session_seconds = LONG  # it is not the time that is over
        assert held.acquire()
        for process in ensemble.processes[:2]:
            process.kill()
        wait_until(lambda: held.lost, "the loss is not noticed")
        monkeypatch.setattr(zookeeper_client, "CALL_SECONDS", CALL_SECONDS)
        with pytest.raises(LockError, match="cannot be reached"):
            free.acquire(blocking_timeout=1)


def test_an_answer_that_is_left_out_ends_the_connection_and_not_the_session(
    ensemble: Ensemble, new_name: NewName
) -> None:
    """Servers leave answers out when a session moves to another of them."""
    with (
        Proxy(("127.0.0.1", ensemble.ports[0])) as proxy,
        session(f"127.0.0.1:{proxy.port}") as client,
    ):
        held, free = (ZooKeeperLocks(client).lock(new_name(), LONG) for _ in range(2))
        held._session_seconds = LONG  # it is not the time that is over
        assert held.acquire()
        leave_an_answer_out(proxy, client)
        assert free.acquire(blocking_timeout=PATIENCE)
        wait_until(lambda: extended(held.reacquire), "the lock did not outlive its connection")
        assert held.owned()


def leave_an_answer_out(proxy: Proxy, client: Client) -> None:
    """One of a request: the client asks now and then of its own, too."""
    while True:
        proxy.drop_replies(cut=False)
        request = client.exists_async("/")
        wait_until(lambda: not proxy.dropping, "no answer comes")
        request.wait(0.1)
        if not request.ready():
            return


@pytest.mark.parametrize("folders", ["missing", "there"])
def test_a_lost_reply_leaves_no_second_place_in_the_queue(
    folders: str, ensemble: Ensemble, client: Client, new_name: NewName
) -> None:
    name, near = new_name(), ZooKeeperLocks(client, f"/lost/{folders}")
    if folders == "there":
        with near.lock(name, 10):
            pass
    with (
        Proxy(("127.0.0.1", ensemble.ports[0])) as proxy,
        session(f"127.0.0.1:{proxy.port}") as far,
    ):
        # So long that a second place would not be overdue before the test fails.
        lock = ZooKeeperLocks(far, f"/lost/{folders}").lock(name, LONG)
        proxy.drop_replies()
        assert lock.acquire(blocking_timeout=PATIENCE)
        assert not proxy.dropping
        assert len(standing(lock)) == 1
        lock.release()
        assert not near.lock(name, 10).locked()


def test_the_time_of_a_waiter_begins_when_it_has_the_lock(
    zookeeper_locks: ZooKeeperLocks,
    client: Client,
    new_name: NewName,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For those that came later it began, until then, when the node was made."""
    name, waits = new_name(), Event()
    holder, waiter = zookeeper_locks.lock(name, LONG), zookeeper_locks.lock(name, 10)
    assert holder.acquire()
    wait = Place.wait

    def noted(place: Place, until: float, patience: float) -> None:
        waits.set()
        wait(place, until, patience)

    monkeypatch.setattr(Place, "wait", noted)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(waiter.acquire, blocking_timeout=PATIENCE)
        assert waits.wait(PATIENCE)
        holder.release()
        assert waiting.result()
    made = client.exists(standing(waiter)[0])
    assert made.mzxid > made.czxid


def test_an_error_leaves_no_place_in_the_queue_but_the_holders(
    zookeeper_locks: ZooKeeperLocks, new_name: NewName, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: float) -> None:
        raise KazooTimeoutError

    name = new_name()
    holder, waiter = (zookeeper_locks.lock(name, LONG) for _ in range(2))
    assert holder.acquire()
    with monkeypatch.context() as patch:
        patch.setattr(Place, "wait", fail)
        patch.setattr(Place, "renew", fail)
        for use in (waiter.acquire, holder.reacquire):
            with pytest.raises(LockError):
                use()
    wait_until(lambda: len(standing(holder)) == 1, "the waiter has a place")
    assert holder.owned()


def test_a_name_that_goes_on_is_another_lock(
    zookeeper_locks: ZooKeeperLocks, new_name: NewName
) -> None:
    """Also in the same folder, which is one of 4096."""
    name = new_name()
    longer = next(more for n in count() if slot(more := f"{name}{n}") == slot(name))
    for each in (longer, name):
        assert zookeeper_locks.lock(each, 10).acquire(blocking=False)


def test_servers_that_do_not_answer_are_a_lock_error() -> None:
    with pytest.raises(LockError, match="no ZooKeeper server answers"):
        ZooKeeperLocks.from_url("zookeeper://127.0.0.1:1", connect_timeout=0.2)


def standing(lock: ZooKeeperLock) -> list[str]:
    """The nodes of all who have the lock or want it."""
    return Queue.of(lock._client, lock._root, lock.name).everybody()


def extended(renew: Callable[[], bool]) -> bool:
    try:
        return renew()
    except LockNotOwnedError:
        raise
    except LockError:
        return False
