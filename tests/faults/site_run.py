"""Readers and writers of a site over HTTP, a fault every few seconds, and a check of what they saw.

    python -m tests.faults.site_run --seconds 60 --seed 1 --edn build/history.edn

Ends with status 1 when it finds a violation. The file is for Elle (see `histories.edn`).
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psycopg

from tests.faults import histories, read_mutations
from tests.faults.checker import Attempt, Revision, check
from tests.faults.histories import SAVE, Operation
from tests.faults.reads_checker import Bounds, Incidents, Texts, check_reads, went_back
from tests.faults.site_nemesis import SiteNemesis
from tests.faults.site_world import site_world
from tests.faults.steps import at_work
from tests.faults.world import revisions

_OUTCOMES = {"ok": "acknowledged", "fail": "refused", "info": "unknown"}


@dataclass(frozen=True)
class Plan:
    """What to run, for `seconds` at most. Times are in seconds; `mutation` breaks what readers
    are promised, and `faults` are the only ones to happen, if there are any.
    """

    seconds: float = 60
    fault_every: float = 2
    seed: int = 1
    lock_seconds: float = 1
    mutation: str | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What came of it, or has so far."""

    operations: list[Operation]
    stored: list[Revision]
    incidents: Incidents
    bounds: Bounds
    faults: Counter[str]
    statuses: Counter[str]
    errors: list[str]

    @cached_property
    def violations(self) -> list[str]:
        """Of what is stored, and of what was shown."""
        attempts = [attempt_of(each) for each in self.operations if each.way == SAVE]
        shown = check_reads(self.operations, texts(self.stored), self.incidents, self.bounds)
        return [*check(self.stored, attempts), *shown]

    def count(self, *ways: str) -> int:
        """How many operations of these ways were answered."""
        return sum(each.way in ways and each.outcome == "ok" for each in self.operations)

    def lines(self) -> Iterator[str]:
        """A summary for people."""
        saves = (each for each in self.operations if each.way == SAVE)
        reads = (each for each in self.operations if each.way != SAVE and each.outcome == "ok")
        counted = {
            "saves": Counter(f"{_OUTCOMES[each.outcome]} {each.reason}".strip() for each in saves),
            "pages read": Counter(" ".join([each.way, *sorted(each.notes)]) for each in reads),
            "requests": self.statuses,
            "faults": self.faults,
        }
        for title, counts in counted.items():
            yield f"{counts.total():7} {title}"
            yield from (f"{count:15} {name}" for name, count in sorted(counts.items()))
        older = went_back(self.operations)
        yield f"{older:7} times an older page than before, to one who did not say what he knew"
        yield f"{len(self.violations):7} violations"
        yield from (f"        {violation}" for violation in self.violations[:20])
        yield from self.errors[:20]


def texts(stored: list[Revision]) -> Texts:
    """The mark of each version's text."""
    return {(each.slug, each.version): each.mark for each in stored}


def attempt_of(save: Operation) -> Attempt:
    """A save as the checker of what is stored has it."""
    return Attempt(save.mark, save.slug, _OUTCOMES[save.outcome], save.version, save.reason)


Enough = Callable[[Result], bool]


def run(plan: Plan, home: Path, enough: Enough | None = None) -> Result:
    """Run the plan on servers of its own; it may be enough before its end.

    What is seen before the end may lack what is under way, so only violations by what was shown
    are to be looked for then.
    """
    with site_world(home, plan.seed, plan.lock_seconds, plan.mutation) as (world, site):
        nemesis = SiteNemesis(world, plan.lock_seconds, plan.faults)
        bounds = Bounds(lock=plan.lock_seconds)

        def result() -> Result:
            done = site.history.operations()
            stored = revisions(world.postgres.url)
            return Result(
                done, stored, nemesis.incidents(), bounds, nemesis.done, site.statuses, site.errors
            )

        def is_enough() -> bool:
            with suppress(psycopg.OperationalError):  # the database may be out just now
                return enough is not None and enough(result())
            return False

        with at_work(site.works(plan.seed)):
            nemesis.rage(plan.seconds, plan.fault_every, is_enough)
            nemesis.finish()
            world.heal()
        world.finish()
        return result()


def run_alone(plan: Plan) -> Result:
    """Run the plan in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="sheaf-faults-") as directory:
        return run(plan, Path(directory))


def _plan() -> tuple[Plan, Path | None]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=Plan.seconds)
    parser.add_argument("--fault-every", type=float, default=Plan.fault_every, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--lock-seconds", type=float, default=Plan.lock_seconds, metavar="SECONDS")
    parser.add_argument("--mutation", choices=read_mutations.NAMES)
    weights = SiteNemesis.weights
    parser.add_argument("--faults", nargs="+", choices=weights, default=Plan.faults, metavar="NAME")
    parser.add_argument("--edn", type=Path, metavar="FILE")
    options = vars(parser.parse_args())
    edn = options.pop("edn")
    return Plan(**options), edn


def main() -> int:
    """Run, and say what came of it."""
    plan, edn = _plan()
    result = run_alone(plan)
    if edn:
        edn.write_text("".join(f"{line}\n" for line in histories.edn(result.operations)))
    sys.stdout.writelines(f"{line}\n" for line in (str(plan), *result.lines()))
    return 1 if result.violations or result.errors else 0


if __name__ == "__main__":
    sys.exit(main())
