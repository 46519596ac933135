"""The lock engines under test, each with names that nobody used before."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from sheaf import redis_client
from sheaf.locks import Lock, Locks
from sheaf.locks.redis import RedisLocks
from sheaf.locks.zookeeper import ZooKeeperLocks
from tests.fixtures import Servers
from tests.servers.zookeeper import Ensemble, zookeeper_ensemble

NewName = Callable[[], str]


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


# Its client has threads that use `random`, which Hypothesis minds in the tests of other modules.
@pytest.fixture(scope="module")
def zookeeper_locks(ensemble: Ensemble) -> Iterator[ZooKeeperLocks]:
    locks = ZooKeeperLocks.from_url(ensemble.url)
    yield locks
    locks.close()


@pytest.fixture(scope="session")
def new_name() -> NewName:
    """Makes a name for a lock."""
    numbers = count()
    return lambda: f"page:test/{next(numbers)}"


def held(locks: Locks, name: str, timeout: float = 10) -> Lock:
    """A lock that has been taken."""
    lock = locks.lock(name, timeout)
    assert lock.acquire(blocking=False)
    return lock
