"""Cold readers of one page, all at once in many processes: what the storage has to bear."""

import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from statistics import median
from typing import Any

import jinja2
import redis
import sqlalchemy

from bench.stampede_peers import OURS_OLD, PEERS, Read
from sheaf.caching import entry
from sheaf.pages import page_cache

SEED = 17
READERS = 8
_SECONDS = 60
_FROM_PAGES = re.compile(r"\b(from|join)\s+pages\b", re.IGNORECASE)
_read_with = cache(lambda name: PEERS[name]())


@dataclass(frozen=True)
class Outcome:
    """What one reader, or all of them together, did for an answer, and how long it took."""

    reads: int
    renders: int
    milliseconds: float


def measure(client: "redis.Redis", slugs: list[str]) -> dict[str, Any]:
    """Each contender's readers at each page, which must not be in the cache, or in ours, too old.

    The first page is for the processes to import what a miss needs, and counted by itself.
    """
    chance = random.Random(SEED)
    outcomes: dict[str, list[Outcome]] = {name: [] for name in PEERS}
    with _readers() as readers:
        for slug in slugs:
            for name in chance.sample(list(PEERS), len(PEERS)):
                if name == OURS_OLD:
                    _make_old(client, old(slug))
                outcomes[name].append(
                    _round(readers, name, old(slug) if name == OURS_OLD else slug)
                )
    return {name: _summary(taken) for name, taken in outcomes.items()}


def old(slug: str) -> str:
    """The page that is in the cache and too old, of those for one round."""
    return f"{slug}-old"


def _make_old(client: "redis.Redis", slug: str) -> None:
    cache, key = page_cache.versioned(), page_cache.key(slug)
    found = cache.get(key)
    if found is None:
        raise RuntimeError(f"{slug} is not in the cache")
    client.set(entry.name(key), found.stamped(found.build, 1).encode(), keepttl=True)


def _round(readers: "list[Connection[Any, Any]]", name: str, slug: str) -> Outcome:
    for reader in readers:
        reader.send((name, slug))
    each: list[Outcome] = [_outcome(reader) for reader in readers]
    return Outcome(
        sum(one.reads for one in each),
        sum(one.renders for one in each),
        max(one.milliseconds for one in each),
    )


def _outcome(reader: "Connection[Any, Any]") -> Outcome:
    if not reader.poll(_SECONDS):
        raise TimeoutError("a reader has no answer")
    outcome: Outcome = reader.recv()
    return outcome


def _summary(outcomes: list[Outcome]) -> dict[str, Any]:
    first, *rest = outcomes
    reads, renders = [each.reads for each in rest], [each.renders for each in rest]
    return {
        "rounds": len(rest),
        "reads": sum(reads) / len(rest),
        "most_reads": max(reads),
        "renders": sum(renders) / len(rest),
        "most_renders": max(renders),
        "always_one": set(reads) == set(renders) == {1},
        "slowest_reader_milliseconds": median(each.milliseconds for each in rest),
        "first_round": {"reads": first.reads, "renders": first.renders},
    }


@contextmanager
def _readers() -> Iterator["list[Connection[Any, Any]]"]:
    """Processes that read what they are told to, all at the same moment."""
    context = get_context("spawn")
    barrier = context.Barrier(READERS)
    pipes = [context.Pipe() for _ in range(READERS)]
    started = [context.Process(target=_work, args=(there, barrier)) for _, there in pipes]
    for process in started:
        process.start()
    try:
        yield [here for here, _ in pipes]
        for here, _ in pipes:
            here.send(None)
        for process in started:
            process.join(30)
    finally:
        for process in started:
            process.kill()


def _work(orders: "Connection[Any, Any]", barrier: Barrier) -> None:
    counts = _Counts()
    while order := orders.recv():
        name, slug = order
        read: Read = _read_with(name)
        barrier.wait(_SECONDS)
        counts.reset()
        begun = time.perf_counter()
        read(slug)
        milliseconds = (time.perf_counter() - begun) * 1000
        orders.send(Outcome(counts.reads, counts.renders, milliseconds))


class _Counts:
    """Counts this process's SELECTs from the table of pages and its runs of Jinja."""

    def __init__(self) -> None:
        self.reset()
        sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", self._executing)
        render = jinja2.Template.render

        def counted(template: jinja2.Template, *args: Any, **values: Any) -> str:
            self.renders += 1
            return render(template, *args, **values)

        jinja2.Template.render = counted  # type: ignore[method-assign, assignment]

    def reset(self) -> None:
        """Start at 0."""
        self.reads = self.renders = 0

    def _executing(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.reads += bool(_FROM_PAGES.search(statement))
