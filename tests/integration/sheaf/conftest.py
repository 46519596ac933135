"""Clients of the Redis servers under test: one alone, and a cluster with TLS."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.conftest import Servers
from tests.needs import needs
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
    needs(redis_cluster.available(), "redis-server")
    with redis_cluster.redis_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def cluster_client(cluster: Cluster) -> Iterator[Any]:
    """A client of the cluster; redis-py gives it and redis.Redis no common type."""
    with redis.RedisCluster.from_url(cluster.url) as client:
        yield client


def port_of(cluster_client: Any, key: str) -> int:
    """Where a cluster keeps a key now."""
    return int(cluster_client.get_node_from_key(key).port)
