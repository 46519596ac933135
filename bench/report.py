"""What the benchmarks share: how much to run, promises kept or missed, and the numbers on disk."""

import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
# Of a shortened run, which takes nothing's place that was measured whole.
DRAFTS = Path(__file__).parents[1] / "build" / "bench"


@dataclass(frozen=True)
class Target:
    """What was to be reached, and what was."""

    what: str
    wanted: str
    reached: float
    held: bool


def share() -> float:
    """How much of the full run is wanted: the first argument, or all of it."""
    return float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


def rounds_of(share: float, least: int = 2) -> Callable[[int], int]:
    """A function that shortens a full run's number of rounds to the share, but not below least."""
    return lambda full: max(least, round(full * share))


def stay_on_one_processor() -> None:
    """Keep this process, and all that it will start, on one processor, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def finish(name: str, result: dict[str, Any], found: list[Target], about: str | None) -> None:
    """Print what became of the targets and, from the docstring, what was left out; save all."""
    for target in found:
        held = "held" if target.held else "MISSED"
        print(f"{target.what:<36}{target.wanted:>8}{target.reached:>8.2f}  {held}")
    print(f"load of the machine in the last minute: {os.getloadavg()[0]:.1f}")
    _, left_out, rest = (about or "").rpartition("Left out")
    print(f"\n{left_out}{rest}")
    save(name, result, found)


def save(name: str, result: dict[str, Any], found: list[Target]) -> None:
    """Keep the numbers with what they were measured on."""
    folder = RESULTS if share() >= 1 else DRAFTS
    folder.mkdir(parents=True, exist_ok=True)
    conditions = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "load": [round(load, 1) for load in os.getloadavg()],
        "share": share(),
    }
    held = {target.what: target.held for target in found}
    text = json.dumps({**conditions, **result, "targets": held}, indent=2)
    (folder / f"{name}.json").write_text(f"{text}\n")
    print(f"saved in {folder / name}.json")
