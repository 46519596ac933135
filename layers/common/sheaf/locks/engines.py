"""The engine of this process, as the settings name it."""

from collections.abc import Callable
from functools import cache

import redis

from sheaf import redis_client, settings
from sheaf.locks.contract import Locks
from sheaf.locks.errors import LockError
from sheaf.locks.redis import RedisLocks
from sheaf.settings import SettingsError


@cache
def current() -> Locks:
    """Locks where SHEAF_LOCKS says, by default in the cache.

    One for the whole process: a client has connections, and a ZooKeeper session a thread. Raises
    SettingsError (or, for hosts that cannot be, another ValueError), and LockError if no ZooKeeper
    server answers or a cluster of Redis does not say what its nodes are.
    """
    chosen = settings.current()
    if chosen.locks_url == chosen.cache_url:
        return _on_redis(lambda: redis_client.connect(chosen.cache_url))
    if chosen.locks_url.startswith("zookeeper:"):
        # Sites with other locks do not pay for the import, nor have kazoo installed.
        try:
            from sheaf.locks.zookeeper import ZooKeeperLocks  # noqa: PLC0415
        except ModuleNotFoundError as error:
            problem = "names ZooKeeper, which needs kazoo in the layer (see docs/locks.md)"
            raise SettingsError("SHEAF_LOCKS", problem) from error

        return ZooKeeperLocks.from_url(chosen.locks_url)
    return _on_redis(lambda: redis_client.connect(chosen.locks_url, chosen.locks_cluster))


def _on_redis(connect: Callable[[], "redis.Redis"]) -> RedisLocks:
    try:
        return RedisLocks(connect())
    except redis.RedisError as error:
        raise LockError("the cluster that keeps the locks cannot be reached") from error
