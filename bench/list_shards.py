"""The first page of the same list over 1, 4 and 16 databases, each layout read by its own process:
as the route finds it, and as the function answers it.

One instance of a function serves one request at a time and follows one slot map; so does each
process here.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

from bench import list_data
from bench.list_statements import Explainer, Statement, recorded
from bench.workers import create_database, worker
from local.gateway.config import PROJECT
from local.gateway.functions import invoke
from local.gateway.template import Function
from sheaf.pages import lists
from sheaf.paging import PageRequest
from sheaf.sharding import migrate, shards

LAYOUTS = (1, 4, 16)
SIZE, CALLS, SEED = 50, 5, 5
_SECONDS = 600
_LISTING = Function("ListingFunction", "listing.app.handler", 15, 512)
_EVENT = {
    **json.loads((PROJECT / "events/listing/pages.200.json").read_text()),
    "rawQueryString": f"limit={SIZE}",
    "queryStringParameters": {"limit": str(SIZE)},
}


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
    return {
        "rows": rows,
        "layouts": {str(count): _summed_up(calls, taken[1]) for count, calls in taken.items()},
    }


def _summed_up(
    calls: list[dict[str, float]], of_one_shard: list[dict[str, float]]
) -> dict[str, float]:
    pairs = list(zip(calls, of_one_shard, strict=True))
    return {
        **{key: median(call[key] for call in calls) for key in calls[0]},
        **{
            f"{key}_to_one_shard": median(many[key] / one[key] for many, one in pairs)
            for key in ("request", "call")
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
    """A process that reads the list from `count` new databases, which it fills first."""
    urls = [create_database(url, f"of_{count}_{number}") for number in range(count)]
    with worker(_work, urls, rows) as orders:
        yield orders


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
    """Milliseconds of each."""
    return {
        "request": _wall(_request)[0],
        **dict(zip(("call", "cpu"), _wall(_read), strict=True)),
        "statements": len(sent),
        "execution": sum(explainer.milliseconds(sent)),
    }


def _wall(act: Callable[[], None]) -> tuple[float, float]:
    """How long it takes, and how much of the processor's time."""
    begun, used = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        act()
    taken, cpu = time.perf_counter() - begun, time.process_time() - used
    return taken * 1000 / CALLS, cpu * 1000 / CALLS


def _request() -> None:
    answer = invoke(_LISTING, _EVENT)
    if answer["statusCode"] != 200:
        raise RuntimeError(answer["body"])


def _read() -> None:
    found = lists.read(lists.all_pages(lists.Filters()), PageRequest(SIZE))
    if len(found.items) != SIZE:
        raise RuntimeError("a page of the list is not full")
