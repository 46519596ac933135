"""The lock engines under test, each with names that nobody used before."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

from local.laptop import services
from sheaf import redis_client
from sheaf.locks import Lock, Locks, contract, redis, zookeeper_client
from sheaf.locks.holder import Renewal
from sheaf.locks.redis import RedisLocks
from sheaf.locks.zookeeper import Client, ZooKeeperLocks
from tests.fixtures import Servers
from tests.servers.zookeeper import Ensemble, zookeeper_ensemble
from tests.waiting import PATIENCE

NewName = Callable[[], str]


class TooLate(BaseException):
    """What comes from outside: a signal's handler raises it, as Celery's and pytest's do."""


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """How soon servers answer is up to the machine."""
    monkeypatch.setattr(redis, "_ANSWER_SECONDS", float(PATIENCE))
    monkeypatch.setattr(zookeeper_client, "CALL_SECONDS", float(PATIENCE))
    monkeypatch.setattr(contract, "DROPPING_SECONDS", float(PATIENCE))


@pytest.fixture(params=["redis", "cluster", "zookeeper"])
def locks(request: pytest.FixtureRequest) -> Locks:
    """Each engine in turn, on servers of its own."""
    engine: Locks = request.getfixturevalue(f"{request.param}_locks")
    return engine


@pytest.fixture
def redis_locks(environment: Servers) -> Locks:
    return RedisLocks(redis_client.connect(environment.cache_url))


@pytest.fixture(scope="session")
def cluster_locks(cluster_client: Any) -> RedisLocks:
    return RedisLocks(cluster_client)


@pytest.fixture(scope="session")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ensemble]:
    """Three ZooKeeper servers."""
    with zookeeper_ensemble(tmp_path_factory.mktemp("zookeeper")) as ensemble:
        yield ensemble


@contextmanager
def session(hosts: str, **options: Any) -> Iterator[Client]:
    """A started client for the time of the block."""
    client = Client(hosts, **options)
    client.start(PATIENCE)
    try:
        yield client
    finally:
        client.stop()
        client.close()


# Its client has threads that use `random`, which Hypothesis minds in the tests of other modules.
@pytest.fixture(scope="module")
def zookeeper_locks(ensemble: Ensemble) -> Iterator[ZooKeeperLocks]:
    with session(ensemble.hosts, timeout=60) as client:
        yield ZooKeeperLocks(client)


@pytest.fixture(scope="session")
def new_name() -> NewName:
    """Makes a name for a lock."""
    numbers = count()
    return lambda: f"page:test/{next(numbers)}"


def held(locks: Locks, name: str, timeout: float = 60) -> Lock:
    """A lock that has been taken."""
    lock = locks.lock(name, timeout)
    assert lock.acquire(blocking=False)
    return lock


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Any]:
    """A client of a server of the test's own."""
    with services.redis(tmp_path) as server, redis_py.Redis.from_url(server.url) as client:
        yield client


def stays_taken(lock: Lock) -> bool:
    """Whether it is somebody else's for some seconds, asked over and over; if not, it is free."""
    if not lock.acquire(blocking_timeout=2.5):
        return True
    lock.release()
    return False


def renewals() -> list[Renewal]:
    """Those that are at work. What kazoo raises keeps its caller until Python looks for circles."""
    gc.collect()
    return [each for each in gc.get_objects() if type(each) is Renewal and each.is_at_work]


@contextmanager
def stopped(client: Any) -> Iterator[None]:
    """The server of this client stands still."""
    pid = client.info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
