"""How many pages a second `sheaf import` brings in, beside an older commit's, and how readers fare.

    python -m bench.import_rounds [PAGES [COMMIT]]

has two sites of two workers each: of this tree, and of COMMIT (e954137, of 25 November 2026), which
is taken from the repository with its own command. Each imports PAGES (500) new files in turns, of
300 bytes and of 3 KB, for some rounds. Then the site of this tree is read while nothing else
happens and while an import runs, in turns as well, by two readers who look at a page that is in the
cache, each thirty times a second. It takes some minutes, and twenty at most.

Left out: a network between command and site, TLS, API Gateway and Lambda. Command, readers, sites,
PostgreSQL and Redis share one machine's processors. The older commit runs with the libraries of
this tree. The seconds of an import are those of the whole command, from its start to its end.
"""

import http.client
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

from bench.import_speed import WORDS, running_site
from bench.servers import deadline
from local.gateway.config import PROJECT

RESULTS = Path(__file__).parent / "results" / "import_rounds.json"
RUN_SECONDS, STEP_SECONDS = 1200, 300
COMMIT = "e954137"
ROUNDS, READ_ROUNDS, READERS = 3, 3, 2
SIZES = (300, 3000)
# Between two looks of a reader, in seconds, and how long nothing else happens.
PAUSE, QUIET = 1 / 30, 4
OURS, THEIRS = "this tree", "before"
LEAST_RATIO, MOST_SLOWER = 2.0, 3.0


@dataclass(frozen=True)
class Side:
    """A tree of code, with a site of its own."""

    name: str
    code: Path
    environment: dict[str, str]
    step_seconds: int = STEP_SECONDS

    def run(self, *arguments: object) -> str:
        """What its command prints; raises CalledProcessError and TimeoutExpired."""
        command = [sys.executable, "-m", "ops", *map(str, arguments)]
        return subprocess.run(
            command,
            cwd=self.code,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=self.step_seconds,
        ).stdout.strip()

    def pages_per_second(self, folder: Path, count: int) -> float:
        """How many of the files of a folder it brings in."""
        begun = time.perf_counter()
        said = self.run("import", folder)
        seconds = time.perf_counter() - begun
        if f"created {count}," not in said:
            raise RuntimeError(f"{self.name}: {said}")
        return count / seconds


def main() -> None:
    """Measure, print, save."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    commit = sys.argv[2] if len(sys.argv) > 2 else COMMIT
    with (
        deadline(RUN_SECONDS),
        tempfile.TemporaryDirectory(prefix="sheaf-bench-") as name,
        ExitStack() as stack,
    ):
        place = Path(name)
        sides = [
            stack.enter_context(served(OURS, PROJECT, place)),
            stack.enter_context(served(THEIRS, tree(commit, place / "tree"), place)),
        ]
        speeds = {size: measure(sides, place, size, count) for size in SIZES}
        reads = read(sides[0], place, count)
    result = summary(count, commit, speeds, reads)
    show(result)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")


def tree(commit: str, place: Path) -> Path:
    """The files of a commit."""
    place.mkdir()
    git = ["git", "-c", "safe.directory=*", "-C", str(PROJECT), "archive", commit]
    archive = subprocess.run(git, check=True, capture_output=True, timeout=60).stdout
    subprocess.run(["tar", "-x", "-C", str(place)], input=archive, check=True, timeout=60)
    return place


@contextmanager
def served(name: str, code: Path, place: Path) -> Iterator[Side]:
    """A site of this code, which is empty."""
    home = place / name.replace(" ", "-")
    home.mkdir()
    (home / "docs-imported").touch()
    path = os.pathsep.join(str(code / each) for each in ("", "functions", "layers/common"))
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SHEAF_")}
    environment = {**kept, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    with running_site(home, environment, code) as (_, url):
        side = Side(name, code, {**environment, "SHEAF_URL": url})
        token = side.run("token", "--user", "bench", "--role", "editor", "--home", home)
        yield Side(name, code, {**side.environment, "SHEAF_TOKEN": token})


def files(root: Path, size: int, count: int, chance: random.Random) -> Path:
    """A folder of new files of about this size."""
    folder = root / f"{chance.getrandbits(48):x}"
    inner = folder / folder.name
    inner.mkdir(parents=True)
    for number in range(count):
        text = f"# Page {number}\n"
        while len(text.encode()) < size:
            text += f"\n{' '.join(chance.choices(WORDS, k=min(60, size // 8)))} *{number}*.\n"
        (inner / f"page-{number}.md").write_text(text)
    return folder


def measure(sides: Sequence[Side], place: Path, size: int, count: int) -> dict[str, list[float]]:
    """The pages a second of each side, by rounds: who begins takes turns."""
    chance, speeds = random.Random(size), {side.name: list[float]() for side in sides}
    for number in range(ROUNDS):
        for side in sides if number % 2 else reversed(sides):
            folder = files(place / "in", size, count, chance)
            speeds[side.name].append(side.pages_per_second(folder, count))
    return speeds


def read(side: Side, place: Path, count: int) -> dict[str, list[float]]:
    """The milliseconds of all looks, while nothing else happens and while an import runs."""
    chance = random.Random(READERS)
    side.run("import", files(place / "read", 3000, 1, chance))
    [page] = (place / "read").rglob("page-0.md")
    url = f"{side.environment['SHEAF_URL']}/{page.parent.name}/page-0"
    looks = {"quiet": list[float](), "beside an import": list[float]()}
    looked(url, lambda: time.sleep(1))
    for _ in range(READ_ROUNDS):
        folder = files(place / "in", 3000, count, chance)
        looks["quiet"] += looked(url, lambda: time.sleep(QUIET))
        looks["beside an import"] += looked(url, lambda: side.run("import", folder))  # noqa: B023
    return looks


def looked(url: str, meanwhile: Callable[[], object]) -> list[float]:
    """The milliseconds of each look of some readers at a page, until something is over."""
    with ThreadPoolExecutor() as pool:
        beside = pool.submit(meanwhile)
        readers = [pool.submit(look, url, beside.done) for _ in range(READERS)]
        beside.result()
        return [each for reader in readers for each in reader.result()]


def look(url: str, is_over: Callable[[], bool]) -> list[float]:
    """The milliseconds of each look of a reader."""
    parts, looks = urlsplit(url), list[float]()
    while not is_over():
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        begun = time.perf_counter()
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        answer.read()
        looks.append((time.perf_counter() - begun) * 1000)
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{url} is answered {answer.status}")
        time.sleep(PAUSE)
    return looks


def p95(looks: Sequence[float]) -> float:
    """What 95 of 100 looks take at most."""
    return quantiles(looks, n=20)[-1]


def summary(
    count: int,
    commit: str,
    speeds: dict[int, dict[str, list[float]]],
    reads: dict[str, list[float]],
) -> dict[str, object]:
    """All that was measured, and on what."""
    ratios = {str(size): median(by[OURS]) / median(by[THEIRS]) for size, by in speeds.items()}
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "load": [round(load, 1) for load in os.getloadavg()],
        "before": commit,
        "pages": count,
        "pages_per_second": {str(size): by for size, by in speeds.items()},
        "ratios": ratios,
        "p95_milliseconds": {name: p95(looks) for name, looks in reads.items()},
        "slower": p95(reads["beside an import"]) / p95(reads["quiet"]),
    }


def show(result: dict[str, Any]) -> None:
    """Print the table and what it does not say."""
    print(f"{result['pages']} files a round, load of the machine {result['load'][0]}")
    for size, speeds in result["pages_per_second"].items():
        each = ", ".join(f"{name} {median(found):.0f}" for name, found in speeds.items())
        print(f"{size} bytes: pages/s {each}: {verdict(result['ratios'][size], LEAST_RATIO)}")
    looks = ", ".join(f"{name} {ms:.1f} ms" for name, ms in result["p95_milliseconds"].items())
    met = "met" if result["slower"] < MOST_SLOWER else "MISSED"
    print(f"p95 of a cached page: {looks}: x{result['slower']:.1f} (under x{MOST_SLOWER:g}: {met})")
    print(f"\nLeft out{(__doc__ or '').rpartition('Left out')[2]}")


def verdict(ratio: float, least: float) -> str:
    """A ratio, and whether it is what was promised."""
    return f"x{ratio:.1f} (at least x{least:g}: {'met' if ratio >= least else 'MISSED'})"


if __name__ == "__main__":
    main()
