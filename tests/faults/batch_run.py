"""Batches on three shards, a fault every moment, and a check that each is there or not at all.

    python -m tests.faults.batch_run --batches 1000 --seconds 600 --seed 1

Single writers edit the same pages meanwhile, slots move between the shards, and upkeep ends what
dead processes leave in doubt. Ends with status 1 when it finds a violation.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from local.laptop import processes
from local.laptop.processes import Server
from tests.faults import batch_mutations
from tests.faults.batch_checker import PUT, Batch, Note, PageRow, Row, Stored, check_batches
from tests.faults.batch_editors import PAGES, Shown, works
from tests.faults.batch_nemesis import BatchNemesis
from tests.faults.batch_steps import SHARDS
from tests.faults.checker import Attempt, Revision, check
from tests.faults.histories import SAVE
from tests.faults.site_run import attempt_of
from tests.faults.site_world import Gateway, Shape, SiteWorld, site_world
from tests.faults.steps import at_work
from tests.faults.world import revisions
from tests.waiting import PATIENCE, wait_until

SHAPE = Shape(SHARDS, upkeep_seconds=0.5, left_seconds=1)
_ROWS = "SELECT slug, version, state, body, moved_to, moved_from FROM revisions"
_PAGES = "SELECT slug, coalesce(identity, id), version, state FROM pages WHERE version > 0"
_IN_DOUBT = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"


@dataclass(frozen=True)
class Plan:
    """What to run: so many batches, but not longer than `seconds`, and otherwise as site_run's."""

    batches: int = 1000
    seconds: float = 600
    fault_every: float = 2
    seed: int = 1
    lock_seconds: float = 1
    mutation: str | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What came of it."""

    batches: Sequence[Batch]
    shown: Shown
    stored: Stored
    revisions: Sequence[Revision]
    attempts: Sequence[Attempt]
    faults: Counter[str]
    statuses: Counter[str]
    errors: Sequence[str]
    kills: int
    steps: int
    recovered: int
    resharded: int

    @cached_property
    def violations(self) -> list[str]:
        """Of what is stored, of batches and of single writers, and of what was shown."""
        of_batches = chain.from_iterable(map(_attempts, self.batches))
        single = check(self.revisions, [*self.attempts, *of_batches])
        return [*check_batches(self.batches, self.stored), *single, *self.shown.violations]

    def count(self, outcome: str) -> int:
        """How many batches ended so."""
        return sum(batch.outcome == outcome for batch in self.batches)

    @property
    def summary(self) -> str:
        """All in a line."""
        outcomes = ("acknowledged", "refused", "unknown")
        ended = ", ".join(f"{self.count(outcome)} {outcome}" for outcome in outcomes)
        return (
            f"batches: {len(self.batches)} sent, {ended}; {self.kills} kills"
            f" ({self.steps} different steps), {self.recovered} parts recovered by upkeep,"
            f" {self.resharded} times slots moved; violations: {len(self.violations)}"
        )

    def lines(self) -> Iterator[str]:
        """A summary for people."""
        reasons = Counter(f"{each.outcome} {each.reason}".strip() for each in self.batches)
        saves = Counter(f"{each.outcome} {each.reason}".strip() for each in self.attempts)
        counted = {
            "batches": reasons,
            "saves of one page": saves,
            "requests": self.statuses,
            "faults": self.faults,
        }
        for title, counts in counted.items():
            yield f"{counts.total():7} {title}"
            yield from (f"{count:15} {name}" for name, count in sorted(counts.items()))
        shown = self.shown
        yield f"{shown.read:7} pages read after a batch, {shown.late} times older ones in a flood,"
        yield f"        and {shown.unread} not at all"
        yield f"{len(self.violations):7} violations"
        yield from (f"        {violation}" for violation in self.violations[:20])
        yield from self.errors[:20]
        yield self.summary


Enough = Callable[[BatchNemesis], bool]


def run(plan: Plan, home: Path, enough: Enough | None = None) -> Result:
    """Run the plan on servers of its own; with `enough`, more batches until it is."""
    shown = Shown()
    with site_world(home, plan.seed, plan.lock_seconds, plan.mutation, SHAPE) as (world, site):
        nemesis = BatchNemesis(world, plan.lock_seconds, plan.faults)

        def is_enough() -> bool:
            return len(shown.batches) >= plan.batches and (not enough or enough(nemesis))

        with (
            _resharding(world.writers[-1], home) as resharded,
            at_work(works(site, shown, plan.seed, plan.batches if enough is None else None)),
        ):
            nemesis.rage(plan.seconds, plan.fault_every, is_enough)
            nemesis.finish()
            world.heal()
        settle(world)
        return Result(
            shown.batches,
            shown,
            stored(world),
            _of_all_pages(world),
            [attempt_of(each) for each in site.history.operations() if each.way == SAVE],
            nemesis.done,
            site.statuses,
            site.errors,
            nemesis.kills,
            len(set(nemesis.obeyed)),
            world.recovered(),
            *resharded,
        )


@contextmanager
def _resharding(gateway: Gateway, home: Path) -> Iterator[list[int]]:
    """Slots move during the block; how often they did is what is yielded, once it has ended."""
    command = [sys.executable, "-m", "tests.faults.resharder"]
    times: list[int] = []
    log = home / "resharder.log"
    with log.open("wb") as output:
        process = processes.spawn(command, env=gateway.environment, output=output)
    try:
        yield times
        process.terminate()
        assert process.wait(PATIENCE) == 0, log.read_text()
        times.append(int(log.read_text().splitlines()[-1]))
    finally:
        process.kill()
        process.wait(PATIENCE)


def settle(world: SiteWorld) -> None:
    """Let the gateways end, and upkeep whatever they have left."""
    for gateway in world.writers:
        gateway.stop()
    wait_until(lambda: not in_doubt(world.databases), "upkeep does not end what is in doubt")
    for gateway in world.writers:
        gateway.close()


def stored(world: SiteWorld) -> Stored:
    """What all databases hold, and the processes have noted."""
    notes = (world.home / "notes").read_text().splitlines()
    return Stored(
        [_row(*row) for row in _of_each(world.databases, _ROWS)],
        [PageRow(slug, str(id_), *rest) for slug, id_, *rest in _of_each(world.databases, _PAGES)],
        [Note(tag, str(UUID(batch)), parts) for tag, batch, parts in map(json.loads, notes)],
        {str(id_): committed for id_, committed in _at_home(world, "id, committed", "decisions")},
        frozenset(key.strip('"') for (key,) in _at_home(world, "key", "batch_keys")),
        in_doubt(world.databases),
    )


def _row(slug: str, version: int, state: str, body: str, *ways: str | None) -> Row:
    said = json.loads(body) if body else {}
    return Row(slug, version, state, said.get("mark", ""), said.get("batch", ""), *ways)


def _of_each(databases: Sequence[Server], query: str) -> Iterator[tuple[Any, ...]]:
    for server in databases:
        with psycopg.connect(server.url) as connection:
            yield from connection.execute(query)


def _at_home(world: SiteWorld, columns: str, table: str) -> list[tuple[Any, ...]]:
    return list(_of_each(world.databases[:1], f"SELECT {columns} FROM {table}"))


def in_doubt(databases: Sequence[Server]) -> list[str]:
    """What is prepared, and not ended."""
    return [name for (name,) in _of_each(databases, _IN_DOUBT)]


def _of_all_pages(world: SiteWorld) -> list[Revision]:
    """The revisions of those that are edited one by one, too."""
    found = chain.from_iterable(revisions(server.url) for server in world.databases)
    return [each for each in found if each.slug in PAGES]


def _attempts(batch: Batch) -> Iterator[Attempt]:
    """A batch's texts, each as one that was tried."""
    for change in batch.changes:
        if change.kind == PUT and change.slug in PAGES:
            version = batch.versions.get(change.slug, 0)
            yield Attempt(change.mark, change.slug, batch.outcome, version, batch.reason)


def run_alone(plan: Plan) -> Result:
    """Run the plan in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="sheaf-faults-") as directory:
        return run(plan, Path(directory))


def _plan() -> Plan:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--batches", type=int, default=Plan.batches)
    parser.add_argument("--seconds", type=float, default=Plan.seconds)
    parser.add_argument("--fault-every", type=float, default=Plan.fault_every, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--lock-seconds", type=float, default=Plan.lock_seconds, metavar="SECONDS")
    parser.add_argument("--mutation", choices=batch_mutations.NAMES)
    weights = BatchNemesis.weights
    parser.add_argument("--faults", nargs="+", choices=weights, default=Plan.faults, metavar="NAME")
    return Plan(**vars(parser.parse_args()))


def main() -> int:
    """Run, and say what came of it."""
    plan = _plan()
    result = run_alone(plan)
    sys.stdout.writelines(f"{line}\n" for line in (str(plan), *result.lines()))
    return 1 if result.violations or result.errors else 0


if __name__ == "__main__":
    sys.exit(main())
