"""Many writers, a fault every few seconds, and at the end a check over the database.

    python -m tests.faults.run --seconds 300 --writers 8 --fault-every 2 --seed 1

Ends with status 1 when it finds a violation. The same seed gives the same faults, though not the
same run: what they hit is up to the machine.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from local.laptop import services
from tests.faults import mutations
from tests.faults.checker import Attempt, check
from tests.faults.nemesis import Nemesis
from tests.faults.world import migrate, revisions, world


@dataclass(frozen=True)
class Plan:
    """What to run, for `seconds` at most. Times are in seconds, `mutation` breaks the
    writers' protocol, and `faults` are the only ones to happen, if there are any.
    """

    seconds: float = 300
    writers: int = 8
    fault_every: float = 2
    seed: int = 1
    lease: float = 1
    mutation: str | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What came of it, or has so far."""

    attempts: list[Attempt]
    faults: Counter[str]
    violations: list[str]
    errors: list[str]

    @property
    def acknowledged(self) -> int:
        """How many writes were."""
        return sum(attempt.outcome == "acknowledged" for attempt in self.attempts)

    def lines(self) -> Iterator[str]:
        """A summary for people."""
        outcomes = Counter(f"{a.outcome} {a.reason}".strip() for a in self.attempts)
        for title, counts in (("writes", outcomes), ("faults", self.faults)):
            yield f"{counts.total():7} {title}"
            yield from (f"{count:15} {name}" for name, count in sorted(counts.items()))
        yield f"{len(self.violations):7} violations"
        yield from (f"        {violation}" for violation in self.violations[:20])
        yield from self.errors


Enough = Callable[[Result], bool]


def run(plan: Plan, home: Path, database_url: str, enough: Enough | None = None) -> Result:
    """Run the plan on a database whose tables are there and empty; it may be enough before its end.

    What is seen before the end may lack outcomes of writes that are under way.
    """
    options = ["--lease", str(plan.lease)]
    options += ["--mutation", plan.mutation] if plan.mutation else []
    with world(home, database_url, plan.writers, plan.seed, options) as everything:
        nemesis = Nemesis(everything, plan.lease, plan.faults)

        def result() -> Result:
            attempts = everything.attempts()
            violations = check(revisions(database_url), attempts)
            return Result(attempts, nemesis.done, violations, everything.errors())

        nemesis.rage(plan.seconds, plan.fault_every, lambda: bool(enough and enough(result())))
        everything.finish()
        return result()


def run_alone(plan: Plan) -> Result:
    """Run the plan with servers of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="sheaf-faults-") as directory,
        services.postgres(Path(directory)) as database,
    ):
        migrate(database.url)
        return run(plan, Path(directory), database.url)


def _plan() -> Plan:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=Plan.seconds)
    parser.add_argument("--writers", type=int, default=Plan.writers)
    parser.add_argument("--fault-every", type=float, default=Plan.fault_every, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--lease", type=float, default=Plan.lease, metavar="SECONDS")
    parser.add_argument("--mutation", choices=mutations.NAMES)
    parser.add_argument(
        "--faults", nargs="+", choices=Nemesis.weights, default=Plan.faults, metavar="NAME"
    )
    return Plan(**vars(parser.parse_args()))


def main() -> int:
    """Run with servers of its own, and say what came of it."""
    plan = _plan()
    result = run_alone(plan)
    sys.stdout.writelines(f"{line}\n" for line in (str(plan), *result.lines()))
    return 1 if result.violations or result.errors else 0


if __name__ == "__main__":
    sys.exit(main())
