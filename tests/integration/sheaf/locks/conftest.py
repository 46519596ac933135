"""The lock engines under test, each with names that nobody used before."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
import redis

from sheaf import redis_client
from sheaf.locks import Locks
from sheaf.locks.redis import RedisLocks
from sheaf.locks.zookeeper import ZooKeeperLocks
from tests.conftest import Servers
from tests.needs import needs
from tests.servers import redis_cluster, zookeeper
from tests.servers.redis_cluster import Cluster
from tests.servers.zookeeper import Ensemble

NewName = Callable[[], str]


@pytest.fixture
def client(clean: Servers) -> Iterator["redis.Redis"]:
    """An empty Redis."""
    with redis.Redis.from_url(clean.cache_url) as client:
        yield client


@pytest.fixture(params=["redis", "cluster", "zookeeper"])
def locks(request: pytest.FixtureRequest) -> Locks:
    """Each engine in turn, on servers of its own."""
    engine: Locks = request.getfixturevalue(f"{request.param}_locks")
    return engine


@pytest.fixture
def redis_locks(environment: Servers) -> Locks:
    return RedisLocks(redis_client.connect(environment.cache_url))


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Six servers with TLS."""
    needs(redis_cluster.available(), "redis-server")
    with redis_cluster.redis_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="package")
def cluster_locks(cluster: Cluster) -> Iterator[RedisLocks]:
    with redis.RedisCluster.from_url(cluster.url) as client:
        yield RedisLocks(client)


@pytest.fixture(scope="package")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ensemble]:
    """Three ZooKeeper servers."""
    needs(zookeeper.available(), "ZooKeeper")
    with zookeeper.zookeeper_ensemble(tmp_path_factory.mktemp("zookeeper")) as ensemble:
        yield ensemble


@pytest.fixture(scope="package")
def zookeeper_locks(ensemble: Ensemble) -> Iterator[ZooKeeperLocks]:
    locks = ZooKeeperLocks.from_url(ensemble.url)
    yield locks
    locks.close()


@pytest.fixture(scope="session")
def new_name() -> NewName:
    """Makes a name for a lock."""
    numbers = count()
    return lambda: f"page:test/{next(numbers)}"
