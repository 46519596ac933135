"""What waiters cost the server: fifty of them, for one lock that is held all the time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import redis

from bench.lock_peers import LIFETIME_SECONDS, PEERS, Peer, by_name, connect

WAITERS = 50
_READY_SECONDS = 60
# Until the last one, too, has looked for the first time and begins to wait.
_SETTLING_SECONDS = 1
# What is asked here, and what a client says when it connects.
_NO_WAITING = ("info", "client", "hello")


def measure(url: str, seconds: float) -> dict[str, Any]:
    """What the waiters of each peer have the server run in a second, over so many seconds.

    By INFO commandstats, which counts the commands inside of a script as well, and those that block
    when they end. The peers come one after the other, since the server counts for all.
    """
    with connect(url) as client:
        return {peer.name: _measure(url, client, peer, seconds) for peer in PEERS}


def _measure(url: str, client: "redis.Redis", peer: Peer, seconds: float) -> dict[str, Any]:
    name = f"waiting-{peer.name}"
    if not peer.make(client, name).acquire():
        raise RuntimeError("a lock that nobody holds was not to be had")
    with _waiters(url, peer.name, name):
        time.sleep(_SETTLING_SECONDS)
        before, begun = _calls(client), time.monotonic()
        time.sleep(seconds)
        after, took = _calls(client), time.monotonic() - begun
    ran = {command: (calls - before.get(command, 0)) / took for command, calls in after.items()}
    ran = {command: each for command, each in ran.items() if each}
    return {"commands_per_second": sum(ran.values()), "ran": ran}


def _calls(client: "redis.Redis") -> dict[str, int]:
    stats: dict[str, Any] = client.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()}
    return {name: each for name, each in calls.items() if name.split("|")[0] not in _NO_WAITING}


@contextmanager
def _waiters(url: str, kind: str, name: str) -> Iterator[None]:
    """A process of waiters, all of which are about to wait; it is killed in the end."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_wait, args=(url, kind, name, there))
    process.start()
    try:
        if not here.poll(_READY_SECONDS):
            raise TimeoutError("the waiters have not begun")
        here.recv()
        yield
        if here.poll():
            raise RuntimeError("a waiter came to an end, though the lock is held")
    finally:
        process.kill()
        process.join()


def _wait(url: str, kind: str, name: str, ready: "Connection[Any, Any]") -> None:
    begin = threading.Barrier(WAITERS + 1)
    # redis-py's own 5 seconds would end the waiting of python-redis-lock, which blocks for longer.
    client = connect(f"{url}?socket_timeout={2 * LIFETIME_SECONDS}")

    def wait() -> None:
        lock = by_name(kind).make(client, name)
        begin.wait()
        try:
            lock.acquire()
        finally:
            ready.send("done")

    for _ in range(WAITERS):
        threading.Thread(target=wait, daemon=True).start()
    begin.wait()
    ready.send("about to wait")
    threading.Event().wait()
