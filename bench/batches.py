"""Pages that change together, on one shard and on three, beside the same pages saved one by one.

    python -m bench.batches [SHARE]

starts a Redis and a PostgreSQL of its own, with four databases, and measures in one run, by turns:
1, 10, 40 and 100 pages, each with a new text of some 120 words, on a site of one database by single
saves and by a batch, and on a site of three databases by a batch. Each site has a process of its
own, and a part of the cache. What is measured is the call that the route makes, with the pages
rendered, saved and published. A change of a batch says which file its page comes from, as an
import does.

Round trips are counted in a second pair of processes, which reach PostgreSQL and Redis through a
proxy: there is one each time that a client sends something after it has heard something.

The numbers go to standard output and, with what they were measured on, to
bench/results/batches.json. SHARE (1) shortens the run: 0.1 is a tenth.

Left out: a network, where a round trip takes longer than all that is done in it, so that its price
there is the number of round trips; TLS; other writers; the request itself, which is one for a batch
and one for each page otherwise, with its token and its JSON; and an `Idempotency-Key`, which adds
round trips to either, and the home shard to a batch. All databases are of one server, and share
its disk and the machine's processors with everything else. One page is on one shard: its batch is
no two-phase commit.
"""

import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeAlias

from bench import report
from bench.round_trips import Counter
from bench.servers import servers
from bench.workers import create_database, worker
from sheaf.http import documents
from sheaf.pages import batches, editing
from sheaf.pages.changes import Put
from sheaf.pages.preconditions import Precondition
from sheaf.sharding import migrate, shards

SIZES, SEED = (1, 10, 40, 100), 11
_COUNTED, _SECONDS = 5, 120  # rounds, and how long an answer may take
_WORDS = ("a", "sheaf", "is", "bundle", "of", "leaves", "and", "page", "one", "them")


class Way(NamedTuple):
    """How pages are saved, and on how many shards."""

    name: str
    shards: int
    together: bool


ONE_BY_ONE = Way("one by one", 1, together=False)
WAYS = (
    ONE_BY_ONE,
    Way("a batch on 1 shard", 1, together=True),
    Way("on 3 shards", 3, together=True),
)


class Cost(NamedTuple):
    """What the saving of some pages has taken; round trips are 0 where none are counted."""

    milliseconds: float
    postgresql: int
    redis: int


# By the number of pages and the way.
Costs: TypeAlias = dict[tuple[int, str], list[Cost]]


def main() -> None:
    """Measure, print, save."""
    with tempfile.TemporaryDirectory(prefix="sheaf-bench-") as name, servers(Path(name)) as cache:
        rounds = report.rounds_of(report.share())(40)
        result = measure(os.environ["SHEAF_DATABASE_URLS"], cache, rounds)
    show(result)
    report.finish("batches", result, [], __doc__)


def measure(database: str, cache: str, rounds: int) -> dict[str, Any]:
    """For each size and way the medians: of all rounds in milliseconds, of some in round trips."""
    with ExitStack() as stack:
        timed, counted = (
            {
                number: stack.enter_context(_site(database, cache, number, trips))
                for number in (1, 3)
            }
            for trips in (False, True)
        )
        costs, trips = _rounds(timed, rounds), _rounds(counted, _COUNTED)
    sizes = {str(size): _summary(costs, trips, size) for size in SIZES}
    return {"rounds": rounds, "sizes": sizes}


def _rounds(sites: dict[int, "Connection[Any, Any]"], rounds: int) -> Costs:
    chance = random.Random(SEED)
    costs: Costs = {(size, way.name): [] for size in SIZES for way in WAYS}
    for number in range(-2, rounds):  # the first ones import, connect and create
        for size in SIZES:
            for way in chance.sample(WAYS, len(WAYS)):
                cost = _ask(sites[way.shards], size, way)
                if number >= 0:
                    costs[size, way.name].append(cost)
    return costs


def _ask(site: "Connection[Any, Any]", size: int, way: Way) -> Cost:
    site.send((size, way.together))
    if not site.poll(_SECONDS):
        raise TimeoutError("a site has no answer")
    cost: Cost = site.recv()
    return cost


def _summary(timed: Costs, counted: Costs, size: int) -> dict[str, Any]:
    single = timed[size, ONE_BY_ONE.name]
    found = {}
    for way in WAYS:
        costs, trips = timed[size, way.name], counted[size, way.name]
        pairs = zip(costs, single, strict=True)
        found[way.name] = {
            "postgresql": median(each.postgresql for each in trips),
            "redis": median(each.redis for each in trips),
            "milliseconds": median(each.milliseconds for each in costs),
            "to_one_by_one": median(one.milliseconds / other.milliseconds for one, other in pairs),
        }
    return found


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    heads = ("PostgreSQL", "Redis", "    ms", "to one by one")
    print(f"{'pages':>5}  {'':<20}" + "".join(f"{head:>{len(head) + 2}}" for head in heads))
    for size, ways in result["sizes"].items():
        for name, each in ways.items():
            print(
                f"{size:>5}  {name:<20}{each['postgresql']:>12.0f}{each['redis']:>7.0f}"
                f"{each['milliseconds']:>8.0f}{each['to_one_by_one']:>15.2f}×"
            )
    print("(round trips to PostgreSQL and to Redis, in all)\n")


@contextmanager
def _site(database: str, cache: str, count: int, counted: bool) -> Iterator["Connection[Any, Any]"]:
    """A process that saves pages into `count` new databases."""
    beginning = f"{'counted' if counted else 'timed'}_{count}"
    urls = [create_database(database, f"{beginning}_{number}") for number in range(count)]
    cache = f"{cache.rpartition('/')[0]}/{count + 4 * counted}"
    with worker(_work, urls, cache, counted) as orders:
        yield orders


def _work(orders: "Connection[Any, Any]", urls: list[str], cache: str, counted: bool) -> None:
    postgresql, redis = Counter(urls[0]), Counter(cache)
    if counted:
        urls, cache = [postgresql.url(url) for url in urls], redis.url(cache)
    os.environ |= {"SHEAF_DATABASE_URLS": ",".join(urls), "SHEAF_CACHE_URL": cache}
    migrate.upgrade(shards.everywhere())
    versions: dict[str, int] = {}
    while order := orders.recv():
        size, together = order
        changes = [_change(f"p{size}/{number}", versions) for number in range(size)]
        before = (postgresql.trips, redis.trips)
        begun = time.perf_counter()
        saved = _together(changes) if together else _one_by_one(changes)
        milliseconds = (time.perf_counter() - begun) * 1000
        trips = (postgresql.trips - before[0], redis.trips - before[1])
        versions |= saved
        orders.send(Cost(milliseconds, *trips))


def _change(slug: str, versions: dict[str, int]) -> Put:
    """A new page, or another text for one that is there."""
    version = versions.get(slug)
    text = " ".join(random.choice(_WORDS) for _ in range(120))
    condition = Precondition(frozenset({version}) if version else None)
    return Put(slug, condition, f"# {slug}\n\n{text}\n", file="")


def _one_by_one(changes: list[Put]) -> dict[str, int]:
    return {change.slug: _saved(change) for change in changes}


def _saved(change: Put) -> int:
    content = editing.compose(change.slug, change.body or "")
    condition = change.precondition
    saved = editing.put(change.slug, condition, "bench", "", content, document=documents.saved)
    return saved.page.version


def _together(changes: list[Put]) -> dict[str, int]:
    done = batches.carry_out(changes, "bench", document=documents.of)
    return {saved.page.slug: saved.page.version for saved in done}


if __name__ == "__main__":
    main()
