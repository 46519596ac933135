"""Pairs of acquire and release of a lock that nobody else wants, and hand-offs to a waiter."""

import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from statistics import median, quantiles
from typing import Any

import redis

from bench.lock_peers import FLOOR, OURS, PEERS, CountingConnection, Peer, by_name, connect
from bench.workers import worker

SEED = 3
# The waiter of a hand-off has waited for this long: longer than the slowest peer's sleep, and never
# in step with it.
HOLD_SECONDS = (0.02, 0.14)
_SECONDS = 60


def pairs(client: "redis.Redis", rounds: int, count: int) -> dict[str, Any]:
    """Pairs a second of each peer and of two PINGs: rounds of `count`, each in another order."""
    chance = random.Random(SEED)
    peers = (*PEERS, FLOOR)
    locks = {peer.name: peer.make(client, f"pairs-{peer.name}") for peer in peers}
    for lock in locks.values():
        _take_and_give(lock, count)
    seconds: dict[str, list[float]] = {name: [] for name in locks}
    with _on_one_processor(client):
        for _ in range(rounds):
            for name in chance.sample(list(locks), len(locks)):
                begun = time.perf_counter()
                _take_and_give(locks[name], count)
                seconds[name].append(time.perf_counter() - begun)
    return {
        name: {
            "pairs_per_second": count / median(taken),
            # Ours against theirs in the same round: above 1, ours is faster.
            "sheaf_is_faster_by": median(
                theirs / ours for theirs, ours in zip(taken, seconds[OURS], strict=True)
            ),
        }
        for name, taken in seconds.items()
    }


@contextmanager
def _on_one_processor(client: "redis.Redis") -> Iterator[None]:
    """Have this process and the server take turns on one processor, as on Linux they can.

    On two, each round trip wakes a sleeping one twice, which takes as long as all the rest where
    they are virtual, and no time if something else keeps them awake.
    """
    if sys.platform != "linux":
        yield
        return
    server: dict[str, Any] = client.info("server")
    processes = (os.getpid(), server["process_id"])
    ours = os.sched_getaffinity(0)
    for process in processes:
        os.sched_setaffinity(process, {min(ours)})
    try:
        yield
    finally:
        for process in processes:
            os.sched_setaffinity(process, ours)


def _take_and_give(lock: Any, count: int) -> None:
    for _ in range(count):
        if not lock.acquire():
            raise RuntimeError("a lock that nobody holds was not to be had")
        lock.release()


def round_trips(client: "redis.Redis", count: int) -> dict[str, Any]:
    """What one pair of each peer sends, and what the server then runs, by INFO commandstats.

    The server counts the commands inside of a script as well, so there a script's pair is more
    than was sent; evalsha and eval are what was sent of it.
    """
    return {peer.name: _round_trips(client, peer, count) for peer in PEERS}


def _round_trips(client: "redis.Redis", peer: Peer, count: int) -> dict[str, Any]:
    lock = peer.make(client, f"trips-{peer.name}")
    _take_and_give(lock, 1)
    client.config_resetstat()
    before = CountingConnection.sent
    _take_and_give(lock, count)
    sent = CountingConnection.sent - before
    stats: dict[str, Any] = client.info("commandstats")
    ran = {name.removeprefix("cmdstat_"): each["calls"] / count for name, each in stats.items()}
    ran = {name: calls for name, calls in ran.items() if not name.startswith(("info", "config"))}
    return {"round_trips": sent / count, "commandstats": ran}


def handoffs(url: str, rounds: int, count: int) -> dict[str, Any]:
    """Milliseconds from a holder's release to a waiting process's acquire: p50 and p99."""
    chance = random.Random(SEED)
    client = connect(url)
    taken: dict[str, list[float]] = {peer.name: [] for peer in PEERS}
    with worker(_wait, url) as waiter:
        for _ in range(rounds):
            for peer in chance.sample(PEERS, len(PEERS)):
                name = f"handoff-{peer.name}"
                lock = peer.make(client, name)
                for _ in range(count):
                    taken[peer.name].append(_handoff(lock, waiter, (peer.name, name), chance))
    return {name: _spread(values) for name, values in taken.items()}


def _handoff(
    lock: Any, waiter: "Connection[Any, Any]", what: tuple[str, str], chance: random.Random
) -> float:
    lock.acquire()
    waiter.send(what)
    time.sleep(chance.uniform(*HOLD_SECONDS))
    released_at = time.monotonic()
    lock.release()
    if not waiter.poll(_SECONDS):
        raise TimeoutError("the waiter has not had the lock")
    acquired_at: float = waiter.recv()
    return (acquired_at - released_at) * 1000


def _spread(milliseconds: list[float]) -> dict[str, float]:
    cuts = quantiles(milliseconds, n=100, method="inclusive")
    return {"count": len(milliseconds), "p50": cuts[49], "p99": cuts[98]}


def _wait(orders: "Connection[Any, Any]", url: str) -> None:
    client = connect(url)
    while order := orders.recv():
        kind, name = order
        lock = by_name(kind).make(client, name)
        lock.acquire()
        acquired_at = time.monotonic()
        lock.release()
        orders.send(acquired_at)
