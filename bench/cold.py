"""The first answer of a new pages function, and the cost of each one after it, against others.

    python -m bench.cold [SHARE]

starts a Redis and a PostgreSQL of its own, saves a page of about 30 KB through the API, which puts
it into the cache, and has it served by the pages function, by Flask, FastAPI and Chalice, each on
the same Redis, and by the floor, a handler that returns a constant of the page's size:

- cold: from an event's arrival, for which there is no process yet, to the answer, under AWS's
  runtime interface emulator and with AWS's runtime client (awslambdaric). That includes the start
  of Python, the imports of client and handler, the connection to Redis and the page; the
  emulator's own start is over by then. Wall time, and the processor time of the process, which
  other work on the machine disturbs less;
- the import of the handler's module alone, in a new process without the runtime client;
- warm: processor time of a call of the handler, 200 and 304, in new processes. A thousand pages by
  turns, so that each cache hit is one GET of Redis; one page over and over, a flood, which the
  pages function answers from its memory, is shown beside it.

Python runs with -S and finds the packages by PYTHONPATH: a virtual environment's .pth files, which
Lambda has none of, would otherwise be a part of each start and import modules for the handlers.
All contenders have bytecode, which is checked. Everything, Redis included, runs on one processor:
where a request goes back and forth between two, waking them up costs more than the work, in an
amount that changes from one minute to the next. The numbers go to standard output and, with what
they were measured on, to bench/results/cold.json. SHARE (1) shortens the run: 0.1 is a tenth.
PYTHON in the environment names another Python, which must have the same packages.

Left out: the download and start of the micro-VM that a cold start on Lambda begins with, TLS and
login to Redis, a network, and API Gateway. Files are in the page cache of this machine, and its
processors are shared with Redis and PostgreSQL, and run at their full speed instead of a share by
memory size. The figures therefore say little, but the ratios of what was measured in the same
round say more. The peers get the page's bytes as they are sent, compressed by Sheaf, and encode
them in base64 for each answer, as their adapters do; none of them compresses. They do no logging
and set no security headers of their own but send Sheaf's.
"""

import tempfile
from pathlib import Path
from typing import Any

from bench import report
from bench.cold_rounds import SLUG, Rounds
from bench.contenders import CONTENDERS, FASTAPI, FLASK, OURS, runtime
from bench.page import Site
from bench.report import Target
from bench.servers import servers


def main() -> None:
    """Measure, print, save."""
    report.stay_on_one_processor()
    with tempfile.TemporaryDirectory(prefix="sheaf-bench-") as name, servers(Path(name)) as url:
        result = measure(Path(name), url, report.share())
    show(result)
    report.finish("cold", result, targets(result), __doc__)


def measure(place: Path, url: str, share: float) -> dict[str, Any]:
    """Everything, with so large a share of the full run's rounds."""
    site = Site.here(place)
    site.write(SLUG)
    page = site.read(SLUG)
    page.save(place / "page.json")
    used = runtime(place)
    rounds = Rounds(used, site, page, url)
    rounds.warm_up()
    return {
        "python_measured": used.version,
        "html_bytes": page.html_bytes,
        "compressed_bytes": len(page.body),
        "encoding": page.headers["content-encoding"],
        "cold": rounds.cold(report.rounds_of(share)(16)),
        "warm": rounds.warm(repeats=9, calls=report.rounds_of(share, 50)(1000)),
    }


def targets(result: dict[str, Any]) -> list[Target]:
    """The promises of the design and what has become of them."""
    cold, warm = result["cold"], result["warm"]
    floor = cold[OURS]["to_floor"]
    flask, fastapi = cold[FLASK]["to_sheaf"], cold[FASTAPI]["to_sheaf"]
    warm_flask, warm_fastapi = warm[FLASK]["to_sheaf_200"], warm[FASTAPI]["to_sheaf_200"]
    return [
        Target("cold start / constant handler's", "≤ 1.25", floor, floor <= 1.25),
        Target("cold start of Flask / Sheaf's", "≥ 4.5", flask, flask >= 4.5),
        Target("cold start of FastAPI / Sheaf's", "≥ 7", fastapi, fastapi >= 7),
        Target("CPU of a hit, Flask / Sheaf", "≥ 4", warm_flask, warm_flask >= 4),
        Target("CPU of a hit, FastAPI / Sheaf", "≥ 4", warm_fastapi, warm_fastapi >= 4),
    ]


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    starts = len(result["cold"][OURS]["milliseconds"])
    print(
        f"Python {result['python_measured']}; HTML of {result['html_bytes'] / 1000:.1f} KB, "
        f"{result['compressed_bytes'] / 1000:.1f} KB by {result['encoding']}; "
        f"medians of {starts} cold starts"
    )
    heads = ("cold ms", "/floor", "/Sheaf", "CPU ms", "/floor", "/Sheaf", "RSS MiB", "import ms")
    print(f"\n{'':<36}" + "".join(f"{head:>{len(head) + 2}}" for head in heads))
    for each in CONTENDERS:
        cold, warm = result["cold"][each.name], result["warm"][each.name]
        print(
            f"{f'{each.name} ({each.parts})':<36}{cold['median_milliseconds']:>9.1f}"
            f"{cold['to_floor']:>8.2f}{cold['to_sheaf']:>8.2f}{cold['cpu_milliseconds']:>8.1f}"
            f"{cold['cpu_to_floor']:>8.2f}{cold['cpu_to_sheaf']:>8.2f}"
            f"{cold['resident_mib']:>9.1f}{warm['import_milliseconds']:>11.1f}"
        )
    show_warm(result)


def show_warm(result: dict[str, Any]) -> None:
    """Print what a call costs."""
    heads = ("hit, CPU µs", "/Sheaf", "304, CPU µs", "/Sheaf", "body, characters")
    print(f"\n{'':<36}" + "".join(f"{head:>{len(head) + 2}}" for head in heads))
    for each in CONTENDERS[1:]:
        warm = result["warm"][each.name]
        print(
            f"{f'{each.name} ({each.parts})':<36}{warm['cpu_microseconds_200']:>13.1f}"
            f"{warm['to_sheaf_200']:>8.2f}{warm['cpu_microseconds_304']:>13.1f}"
            f"{warm['to_sheaf_304']:>8.2f}{result['cold'][each.name]['body_characters']:>18}"
        )
    flood = result["warm"][OURS]["cpu_microseconds_flood"]
    print(f"{'Sheaf, the same page over and over':<36}{flood:>13.1f}\n")


if __name__ == "__main__":
    main()
