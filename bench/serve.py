"""The site under load against Flask's, and many readers of one page that no cache has.

    python -m bench.serve [SHARE]

starts a Redis and a PostgreSQL of its own and measures, in one run, the contenders by turns:

- the local gateway, as `make run` starts it, and Flask with Flask-Caching under gunicorn with the
  same workers, both with the same page of about 30 KB in the same Redis: requests a second and
  latency by wrk, for browsers without the page (200) and with it (304);
- a stampede: eight processes that ask for the same page at the same moment, when it is not in the
  cache, or in Sheaf's case also when it is there and too old. Counted are the SELECTs from the
  table of pages, by an event of SQLAlchemy, and the runs of Jinja, which both should be one. The
  caches of dogpile.cache and cashews and a cache without any guard have the same SELECT and the
  same template to run.

The numbers go to standard output and, with what they were measured on, to
bench/results/serve.json. SHARE (1) shortens the run: 0.1 is a tenth. It needs wrk.

Left out: a network, TLS, API Gateway and Lambda. All is on the loopback, and load, servers, Redis
and PostgreSQL share one machine's processors. gunicorn's sync workers end each connection after
its answer, so each request pays for a new one. The local gateway builds the event of an HTTP API
for each request and decodes its answer, which Flask without Lambda does not have to do. Flask
sends the bytes that Sheaf had compressed; it does not compress. In a stampede the readers have
imported what they need and are connected to the database, except in the first round, which is
told separately (reads / renders); no reader waits for a process to start. The peers store the page
uncompressed. dogpile.cache and cashews sleep as long between two looks at a taken lock as they do
by default.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import redis

from bench import load_rounds, report, stampede
from bench.contenders import FLASK, OURS
from bench.page import Site
from bench.report import Target
from bench.servers import servers
from bench.stampede_peers import OURS_OLD, PEERS

SLUG = "a-page-to-measure"


def main() -> None:
    """Measure, print, save."""
    if shutil.which("wrk") is None:
        sys.exit("this needs wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="sheaf-bench-") as name, servers(Path(name)) as url:
        result = measure(Path(name), url, report.share())
    show(result)
    report.finish("serve", result, targets(result), __doc__)


def measure(place: Path, url: str, share: float) -> dict[str, Any]:
    """Everything, with so large a share of the full run's rounds."""
    rounds = report.rounds_of(share)
    return {
        "workers": load_rounds.WORKERS,
        "connections": load_rounds.CONNECTIONS,
        "load": load(place, rounds(5), max(1, round(3 * share))),
        "readers": stampede.READERS,
        "stampede": storm(Site.here(place), url, rounds(50)),
    }


def load(place: Path, rounds: int, seconds: int) -> dict[str, Any]:
    """The page under load."""
    home = place / "site"
    with load_rounds.sheaf(home) as ours:
        site = Site.at(ours, home)
        site.write(SLUG)
        page = site.read(SLUG)
        with load_rounds.flask(place, page) as theirs:
            loads = load_rounds.loads({OURS: ours, FLASK: theirs}, page)
            return load_rounds.measure(loads, rounds, seconds)


def storm(site: Site, url: str, rounds: int) -> dict[str, Any]:
    """For each round a page that is not in the cache and one that is; and a first round."""
    slugs = [f"storm-{number}" for number in range(rounds + 1)]
    for slug in slugs:
        site.write(slug)
    with redis.Redis.from_url(url) as client:
        client.flushall()
        for slug in slugs:
            site.write(stampede.old(slug))
        return stampede.measure(client, slugs)


def targets(result: dict[str, Any]) -> list[Target]:
    """The promises of the design and what has become of them."""
    cold, aged = result["stampede"][OURS], result["stampede"][OURS_OLD]
    return [
        Target("SQL reads of a stampede", "1", cold["reads"], cold["always_one"]),
        Target("renders of a stampede", "1", cold["renders"], cold["always_one"]),
        Target("SQL reads where the page is too old", "1", aged["reads"], aged["always_one"]),
        Target("renders where the page is too old", "1", aged["renders"], aged["always_one"]),
    ]


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    print(f"{result['workers']} workers, {result['connections']} connections\n")
    heads = ("requests/s", "Sheaf/it", "p50 ms", "p99 ms")
    print(f"{'':<20}" + "".join(f"{head:>{len(head) + 2}}" for head in heads))
    for status in (200, 304):
        for name in (OURS, FLASK):
            each = result["load"][f"{name} {status}"]
            print(
                f"{f'{name}, {status}':<20}{each['per_second']:>12.0f}"
                f"{each['sheaf_is_faster_by']:>9.2f}×{each['p50']:>8.2f}{each['p99']:>8.2f}"
            )
    show_storm(result)


def show_storm(result: dict[str, Any]) -> None:
    """Print what the readers of one page cost."""
    rounds = result["stampede"][OURS]["rounds"]
    print(f"\n{result['readers']} readers at once of a page that is not cached, {rounds} rounds\n")
    heads = ("SQL reads", "most", "renders", "most", "slowest reader, ms", "first round")
    print(f"{'':<34}" + "".join(f"{head:>{len(head) + 2}}" for head in heads))
    for name in PEERS:
        each = result["stampede"][name]
        first = "{reads} / {renders}".format(**each["first_round"])
        print(
            f"{name:<34}{each['reads']:>11.2f}{each['most_reads']:>6}{each['renders']:>9.2f}"
            f"{each['most_renders']:>6}{each['slowest_reader_milliseconds']:>20.1f}{first:>13}"
        )
    print()


if __name__ == "__main__":
    main()
