"""A session with ZooKeeper: forks, names that servers take, and errors that tell why."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kazoo.exceptions import (
    AuthFailedError,
    BadArgumentsError,
    KazooException,
    NotReadOnlyCallError,
)
from kazoo.security import make_acl

from sheaf.locks import Lock, LockError, zookeeper_client
from sheaf.locks.zookeeper import Client, ZooKeeperLocks
from tests.integration.sheaf.locks.conftest import NewName, held, session
from tests.integration.sheaf.locks.test_zookeeper import CALL_SECONDS, LONG, at
from tests.servers.proxy import Proxy
from tests.servers.zookeeper import Ensemble, zookeeper_ensemble
from tests.waiting import PATIENCE, wait_until

# Forked while a lock is held. The child asks by the client of its parent, and by its own.
FORK = """
import os, sys
from sheaf.locks import LockError
from sheaf.locks.zookeeper import Client, ZooKeeperLocks

hosts, name = sys.argv[1:]

def started():
    client = Client(hosts)
    client.start(100)
    return ZooKeeperLocks(client)

def tried(act):
    try:
        return act()
    except LockError as error:
        return str(error)

parents = started()
lock = parents.lock(name, 1000)
assert lock.acquire()
child = os.fork()
if child == 0:
    for act in (lock.acquire, lock.locked, lock.release, lambda: lock.lost):
        print(tried(act))
    own = started()
    print(own.lock(name, 1000).acquire(blocking=False), own.lock(name + "'", 1000).acquire())
    own.close()
    print(parents._client._backlog._running, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(lock.owned())
parents.close()
"""


@pytest.fixture
def client(ensemble: Ensemble) -> Iterator[Client]:
    """A session of the test's own."""
    with session(at(ensemble, 0)) as client:
        yield client


def test_a_fork_needs_a_client_of_its_own(ensemble: Ensemble) -> None:
    command = [sys.executable, "-c", FORK, ensemble.hosts, "forked"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    refused = "forked: the client was started before a fork: make one here"
    assert done.stdout.splitlines() == [
        *(refused, refused),
        "forked was never taken here",
        "False",
        "False True",
        "False",
        "True",
    ], done.stderr


# What is left to clear keeps no process alive.
LEAVE = """
import sys, threading
from sheaf.locks.zookeeper import Client

client = Client(sys.argv[1])
client.start(100)
begun = threading.Event()
client.later(lambda: begun.set() or threading.Event().wait(), float("inf"))
print(begun.wait(100))
"""


def test_the_end_of_the_process_is_the_end_of_the_clearing(ensemble: Ensemble) -> None:
    command = [sys.executable, "-W", "error", "-c", LEAVE, ensemble.hosts]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_client_that_was_made_before_a_fork_may_be_started_after_it(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.is_ours
    child = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: child)
    assert not client.is_ours
    client.start()
    assert not client.is_ours
    client.stop()
    client.start(PATIENCE)
    assert client.is_ours


def test_what_the_servers_agree_to(ensemble: Ensemble) -> None:
    """Not less than two of their ticks of half a second, and not more than they are set to."""
    for asked, agreed in ((0.1, 1), (4, 4), (100, 60)):
        with session(at(ensemble, 0), timeout=asked) as client:
            assert client.session_seconds == pytest.approx(agreed)


@pytest.mark.parametrize(
    "name",
    [
        *("{", "}{", "a/b", "/", ".", "..", "zookeeper", "%", "=", "\0", "\ue000", "ü", " "),
        *(b"\xff\xfe", b"plain", "n" * 10_000, "ü" * 10_000, "n" * 3_000_000),
    ],
    ids=lambda name: repr(name[:10]),
)
def test_whatever_text_is_a_name(name: str | bytes, zookeeper_locks: ZooKeeperLocks) -> None:
    lock, other = (zookeeper_locks.lock(name, LONG) for _ in range(2))
    near = [zookeeper_locks.lock(lock.name + more, LONG) for more in ("'", "x")]
    with lock:
        assert lock.owned()
        assert not other.acquire(blocking=False)
        for each in near:
            assert each.acquire(token=name if isinstance(name, str) else None)
            each.release()
    assert not other.locked()


def test_servers_that_are_gone_cannot_be_reached(
    ensemble: Ensemble, new_name: NewName, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Proxy(("127.0.0.1", ensemble.ports[0])) as proxy,
        session(f"127.0.0.1:{proxy.port}") as client,
    ):
        locks = ZooKeeperLocks(client)
        lock = held(locks, new_name())
        proxy.retarget(("127.0.0.1", 1))
        proxy.cut()
        wait_until(lambda: not client.connected, "the loss is not noticed")
        monkeypatch.setattr(zookeeper_client, "CALL_SECONDS", CALL_SECONDS)
        for use in (locks.lock(new_name()).acquire, lock.owned, lock.release, lock.locked):
            with pytest.raises(LockError, match=r"^page:.*: .* cannot be reached$"):
                use()
    with pytest.raises(LockError, match="the client is closed"):
        lock.locked()


def test_servers_that_hang_do_not_answer_in_time(
    tmp_path: Path, new_name: NewName, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zookeeper_ensemble(tmp_path, 1) as ensemble, session(ensemble.hosts) as client:
        lock = ZooKeeperLocks(client).lock(new_name(), LONG)
        monkeypatch.setattr(zookeeper_client, "CALL_SECONDS", CALL_SECONDS)
        with stopped(ensemble), pytest.raises(LockError, match="does not answer in time"):
            lock.acquire(blocking=False)
        wait_until(lambda: not client._backlog._running, "it is not cleared")
        wait_until(lambda: works(lock), "it does not work again")


@contextmanager
def stopped(ensemble: Ensemble) -> Iterator[None]:
    """All servers stand still."""
    for process in ensemble.processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in ensemble.processes:
            process.send_signal(signal.SIGCONT)


def works(lock: Lock) -> bool:
    try:
        return lock.acquire(blocking_timeout=PATIENCE)
    except LockError:
        return False


def test_what_is_not_allowed(client: Client, new_name: NewName) -> None:
    client.create("/closed", acl=[make_acl("world", "anyone", read=True)])
    locks = ZooKeeperLocks(client, "/closed")
    with pytest.raises(LockError, match="does not allow it"):
        locks.lock(new_name()).acquire()
    assert not locks.lock(new_name()).locked()


def test_who_is_not_known_is_not_allowed(client: Client, new_name: NewName) -> None:
    with pytest.raises(AuthFailedError):
        client.add_auth("nobody", "has this scheme")
    wait_until(lambda: not client.connected, "it is known")
    with pytest.raises(LockError, match="does not allow it"):
        ZooKeeperLocks(client).lock(new_name()).acquire()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        # kazoo gets no session with a server that is so.
        (NotReadOnlyCallError(), "is read-only: most servers are away"),
        (KazooException("for some reason"), "says: KazooException for some reason"),
        (BadArgumentsError(), "says: BadArgumentsError"),
    ],
)
def test_what_else_fails_is_told_as_it_is(error: Exception, told: str) -> None:
    assert zookeeper_client.cause(error, connected=True) == f"the lock service {told}"
