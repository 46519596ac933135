"""The first page of the same list over 1, 4 and 16 databases, each layout read by its own process.

One instance of a function serves one request at a time and follows one slot map; so does each
process here.
"""

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from bench import list_data
from bench.list_statements import Explainer, Statement, recorded
from listing import lists
from sheaf.paging import Part
from sheaf.storage import migrate, shards

LAYOUTS = (1, 4, 16)
SIZE, CALLS, SEED = 50, 5, 5
_SECONDS = 600


def measure(url: str, rows: int, rounds: int) -> dict[str, Any]:
    """Milliseconds and processor time of a call, and its statements' own time, for each layout."""
    chance = random.Random(SEED)
    with ExitStack() as stack:
        readers = {count: stack.enter_context(_reader(url, count, rows)) for count in LAYOUTS}
        for reader in readers.values():
            _ask(reader)
        taken: dict[int, list[dict[str, float]]] = {count: [] for count in LAYOUTS}
        for _ in range(rounds):
            for count in chance.sample(LAYOUTS, len(LAYOUTS)):
                taken[count].append(_ask(readers[count]))
    one = [call["milliseconds"] for call in taken[1]]
    return {
        "rows": rows,
        "layouts": {
            str(count): {
                **{key: median(call[key] for call in calls) for key in calls[0]},
                "to_one_shard": median(
                    call["milliseconds"] / single for call, single in zip(calls, one, strict=True)
                ),
            }
            for count, calls in taken.items()
        },
    }


def _ask(reader: "Connection[Any, Any]") -> dict[str, float]:
    reader.send("read")
    if not reader.poll(_SECONDS):
        raise TimeoutError("a reader has no answer")
    answer: dict[str, float] = reader.recv()
    return answer


@contextmanager
def _reader(url: str, count: int, rows: int) -> Iterator["Connection[Any, Any]"]:
    """A process that reads the list from so many new databases, which it fills first."""
    urls = [_create(url, f"of_{count}_{number}") for number in range(count)]
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(there, urls, rows))
    process.start()
    try:
        yield here
        here.send(None)
        process.join(30)
    finally:
        process.kill()


def _create(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _work(orders: "Connection[Any, Any]", urls: list[str], rows: int) -> None:
    os.environ["SHEAF_DATABASE_URLS"] = ",".join(urls)
    migrate.upgrade(shards.everywhere())
    for number, url in enumerate(urls):
        list_data.fill(url, rows, len(urls), number)
    _read()
    with recorded() as sent:
        _read()
    explainer = Explainer(urls[0])
    while orders.recv():
        orders.send(_measured(sent, explainer))


def _measured(sent: list[Statement], explainer: Explainer) -> dict[str, float]:
    begun, used = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        _read()
    taken, cpu = time.perf_counter() - begun, time.process_time() - used
    return {
        "milliseconds": taken * 1000 / CALLS,
        "cpu_milliseconds": cpu * 1000 / CALLS,
        "statements": len(sent),
        "statements_milliseconds": sum(explainer.milliseconds(sent)),
    }


def _read() -> None:
    found = lists.all_pages(lists.Filters(), "updated", "desc", Part(SIZE))
    if len(found.items) != SIZE:
        raise RuntimeError("a page of the list is not full")
