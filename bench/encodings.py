"""What a cached page costs readers of other encodings: brotli, gzip, none.

    python -m bench.encodings [SHARE]

starts a Redis and a PostgreSQL of its own and calls the function for pages, in this process, with
the event of a reader of each kind by turns. What is stored is brotli; the others are made of it.
The numbers, processor time of a call, go to standard output and to bench/results/encodings.json.
SHARE (1) shortens the run: 0.1 is a tenth.

Left out: the network and the gateway, which cost all of them the same. One page is asked for again
and again: in each process the first reader that takes no brotli pays for those after it.
"""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench import report
from bench.page import Site, event
from bench.report import Target
from bench.servers import servers

SLUG = "a-page-to-measure"
BROTLI = "brotli"
READERS = {BROTLI: "gzip, br", "gzip": "gzip", "none": "identity"}
CALLS = 200


def main() -> None:
    """Measure, show, save."""
    share = report.share()
    report.stay_on_one_processor()
    with tempfile.TemporaryDirectory(prefix="sheaf-bench-") as name, servers(Path(name)):
        result = measure(Path(name), report.rounds_of(share)(100))
    for reader, found in result["readers"].items():
        print(f"{reader:<10}{found['microseconds']:>8.1f} µs{found['times']:>8.2f} ×")
    report.finish("encodings", result, targets(result), __doc__)


def measure(home: Path, rounds: int) -> dict[str, Any]:
    """The median processor time of a call by each reader, in rounds of many calls each."""
    import pages.app  # noqa: PLC0415 - it reads its settings when it is imported
    from local.gateway.functions import Context  # noqa: PLC0415
    from sheaf.caching import near  # noqa: PLC0415

    near._FLOOD_SECONDS = 0.0  # each call asks Redis
    Site.here(home).write(SLUG)
    events = {name: event(SLUG, {"Accept-Encoding": takes}) for name, takes in READERS.items()}
    times: dict[str, list[float]] = {name: [] for name in READERS}
    for _ in range(rounds):
        for name, asked in events.items():
            started = time.process_time()
            for _ in range(CALLS):
                pages.app.handler(asked, Context("bench", 512, 15))
            times[name].append((time.process_time() - started) / CALLS * 1e6)
    medians = {name: median(each) for name, each in times.items()}
    return {
        "readers": {
            name: {"microseconds": each, "times": each / medians[BROTLI]}
            for name, each in medians.items()
        }
    }


def targets(result: dict[str, Any]) -> list[Target]:
    """The promise, and what has become of it."""
    times = {name: found["times"] for name, found in result["readers"].items()}
    return [
        Target(f"{name} against brotli", "≤ 1.2 ×", times[name], times[name] <= 1.2)
        for name in READERS
        if name != BROTLI
    ]


if __name__ == "__main__":
    main()
