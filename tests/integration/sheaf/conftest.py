"""The servers under test: one Redis, a cluster with TLS and users, and the home shard."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from sqlalchemy import Connection

from sheaf import redis_client
from sheaf.database.transactions import transactional
from sheaf.sharding import shards
from tests.fixtures import Servers
from tests.servers import redis_cluster
from tests.servers.redis_cluster import Cluster


@pytest.fixture
def client(clean: Servers) -> Iterator["redis.Redis"]:
    """An empty Redis."""
    with redis.Redis.from_url(clean.cache_url) as client:
        yield client


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Six servers with TLS."""
    with redis_cluster.redis_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def cluster_client(cluster: Cluster, environment: Servers) -> Iterator[Any]:
    """The site's client of the cluster; redis-py gives it and redis.Redis no common type."""
    with redis_client.connect(cluster.url, cluster=True) as client:
        yield client


@dataclass(frozen=True)
class Backend:
    """A Redis from both sides: `client` is the site's, `operator` may do everything.

    The operator's is connected to the server at `url`, which has the keys of `KEY` and `OTHER`.
    """

    client: Any
    operator: Any
    url: str


KEY, OTHER = "page:x", "page:nothing"


@pytest.fixture(params=["redis", "cluster"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each kind of Redis in turn, empty."""
    found: Backend = request.getfixturevalue(f"{request.param}_backend")
    return found


@pytest.fixture
def redis_backend(client: "redis.Redis", clean: Servers) -> Backend:
    return Backend(client, client, clean.cache_url)


@pytest.fixture
def cluster_backend(cluster: Cluster, cluster_client: Any) -> Iterator[Backend]:
    port = port_of(cluster_client, KEY)
    assert port_of(cluster_client, OTHER) == port
    with cluster.node(cluster.ports.index(port)) as operator:
        operator.flushall()
        yield Backend(cluster_client, operator, cluster.url_at(port))
        # Others use the cluster as they find it.
        operator.flushall()


def port_of(cluster_client: Any, key: str) -> int:
    """Where a cluster keeps a key now."""
    return int(cluster_client.get_node_from_key(key).port)


@pytest.fixture
def connection(clean: Servers) -> Iterator[Connection]:
    """A transaction that follows the slot map; it is taken back in the end, whatever it changed."""
    engine = transactional(shards.home())
    epoch = shards.current_map().epoch
    with engine.connect().execution_options(map_epoch=epoch) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def beside(clean: Servers) -> Iterator[Connection]:
    """Another connection, where each statement is a transaction of its own."""
    engine = shards.apart(0)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
