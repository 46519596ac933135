"""The site's clients of Redis: what they ask when they connect, and how they fail."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from sheaf import redis_client
from sheaf.locks import LockError
from sheaf.locks.redis import RedisLock, RedisLocks
from tests.fixtures import Servers
from tests.integration.sheaf.conftest import KEY, Backend
from tests.servers import redis_cluster
from tests.servers.redis_cluster import Cluster

NOBODY = "rediss://sheaf:secret@127.0.0.1:1"


def test_a_connection_begins_with_a_login_and_nothing_else(
    client: "redis.Redis", clean: Servers
) -> None:
    client.config_resetstat()
    with redis_client.connect.__wrapped__(clean.cache_url, cluster=False) as ours:
        ours.get(KEY)
    asked = {name.removeprefix("cmdstat_"): each for name, each in _stats(client).items()}
    assert {name: each["calls"] for name, each in asked.items()} == {"auth": 1, "get": 1}
    assert client.info("errorstats") == {}


def _stats(client: "redis.Redis") -> dict[str, Any]:
    stats: dict[str, Any] = client.info("commandstats")
    return {name: each for name, each in stats.items() if "config" not in name}


@pytest.mark.parametrize(
    "command",
    ["KEYS *", "FLUSHALL", "INFO", "CONFIG GET *", "CLIENT LIST", "FUNCTION LIST", "WAIT 1 1"],
)
def test_the_clusters_user_may_do_no_more_than_on_aws(
    cluster_backend: Backend, command: str
) -> None:
    with (
        redis.Redis.from_url(cluster_backend.url) as node,
        pytest.raises(redis.exceptions.NoPermissionError),
    ):
        node.execute_command(*command.split())


@pytest.mark.parametrize("account", ["", "default:{password}@", "sheaf:wrong@"])
def test_nobody_else_gets_into_the_cluster(cluster: Cluster, account: str) -> None:
    parts = urlsplit(cluster.url)
    host = parts.netloc.rpartition("@")[2]
    netloc = account.format(password=cluster.password) + host
    with (
        redis.Redis.from_url(parts._replace(netloc=netloc).geturl()) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.get(KEY)


def test_a_cluster_that_is_not_there_is_a_redis_error() -> None:
    with pytest.raises(redis.ConnectionError):
        redis_client.connect(NOBODY, cluster=True)


def test_a_cluster_that_has_gone_is_a_redis_error(tmp_path: Path) -> None:
    with redis_cluster.redis_cluster(tmp_path, primaries=1, replicas=0) as cluster:
        ours = redis_client.connect(cluster.url, cluster=True)
        theirs: Any = redis.RedisCluster.from_url(cluster.url)
        for client in (ours, theirs):
            assert RedisLock(client, KEY, 10).acquire(blocking=False) == (client is ours)
    with ours, theirs:
        with pytest.raises(redis.ConnectionError):
            ours.get(KEY)
        for client in (ours, theirs):
            with pytest.raises(LockError):
                RedisLocks(client).lock(KEY, 10).acquire()
