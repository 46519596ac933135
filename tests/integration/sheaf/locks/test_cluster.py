"""What is particular to locks on Redis Cluster: slots, and nodes that fail over."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import get_ident
from typing import Any

import pytest
import redis
from redis.cluster import NodesManager, RedisCluster
from redis.crc import key_slot

from sheaf.locks import Lock, LockError, MultiLock
from sheaf.locks.redis import RedisLocks
from sheaf.redis_scripts import Call, Script
from tests.integration.sheaf.conftest import port_of
from tests.integration.sheaf.locks.conftest import NewName, stopped
from tests.servers.redis_cluster import Cluster, redis_cluster
from tests.waiting import PATIENCE, wait_until

COUNT = Script("return redis.call('INCR', KEYS[1])")


def test_names_of_one_slot_are_one_batch(cluster_locks: RedisLocks) -> None:
    # Of a thousand names some share one of the 16384 slots.
    names = [f"page:{number}" for number in range(1000)]
    batches = cluster_locks.batches([*names, *names])
    assert max(len(batch) for batch in batches) > 1
    slots = [{key_slot(name.encode()) for name in batch} for batch in batches]
    assert all(len(slot) == 1 for slot in slots)
    assert sorted(name for batch in batches for name in batch) == sorted(names)
    assert len(set.union(*slots)) == len(batches)


def test_locks_of_all_nodes_at_once(cluster_locks: RedisLocks, new_name: NewName) -> None:
    names = [new_name() for _ in range(30)]
    with MultiLock(cluster_locks, names, 10) as several:
        assert len({port_of(cluster_locks.client, name) for name in names}) == 3
        assert len({several.fence(name) for name in names}) > 1
        assert all(lock.owned() for lock in several.locks)


def test_a_release_can_take_another_script_along(
    cluster_locks: RedisLocks, new_name: NewName
) -> None:
    name = new_name()
    for count in (1, 2):
        lock = cluster_locks.lock(name, 10)
        assert lock.acquire(blocking=False)
        cluster_locks.client.script_flush()
        assert lock.release(Call(COUNT, (f"count:{{{name}}}",), ())) == count
        assert not lock.locked()


def test_a_replica_takes_over_for_its_primary(
    cluster: Cluster, cluster_locks: RedisLocks, new_name: NewName
) -> None:
    name = new_name()
    lock = cluster_locks.lock(name, 10)
    assert lock.acquire()
    fence = lock.fence
    lock.release()
    primary = cluster.ports.index(port_of(cluster_locks.client, name))
    with cluster.node(primary) as node, cluster.node(primary + 3) as replica:
        written = node.info("replication")["master_repl_offset"]
        wait_until(lambda: has_read(replica, written), "the replica did not follow")
        take_over(replica)
    later = cluster_locks.lock(name, 10)
    wait_until(lambda: took(later), "nobody gives out the lock")
    assert later.fence > fence
    later.release()


@pytest.mark.parametrize("several", [False, True])
def test_a_node_that_hangs_is_not_waited_for_and_its_replica_is_found(
    several: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the client would wait for ever."""
    for limit in ("locks.redis._ANSWER_SECONDS", "redis_scripts.QUICK"):
        monkeypatch.setattr(f"sheaf.{limit}", 0.25)
    with redis_cluster(tmp_path) as cluster:
        client: Any = RedisCluster.from_url(cluster.url, socket_timeout=None)
        locks = RedisLocks(client)
        lock = MultiLock(locks, ["{x}", "{x}y"], 10) if several else locks.lock("{x}", 10)
        assert lock.acquire()
        lock.release()
        primary = cluster.ports.index(port_of(client, "{x}"))
        with (
            cluster.node(primary) as node,
            cluster.node(primary + 3) as replica,
            stopped(node),
        ):
            began = time.monotonic()
            with pytest.raises(LockError, match="in time"):
                lock.acquire(blocking_timeout=0.2)
            assert 0.2 < time.monotonic() - began < PATIENCE / 2
            take_over(replica)
            wait_until(lambda: took(lock), "nobody gives out the lock")
            lock.release()
        client.close()


def test_a_cluster_that_hangs_is_asked_by_one_thread_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each node in its turn is waited for: who wants a lock does not wait for all of them."""
    for limit in ("locks.redis._ANSWER_SECONDS", "redis_scripts.QUICK"):
        monkeypatch.setattr(f"sheaf.{limit}", 0.25)
    asking: list[int] = []
    initialize = NodesManager.initialize

    def noted(self: NodesManager, **options: Any) -> None:
        asking.append(get_ident())
        initialize(self, **options)

    with redis_cluster(tmp_path) as cluster, ExitStack() as nodes:
        client: Any = RedisCluster.from_url(cluster.url, socket_timeout=None)
        locks = [RedisLocks(client).lock("x", 10) for _ in range(8)]
        wait_until(lambda: took(locks[0]), "nobody gives out the lock")
        locks[0].release()
        monkeypatch.setattr(NodesManager, "initialize", noted)

        def gives_up(lock: Lock) -> int:
            with pytest.raises(LockError, match="in time"):
                lock.acquire(blocking_timeout=0.3)
            return get_ident()

        with ExitStack() as hanging:
            for number in range(len(cluster.ports)):
                hanging.enter_context(stopped(nodes.enter_context(cluster.node(number))))
            with ThreadPoolExecutor(len(locks)) as pool:
                waited = set(pool.map(gives_up, locks))
        assert 0 < len(asking) < len(locks)
        assert not waited & set(asking)
        wait_until(lambda: took(locks[0]), "the cluster is not found again")
        client.close()


def take_over(replica: Any) -> None:
    """Make it the primary, whoever agrees: what others are asked for can run out of time."""
    replica.execute_command("CLUSTER FAILOVER TAKEOVER")
    wait_until(lambda: replica.info("replication")["role"] == "master", "it is no primary")


def has_read(replica: "redis.Redis", written: int) -> bool:
    return bool(replica.info("replication")["slave_repl_offset"] >= written)


def took(lock: Lock | MultiLock) -> bool:
    """Whether it could be acquired: not at the moment at which the roles change."""
    with suppress(LockError):
        return lock.acquire(blocking_timeout=1)
    return False
