"""Load on the local gateway and on Flask, by turns: two workers each, one page, one cache."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench.contenders import OURS
from bench.import_speed import running_site
from bench.page import HEADERS, Page
from local.gateway.config import HOST, PROJECT
from local.gateway.serving import listen
from local.laptop import processes

SEED = 13
WORKERS = 2  # as many as running_site() starts
CONNECTIONS = 4
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@contextmanager
def sheaf(home: Path) -> Iterator[str]:
    """Run the local site on the servers of the environment; yields its address."""
    home.mkdir(mode=0o700)
    (home / "docs-imported").touch()  # the manual is not wanted here
    with running_site(home) as (_, site):
        yield site


@contextmanager
def flask(place: Path, page: Page) -> Iterator[str]:
    """The peer under gunicorn with the options that `local/laptop/run.py` has."""
    page.save(place / "page.json")
    environment = {**os.environ, "BENCH_PAGE": str(place / "page.json")}
    with listen(HOST, 0) as listener:
        command = [
            *(sys.executable, "-m", "gunicorn", "flask_app:app", "--workers", str(WORKERS)),
            *("--bind", f"fd://{listener.fileno()}", "--preload", "--log-level", "warning"),
            *("--pythonpath", str(PROJECT / "bench/peers"), "--no-control-socket"),
        ]
        server = processes.spawn(command, env=environment, pass_fds=[listener.fileno()])
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            processes.stop(server)


@dataclass(frozen=True, eq=False)
class Load:
    """Requests for one address, and the answer that each must get."""

    name: str
    url: str
    status: int
    headers: Mapping[str, str]


def loads(addresses: Mapping[str, str], page: Page) -> list[Load]:
    """On each contender: browsers that see the page for the first time, and those that have it."""
    known = {**HEADERS, "If-None-Match": page.headers["etag"]}
    return [
        Load(name, f"{address}/{page.slug}", status, headers)
        for name, address in addresses.items()
        for status, headers in ((200, HEADERS), (304, known))
    ]


def measure(wanted: list[Load], rounds: int, seconds: int) -> dict[str, Any]:
    """Medians of rounds in which each load is put on once, in another order every time."""
    chance = random.Random(SEED)
    results: dict[Load, list[dict[str, float]]] = {load: [] for load in wanted}
    for load in wanted:
        _check(load)
        _wrk(load, 1)
    for _ in range(rounds):
        for load in chance.sample(wanted, len(wanted)):
            _check(load)
            results[load].append(_wrk(load, seconds))
    ours = {load.status: taken for load, taken in results.items() if load.name == OURS}
    return {
        f"{load.name} {load.status}": _medians(taken, ours[load.status])
        for load, taken in results.items()
    }


def _medians(taken: list[dict[str, float]], ours: list[dict[str, float]]) -> dict[str, float]:
    result = {name: median(each[name] for each in taken) for name in taken[0]}
    pairs = zip(ours, taken, strict=True)
    result["sheaf_is_faster_by"] = median(
        one["per_second"] / other["per_second"] for one, other in pairs
    )
    return result


def _check(load: Load) -> None:
    """Ask once: a load of errors would be fast. A contender that has just started is awaited."""
    address = urlsplit(load.url)
    connection = HTTPConnection(HOST, address.port, timeout=30)
    connection.request("GET", address.path, headers=dict(load.headers))
    answer = connection.getresponse()
    connection.close()
    if answer.status != load.status:
        raise RuntimeError(f"{load.name} answered {answer.status}, not {load.status}")


def _wrk(load: Load, seconds: int) -> dict[str, float]:
    headers = [word for name, value in load.headers.items() for word in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *headers, load.url]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"{load.name} had errors: {done.stdout}")
    return parse(done.stdout)


def parse(text: str) -> dict[str, float]:
    """Requests a second and, in milliseconds, percentiles of the latency from what wrk prints."""
    found = re.search(r"Requests/sec: +([\d.]+)", text)
    if found is None:
        raise ValueError(f"not what wrk prints: {text}")
    latencies = re.findall(r"^ +(50|99)% +([\d.]+)(us|ms|s)$", text, re.MULTILINE)
    return {
        "per_second": float(found[1]),
        **{f"p{percent}": float(value) * _UNITS[unit] for percent, value, unit in latencies},
    }
