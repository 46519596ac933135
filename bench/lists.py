"""Long lists, lists of many shards, searches, and where a slug's slot is.

    python -m bench.lists [SHARE]

starts a PostgreSQL of its own (and a Redis, which nothing here asks) and measures in one run:

- search: milliseconds of the function that the route calls, among 200,000 pages with texts of about
  120 words. 2,000 of them are saved as a write saves them, the others are copies of these rows;
- depth: pages 1, 100 and 10,000, fifty rows each, of a list of a million small pages, the one
  changed last first. By turns: Sheaf's list (`sheaf.pages.lists`, which pages by
  `sheaf.paging.fetch`, led by its own cursors to where the deep pages begin), sqlakeyset,
  fastapi-pagination by cursor and by limit and offset, Django's Paginator, and two ways of SQL,
  sent by psycopg: the keyset, which is the floor, and OFFSET. Beside the whole call stands the
  execution time of all the statements that it sends, by EXPLAIN ANALYZE on the same server, without
  their planning;
- changes: of what happened, among the events of as many pages, the first page and one 5,000 rows
  deep, of the site with imports and without, of a folder and of a person, beside those pages of
  the list of pages;
- shards: the first page of the same list, with the same rows, over 1, 4 and 16 databases of one
  server, in three processes that take turns; and the sum of their statements' execution times;
- slots: lookups of 100,000 keys among 16 shards, the keys that a 17th moves, and how much more than
  the mean the fullest shard then has.

The target of a deep page in proportion to the first is told twice, for the whole call and for the
statements' execution. The one against OFFSET is for the execution alone, since what a library adds
in Python is the same on each page. The one of 16 shards is told for the request, which is an event
of API Gateway's and the function's answer, and for the call that finds its rows. The numbers go to
standard output and, with what they were measured on, to bench/results/lists.json. SHARE (1)
shortens the run and the lists: 0.1 has 100,000 pages, and the deep page, always in the middle of
the list, is page 1,000. OFFSET has less to count off then: its target is for the full run.

Left out: a network, TLS, and a cache that is smaller than the data. Everything is on one machine
whose processors clients and servers share, so 16 databases are not 16 servers: they answer no
faster than these processors allow. The rows of the long list lie in the order of the list, which
favours OFFSET. The libraries read the same columns without asking which slots are the shard's own
and whether their map is still good, which Sheaf's statement does. fastapi-pagination and Django
count the rows of the list, as they do by default; fastapi-pagination makes pydantic's models of the
rows, Django its own, sqlakeyset none; the SQL by hand neither makes a cursor nor looks whether
there is another page. Only the request over shards makes JSON. Copied texts tie in a search, and
its words are Latin.
uhashring hashes by MD5, the others of the slots' contenders by SHA-256.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from bench import list_changes, list_depth, list_search, list_shards, list_slots, report
from bench.list_peers import OFFSET, OURS
from bench.report import Target
from bench.servers import servers

ROWS, SHARD_ROWS, SEARCHED, KEYS = 1_000_000, 200_000, 200_000, 100_000


def main() -> None:
    """Measure, print, save."""
    with tempfile.TemporaryDirectory(prefix="sheaf-bench-") as name, servers(Path(name)):
        result = measure(os.environ["SHEAF_DATABASE_URLS"], report.share())
    show(result)
    report.finish("lists", result, targets(result), __doc__)


def measure(url: str, share: float) -> dict[str, Any]:
    """Everything, with so large a share of the full run's rows and rounds."""
    rows, rounds = report.rounds_of(share, least=4000), report.rounds_of(share, least=10)
    return {
        "search": list_search.measure(url, rows(SEARCHED), rounds(100)),
        "depth": list_depth.measure(url, rows(ROWS), rounds(100)),
        "changes": list_changes.measure(url, rounds(100)),
        "shards": list_shards.measure(url, rows(SHARD_ROWS), rounds(200)),
        "slots": list_slots.measure(KEYS, rounds(15)),
    }


def targets(result: dict[str, Any]) -> list[Target]:
    """The promises of the design and what has become of them."""
    contenders = result["depth"]["contenders"]
    whole = contenders[OURS]["call"]["deep_to_first"]
    own = contenders[OURS]["statements"]["deep_to_first"]
    offset = contenders[OFFSET]["statements"]["deep_to_sheaf"]
    many = result["shards"]["layouts"]["16"]
    request, call = many["request_to_one_shard"], many["call_to_one_shard"]
    return [
        Target("deep page / first, whole call", "≤ 1.2", whole, whole <= 1.2),
        Target("deep page / first, statements", "≤ 1.2", own, own <= 1.2),
        Target("OFFSET / Sheaf, statements", "≥ 1,000", offset, offset >= 1000),
        Target("16 shards / 1 shard, request", "≤ 2", request, request <= 2),
        Target("16 shards / 1 shard, whole call", "≤ 2", call, call <= 2),
    ]


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    show_search(result["search"])
    show_depth(result["depth"])
    show_changes(result["changes"])
    show_shards(result["shards"])
    show_slots(result["slots"])


def show_search(search: dict[str, Any]) -> None:
    """Print how long a search takes."""
    print(f"\nsearch among {search['pages']:,} pages\n")
    _heads(("pages found", "p50 ms", "p95 ms"))
    for kind, each in search["kinds"].items():
        print(f"{kind:<28}{each['matches']:>13,.0f}{each['p50']:>8.1f}{each['p95']:>8.1f}")
    print(f"{'all of these':<28}{'':>13}{search['all']['p50']:>8.1f}{search['all']['p95']:>8.1f}")


def show_depth(depth: dict[str, Any]) -> None:
    """Print what a page of the long list costs, here and there."""
    pages = [f"page {number:,}" for number in depth["pages"]]
    for part, title in (("call", "whole call"), ("statements", "execution of its statements")):
        print(f"\npages of a list of {depth['rows']:,} rows: {title}, ms\n")
        _heads((*pages, "deep/first", "deep, it/Sheaf"))
        for name, each in depth["contenders"].items():
            taken = zip(each[part]["milliseconds"].values(), pages, strict=True)
            row = "".join(f"{one:>{len(page) + 2}.3f}" for one, page in taken)
            first, ours = each[part]["deep_to_first"], each[part]["deep_to_sheaf"]
            print(f"{name:<28}{row}{first:>12.2f}{ours:>15.2f}×")


def show_changes(changes: dict[str, Any]) -> None:
    """Print what a page of what happened costs."""
    print("\nwhat happened to these pages: the first page and a deep one, ms\n")
    _heads(("call", "deep", "statements", "deep", "deep call, it/pages"))
    for name, each in changes.items():
        first, deep = each["call"]
        own, own_deep = each["statements"]
        print(
            f"{name:<28}{first:>6.2f}{deep:>6.2f}{own:>12.3f}{own_deep:>6.2f}"
            f"{each['call_to_pages']:>20.2f}×"
        )


def show_shards(shards: dict[str, Any]) -> None:
    """Print what the list costs that is spread."""
    print(f"\nthe first page of {shards['rows']:,} rows in all\n")
    _heads(("request ms", "/one", "call ms", "/one", "CPU ms", "statements", "their own ms"))
    for count, each in shards["layouts"].items():
        name = f"{count} shard{'s' * (count != '1')}"
        print(
            f"{name:<28}{each['request']:>12.2f}{each['request_to_one_shard']:>6.2f}"
            f"{each['call']:>9.2f}{each['call_to_one_shard']:>6.2f}{each['cpu']:>8.2f}"
            f"{each['statements']:>12.0f}{each['execution']:>14.3f}"
        )


def show_slots(slots: dict[str, Any]) -> None:
    """Print how keys are found and moved."""
    print(f"\n{KEYS:,} keys, 16 shards and then 17\n")
    _heads(("lookups/s", "Sheaf/it", "moved", "fullest/mean"))
    for name, each in slots.items():
        print(
            f"{name:<28}{each['lookups_per_second']:>11,.0f}{each['sheaf_is_faster_by']:>9.2f}×"
            f"{each['moved']:>7.1%}{each['fullest_to_mean']:>14.3f}"
        )
    print()


def _heads(heads: tuple[str, ...]) -> None:
    print(f"{'':<28}" + "".join(f"{head:>{len(head) + 2}}" for head in heads))


if __name__ == "__main__":
    main()
