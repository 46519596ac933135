"""How fast `sheaf import` and `sheaf export` are, on a throw-away site of two workers.

    python bench/import_speed.py [PAGES]

makes PAGES (5000) varied Markdown files, always the same ones, starts a site on a free port with a
state folder of its own, imports them, imports them again, exports them twice and compares. The
numbers go to standard output and, with what they were measured on, to
bench/results/import_speed.json.

Left out: a network between command and site, TLS, API Gateway and Lambda. Command, site, PostgreSQL
and Redis share one machine's processors, so a figure says what a laptop does, not what a deployed
site does. Every step is done once and nothing is averaged. Other work on the machine shows in the
seconds; the processor time of a page shows what the step itself needs.
"""

import json
import os
import platform
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from local.laptop import processes
from local.laptop.processes import tail
from ops import tokens

SEED = 5000
RESULTS = Path(__file__).parent / "results" / "import_speed.json"
TARGET = 100
START_SECONDS = 300
STEP_SECONDS = 3600
VOCABULARY = """
sheaf leaf page edit lock fence lease cursor shard slot revision epoch outbox tombstone the a of
and to in is it that was for on are with as they at be this from I have or by not but what all
naïve façade Größe coöperate 文書 検索 索引 ページ 版 листья правка
"""
WORDS = VOCABULARY.split()


@dataclass(frozen=True)
class Step:
    """One run of the command."""

    name: str
    pages: int
    seconds: float
    command_cpu_seconds: float
    site_cpu_seconds: float
    summary: str

    @property
    def pages_per_second(self) -> float:
        """Pages handled in each second of the clock."""
        return self.pages / self.seconds

    @property
    def cpu_milliseconds_per_page(self) -> float:
        """Processor time of command, gateway, PostgreSQL and Redis for each page."""
        return (self.command_cpu_seconds + self.site_cpu_seconds) * 1000 / self.pages


def main() -> None:
    """Measure, print, save."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory(prefix="sheaf-bench-") as name:
        place = Path(name)
        size = make_files(place / "in", count)
        with running_site(place / "home") as (site, url):
            token = tokens.mint(place / "home", url, "bench", "editor", timedelta(hours=1))
            settings = {"SHEAF_URL": url, "SHEAF_TOKEN": token}
            steps = list(measure(place, count, settings, site))
        check_same(place / "in", place / "out")
    show(steps, size)
    save(steps, size)


def make_files(root: Path, count: int) -> int:
    """Write `count` files and return their size in bytes; the same ones each time."""
    chance = random.Random(SEED)
    size = 0
    for number in range(count):
        path = root / f"part-{number % 37}" / f"chapter-{number % 11}" / f"page-{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = document(chance, number, count).encode()
        path.write_bytes(data)
        size += len(data)
    return size


def document(chance: random.Random, number: int, count: int) -> str:
    """A page of a heading and some blocks; every fifth has front matter, every ninth CRLF."""
    blocks = min(60, int(chance.lognormvariate(2, 0.8)) + 1)
    parts = [f"# {sentence(chance, 4)} {number}"]
    parts += [block(chance, count) for _ in range(blocks)]
    text = "\n\n".join(parts) + "\n"
    if number % 5 == 0:
        text = f"---\ntitle: Page {number}\ntags: [bench, t{number % 7}]\n---\n{text}"
    return text.replace("\n", "\r\n") if number % 9 == 0 else text


def block(chance: random.Random, count: int) -> str:
    """A heading, list, table, quotation, code or, mostly, a paragraph with a link and emphasis."""
    link = f"[{sentence(chance, 2)}](../chapter-1/page-{chance.randrange(count)}.md)"
    return chance.choice(
        [
            f"## {sentence(chance, 3)}",
            "\n".join(f"- {sentence(chance, 7)}" for _ in range(4)),
            "| a | b |\n|---|--:|\n" + "\n".join(f"| {sentence(chance, 2)} | {n} |" for n in "123"),
            f"> {sentence(chance, 12)}",
            f"```python\n{sentence(chance, 6)}\n```",
            *[f"{sentence(chance, 40)} *{sentence(chance, 3)}* {link} {sentence(chance, 20)}."] * 6,
        ]
    )


def sentence(chance: random.Random, words: int) -> str:
    """Some words."""
    return " ".join(chance.choices(WORDS, k=words))


@contextmanager
def running_site(
    home: Path, environment: Mapping[str, str] = os.environ, code: Path | None = None
) -> Iterator[tuple[psutil.Process, str]]:
    """Run the local site, of other `code` if it is given, with two workers.

    Yields its process and its address.
    """
    environment = {**environment, "SHEAF_HOME": str(home), "PORT": "0", "WORKERS": "2"}
    log = home.with_name(f"{home.name}.log")
    with log.open("wb") as output:
        command = [sys.executable, "-m", "local"]
        site = processes.spawn(command, cwd=code, env=environment, output=output)
    try:
        yield psutil.Process(site.pid), address(site, log)
    finally:
        processes.stop(site, patience=30)


def address(site: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the site has written where it is; raises RuntimeError if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while site.poll() is None and time.monotonic() < deadline:
        if found := re.search(r"^Sheaf is at (\S+)\n", log.read_text(), re.MULTILINE):
            return found[1]
        time.sleep(0.05)
    raise RuntimeError(f"the site did not start:\n{tail(log)}")


def measure(
    place: Path, count: int, settings: dict[str, str], site: psutil.Process
) -> Iterator[Step]:
    """Run the four steps."""
    for name, *arguments in (
        ("import into an empty site", "import", place / "in"),
        ("import again, all unchanged", "import", place / "in"),
        ("export into an empty folder", "export", place / "out"),
        ("export again, all unchanged", "export", place / "out"),
    ):
        before = cpu_seconds(site)
        seconds, cpu, summary = run(list(map(str, arguments)), settings)
        yield Step(name, count, seconds, cpu, cpu_seconds(site) - before, summary)


def cpu_seconds(site: psutil.Process) -> float:
    """Processor time that the site's processes have used so far."""
    times = [process.cpu_times() for process in [site, *site.children(recursive=True)]]
    return sum(each.user + each.system for each in times)


def run(arguments: list[str], settings: dict[str, str]) -> tuple[float, float, str]:
    """Run the command once; return its seconds, its own processor time and its summary."""
    command, environment = [sys.executable, "-m", "ops", *arguments], {**os.environ, **settings}
    begun, used = time.perf_counter(), ended_cpu_seconds()
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=STEP_SECONDS,
        check=False,
    )
    seconds, cpu = time.perf_counter() - begun, ended_cpu_seconds() - used
    summary = done.stdout.strip()
    if done.returncode:
        raise RuntimeError(f"{arguments} failed: {summary}")
    return seconds, cpu, summary


def ended_cpu_seconds() -> float:
    """Processor time of all children that have ended: the site is not among them."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def check_same(before: Path, after: Path) -> None:
    """Compare every file, byte for byte."""
    for path in before.rglob("*.md"):
        if (after / path.relative_to(before)).read_bytes() != path.read_bytes():
            raise RuntimeError(f"{path.name} came out different")


def show(steps: list[Step], size: int) -> None:
    """Print the table and what it does not say."""
    print(f"{steps[0].pages} files, {size / 1e6:.1f} MB; exported files equal byte for byte")
    print(
        f"{'step':<29}{'seconds':>8}{'pages/s':>9}{'CPU s: command':>16}{'site':>7}{'ms/page':>9}"
    )
    for step in steps:
        print(
            f"{step.name:<29}{step.seconds:>8.1f}{step.pages_per_second:>9.0f}"
            f"{step.command_cpu_seconds:>16.1f}{step.site_cpu_seconds:>7.1f}"
            f"{step.cpu_milliseconds_per_page:>9.1f}"
        )
    print(f"load of the machine in the last minute: {os.getloadavg()[0]:.1f}")
    met = "met" if steps[0].pages_per_second >= TARGET else "MISSED"
    print(f"target: {TARGET} pages/s into an empty site: {met}")
    print(
        f"\n{(__doc__ or '').rpartition('Left out')[1]}{(__doc__ or '').rpartition('Left out')[2]}"
    )


def save(steps: list[Step], size: int) -> None:
    """Keep the numbers with what they were measured on."""
    RESULTS.parent.mkdir(exist_ok=True)
    result = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "load": [round(load, 1) for load in os.getloadavg()],
        "workers": 2,
        "jobs": 4,
        "bytes": size,
        "steps": [
            {
                **asdict(step),
                "pages_per_second": step.pages_per_second,
                "cpu_milliseconds_per_page": step.cpu_milliseconds_per_page,
            }
            for step in steps
        ],
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
