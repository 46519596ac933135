"""Many writers of one page: Sheaf, Sheaf of commit e954137, and an UPDATE that checks the version.

    python -m bench.contention [SHARE]

starts a Redis and a PostgreSQL of its own and measures, in one run, the contenders by turns: 16
writers read a page, change it and save it onto the version they have read, without pause, whatever
the answer was; and two writers, of whom each has a worker. Each contender has two workers that
serve one request at a time. Counted are the saves that went through; each counts a number in the
page's text up, so the text tells whether one was lost.

The numbers go to standard output and, with what they were measured on, to
bench/results/contention.json. SHARE (1) shortens the run: 0.1 is a tenth. It needs git, with the
history of the checkout.

Left out: a network, TLS, API Gateway and Lambda, where writers do not share two workers. Writers,
workers, Redis and PostgreSQL share one machine's processors. The plain UPDATE has neither tokens
nor a description of requests to check, and keeps no page for readers. The writers do not wait
where an answer says `Retry-After`.
"""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from bench import import_speed, report
from bench.contention_rounds import WRITERS, Contender, measure, text
from bench.report import Target
from bench.servers import servers
from local.gateway.config import HOST, MOUNT, PROJECT
from local.gateway.serving import listen
from local.laptop import issuer, processes

BEFORE = "e954137"
NOW, THEN, PLAIN = "Sheaf", f"Sheaf of {BEFORE}", "versioned UPDATE"
WORKERS = 2


def main() -> None:
    """Measure, print, save."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sheaf-bench-")))
        cache = stack.enter_context(servers(place))
        contenders = [stack.enter_context(each) for each in _contenders(place, cache)]
        for each in contenders:
            each.ask("PUT", {"If-None-Match": "*"}, text(0))
        rounds, seconds = report.rounds_of(report.share()), max(1.0, 3 * report.share())
        result: dict[str, Any] = {
            "workers": WORKERS,
            "writers": {str(n): measure(contenders, n, rounds(4), seconds) for n in WRITERS},
        }
    show(result)
    report.finish("contention", result, targets(result), __doc__)


def _contenders(place: Path, cache: str) -> Iterator[Any]:
    """Each in a `with` block of its own, with a database of its own; yields Contenders."""
    then = place / "then"
    _unpack(then)
    for number, (name, tree) in enumerate([(NOW, PROJECT), (THEN, then)], start=1):
        yield _sheaf(name, tree, place / f"site-{number}", _environment(cache, number))
    yield _plain(_environment(cache, 3))


def _unpack(folder: Path) -> None:
    command = ["git", "-C", str(PROJECT), "archive", BEFORE]
    archive = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def _environment(cache: str, number: int) -> dict[str, str]:
    """The environment of a site that has a new database and a part of the Redis to itself."""
    database = os.environ["SHEAF_DATABASE_URLS"]
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE contender_{number}")
    urls = {
        "SHEAF_DATABASE_URLS": urlsplit(database)._replace(path=f"/contender_{number}").geturl(),
        "SHEAF_CACHE_URL": urlsplit(cache)._replace(path=f"/{number}").geturl(),
    }
    return {**os.environ, **urls}


def _paths(tree: Path) -> str:
    return os.pathsep.join(str(tree / each) for each in ("", "functions", "layers/common"))


@contextmanager
def _sheaf(
    name: str, tree: Path, home: Path, environment: Mapping[str, str]
) -> Iterator[Contender]:
    """The local site of a tree, as its `make run` starts it."""
    home.mkdir(mode=0o700)
    (home / "docs-imported").touch()  # the manual is not wanted here
    settings = {"SHEAF_HOME": str(home), "PORT": "0", "WORKERS": str(WORKERS)}
    log = home.with_suffix(".log")
    with log.open("wb") as output:
        environment = {**environment, **settings, "PYTHONPATH": _paths(tree)}
        environment.pop("SHEAF_ISSUER")  # each is its own
        site = processes.spawn(
            [sys.executable, "-m", "local"], env=environment, cwd=tree, output=output
        )
    try:
        url = import_speed.address(site, log)
        yield Contender(name, url, issuer.mint(home, url + MOUNT, "bench", "editor"))
    finally:
        processes.stop(site, patience=30)


@contextmanager
def _plain(environment: Mapping[str, str]) -> Iterator[Contender]:
    environment = {**environment, "PYTHONPATH": _paths(PROJECT)}
    command = [sys.executable, "-m", "local.gateway.functions", "MigrateFunction"]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
    with listen(HOST, 0) as listener:
        command = [
            *(sys.executable, "-m", "gunicorn", "bench.peers.plain_app:app"),
            *("--workers", str(WORKERS), "--bind", f"fd://{listener.fileno()}"),
            *("--log-level", "warning", "--no-control-socket"),
        ]
        server = processes.spawn(command, env=environment, pass_fds=[listener.fileno()])
        try:
            yield Contender(PLAIN, f"http://{HOST}:{listener.getsockname()[1]}", "")
        finally:
            processes.stop(server)


def targets(result: dict[str, Any]) -> list[Target]:
    """What was to be reached, and what has become of it."""
    each = result["writers"][str(WRITERS[0])]
    ratio = each[NOW]["saves_per_second"] / each[THEN]["saves_per_second"]
    lost = sum(one["lost"] for some in result["writers"].values() for one in some.values())
    return [
        Target(f"saves/s against {BEFORE}", "≥ 3 ×", ratio, ratio >= 3),
        Target("saves that were lost", "0", lost, lost == 0),
    ]


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    print(f"one page, {result['workers']} workers\n")
    print(f"{'':<20}{'writers':>9}{'saves/s':>9}{'refused/saved':>15}{'busy':>6}{'lost':>6}")
    for writers, contenders in result["writers"].items():
        for name, each in contenders.items():
            puts = each["puts"]
            ratio = puts.get(412, 0) / puts[200]
            rate, busy = each["saves_per_second"], puts.get(409, 0)
            print(f"{name:<20}{writers:>9}{rate:>9.1f}{ratio:>15.1f}{busy:>6}{each['lost']:>6}")
    print()


if __name__ == "__main__":
    main()
