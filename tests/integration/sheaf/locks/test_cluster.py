"""What is particular to locks on Redis Cluster: slots, and nodes that fail over."""

from contextlib import suppress

import redis
from redis.crc import key_slot

from sheaf.locks import Lock, LockError, MultiLock
from sheaf.locks.redis import RedisLocks
from sheaf.redis_scripts import Call, Script
from tests.integration.sheaf.conftest import port_of
from tests.integration.sheaf.locks.conftest import NewName
from tests.servers.redis_cluster import Cluster
from tests.waiting import wait_until

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
    with cluster.node(primary + 3) as replica:
        replica.execute_command("CLUSTER FAILOVER")
        wait_until(lambda: is_primary(replica), "the replica did not become the primary")
    later = cluster_locks.lock(name, 10)
    wait_until(lambda: took(later), "nobody gives out the lock")
    assert later.fence > fence
    later.release()


def is_primary(node: "redis.Redis") -> bool:
    return bool(node.info("replication")["role"] == "master")


def took(lock: Lock) -> bool:
    """Whether it could be acquired: not at the moment at which the roles change."""
    with suppress(LockError):
        return lock.acquire(blocking_timeout=1)
    return False
