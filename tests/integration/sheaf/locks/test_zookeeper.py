"""What is particular to locks on ZooKeeper: sessions, and servers that come and go."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from sheaf.locks import LockError, LockNotOwnedError, zookeeper_queue
from sheaf.locks.zookeeper import ZooKeeperLocks
from tests.integration.sheaf.locks.conftest import NewName
from tests.servers.proxy import Proxy
from tests.servers.zookeeper import Ensemble, zookeeper_ensemble
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def client(ensemble: Ensemble) -> Iterator[KazooClient]:
    """A session of the test's own."""
    with session(ensemble.hosts) as client:
        yield client


@contextmanager
def session(hosts: str, **options: object) -> Iterator[KazooClient]:
    """A started client for the time of the block."""
    client = KazooClient(hosts=hosts, **options)
    client.start(PATIENCE)
    try:
        yield client
    finally:
        client.stop()
        client.close()


def end_session(hosts: str, client: KazooClient) -> None:
    """End it on the servers, as if they had not heard of the client for too long."""
    with session(hosts, client_id=client.client_id):
        pass


def test_the_fence_is_the_id_of_the_transaction(client: KazooClient, new_name: NewName) -> None:
    lock = ZooKeeperLocks(client, "/fences").lock(new_name(), 10)
    with lock:
        (folder,) = client.get_children("/fences")
        (node,) = client.get_children(f"/fences/{folder}")
        assert client.exists(f"/fences/{folder}/{node}").czxid == lock.fence


def test_time_counts_from_before_the_servers_are_asked(
    client: KazooClient, new_name: NewName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer may be slow: to others our time has begun by then."""
    awaited: list[float] = []
    answer = zookeeper_queue._answer

    def noted(request: object) -> object:
        awaited.append(time.monotonic())
        return answer(request)

    monkeypatch.setattr(zookeeper_queue, "_answer", noted)
    lock = ZooKeeperLocks(client).lock(new_name(), 5)
    assert lock.acquire()
    assert lock.deadline <= awaited[0] + 5
    for renew in (lock.reacquire, lock.acquire):
        assert renew()
        assert lock.deadline <= awaited[-1] + 5


def test_a_session_that_ends_takes_its_locks_along(
    ensemble: Ensemble, zookeeper_locks: ZooKeeperLocks, client: KazooClient, new_name: NewName
) -> None:
    name = new_name()
    lock, waiter = ZooKeeperLocks(client).lock(name, 60), zookeeper_locks.lock(name, 10)
    assert lock.acquire()
    assert not waiter.acquire(blocking=False)
    end_session(ensemble.hosts, client)
    assert waiter.acquire(blocking_timeout=PATIENCE)
    wait_until(lambda: lock.lost, "the loss is not noticed")
    assert lock.remaining() == 0
    with pytest.raises(LockNotOwnedError):
        lock.extend(1)
    with pytest.raises(LockNotOwnedError):
        lock.release()
    assert waiter.owned()


def test_a_lock_can_be_taken_again_in_a_new_session(
    ensemble: Ensemble, client: KazooClient, new_name: NewName
) -> None:
    lock = ZooKeeperLocks(client).lock(new_name(), 10)
    assert lock.acquire()
    before = lock.fence
    end_session(ensemble.hosts, client)
    wait_until(lambda: lock.lost, "the loss is not noticed")
    assert lock.acquire(blocking_timeout=PATIENCE)
    assert lock.fence > before
    assert not lock.lost
    assert lock.remaining() > 5


def test_an_end_of_the_session_that_nobody_noticed(
    ensemble: Ensemble, client: KazooClient, new_name: NewName
) -> None:
    """As in an instance of a function that was frozen for longer than a session lives."""
    for _ in range(5):
        end_session(ensemble.hosts, client)
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


def test_without_a_majority_there_is_no_lock(tmp_path: Path, new_name: NewName) -> None:
    with zookeeper_ensemble(tmp_path) as ensemble, session(ensemble.hosts) as client:
        held, free = (ZooKeeperLocks(client).lock(new_name(), 10) for _ in range(2))
        assert held.acquire()
        for process in ensemble.processes[:2]:
            process.kill()
        wait_until(lambda: held.lost, "the loss is not noticed")
        with pytest.raises(LockError, match="does not answer"):
            free.acquire(blocking_timeout=1)


@pytest.mark.parametrize("folders", ["missing", "there"])
def test_a_lost_reply_leaves_no_second_place_in_the_queue(
    folders: str, ensemble: Ensemble, client: KazooClient, new_name: NewName
) -> None:
    name, near = new_name(), ZooKeeperLocks(client, f"/lost/{folders}")
    if folders == "there":
        with near.lock(name, 10):
            pass
    with (
        Proxy(("127.0.0.1", ensemble.ports[0])) as proxy,
        session(f"127.0.0.1:{proxy.port}") as far,
    ):
        lock = ZooKeeperLocks(far, f"/lost/{folders}").lock(name, 10)
        proxy.drop_replies()
        assert lock.acquire(blocking_timeout=PATIENCE)
        assert not proxy.dropping
        assert len(lock._place.everybody()) == 1
        lock.release()
        assert not near.lock(name, 10).locked()


def test_servers_that_do_not_answer_are_a_lock_error() -> None:
    with pytest.raises(LockError, match="no ZooKeeper server answers"):
        ZooKeeperLocks.from_url("zookeeper://127.0.0.1:1", connect_timeout=0.2)


def extended(renew: Callable[[], bool]) -> bool:
    try:
        return renew()
    except LockNotOwnedError:
        raise
    except LockError:
        return False
