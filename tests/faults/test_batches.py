"""Batches on three shards while processes are killed and servers fail: each is whole or absent."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sheaf.sharding.slot_maps import SlotMap
from tests.faults import batch_mutations
from tests.faults.batch_checker import Batch, check_batches
from tests.faults.batch_editors import MOST, BatchClient, Shown, new_tag, text
from tests.faults.batch_nemesis import ORDERS, BatchNemesis
from tests.faults.batch_run import SHAPE, Plan, in_doubt, run, settle, stored
from tests.faults.batch_steps import LOSE_ANSWER, SHARDS, STEPS, Step
from tests.faults.readers import Site
from tests.faults.site_world import SiteWorld, site_world
from tests.waiting import wait_until

# In seconds. When all has happened that a test waits for, it is over.
LONG = 300
BATCHES = 60
LOCK_SECONDS = 1
OWNER = SlotMap.even(SHARDS).owner
OF_EACH_SHARD = 3


class CalmClient(BatchClient):
    """One who waits for each answer."""

    impatient = 0.0
    patience = float(LONG)
    retries = 10 * LONG


class LoneClient(CalmClient):
    """One of whose pages nobody asks twice: there is no flood of requests, and none is older."""

    flood = 0.0


class Refused(AssertionError):
    """A batch, of pages that nobody else changes."""


class Stage:
    """A site on three shards, and one who changes its pages by way of one gateway."""

    def __init__(self, world: SiteWorld, site: Site) -> None:
        self.world, self.site, self.shown = world, site, Shown()
        self.batches: list[Batch] = []
        self._first = CalmClient(Site(site.urls[:1], site.token), self.shown, 0, seed=1)
        self.calm, self.lone = (kind(site, self.shown, 1, 1) for kind in (CalmClient, LoneClient))
        self._sets = 0

    def new_slugs(self) -> list[str]:
        """Of each shard as many."""
        self._sets += 1
        names = [f"set-{self._sets}/{number}" for number in range(100)]
        of_shards = ([name for name in names if OWNER(name) == shard] for shard in range(SHARDS))
        return [name for some in of_shards for name in some[:OF_EACH_SHARD]]

    def change(self, versions: dict[str, int], *, named: bool = False) -> Batch:
        """A new text for each of these pages, from this version on."""
        tag = new_tag()
        changes = [text(tag, slug, version) for slug, version in versions.items()]
        batch = self._first.send_batch(tag, changes, named=named)

        def is_known() -> bool:
            nonlocal batch
            if batch.outcome == "acknowledged" or batch.reason == "batch-refused":
                return True
            batch = self._first.send_batch(tag, changes, named=named)
            return False

        if named:
            wait_until(is_known, "a batch is not answered")
        self.batches.append(batch)
        return batch

    def change_at_last(self, versions: dict[str, int]) -> Batch:
        """The same, and it is done; raises Refused."""
        batch = self.change(versions, named=True)
        if batch.outcome != "acknowledged":
            raise Refused(batch)
        return batch

    def ask(self, order: str, *, named: bool = False) -> Batch:
        """A batch over pages that were there, in which the order is obeyed; and the recovery.

        On a busy machine upkeep may end a batch before it has come so far.
        """
        gateway, asked = self.world.writers[0], list[Batch]()

        def is_obeyed() -> bool:
            versions = self.change_at_last(dict.fromkeys(self.new_slugs(), 0)).versions
            gateway.tell(order)
            asked.append(self.change(dict(versions), named=named))
            return not gateway.order.exists()

        wait_until(is_obeyed, f"no process obeys: {order}")
        self.recover()
        return asked[-1]

    def recover(self) -> None:
        """Wait for upkeep."""
        wait_until(lambda: not in_doubt(self.world.databases), "upkeep does not end a batch")

    def version(self, slug: str) -> int:
        """What readers are shown at the page's address."""
        answer = self.calm._ask("GET", f"/{slug}")
        return answer.version if answer else 0

    def violations(self) -> list[str]:
        """Of what is stored, and what was shown."""
        return [*check_batches(self.batches, stored(self.world)), *self.shown.violations]


@contextmanager
def staged(home: Path, mutation: str | None = None) -> Iterator[Stage]:
    with site_world(home, 1, LOCK_SECONDS, mutation, SHAPE) as (world, site):
        yield Stage(world, site)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("stage")) as made:
        yield made
        settle(made.world)
        assert made.violations() == []
        assert made.site.errors == []


@pytest.mark.parametrize("named", [False, True], ids=["unnamed", "named"])
@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_process_that_is_killed_leaves_all_or_nothing(
    stage: Stage, step: Step, named: bool
) -> None:
    """One that is sent again with its key is done once, whether it was done before or not."""
    batch = stage.ask(str(step), named=named)
    is_done = named or step.committed
    assert batch.outcome == ("acknowledged" if named else "unknown")
    assert stage.violations() == []
    marks = {row.mark for row in stored(stage.world).revisions}
    assert {change.mark in marks for change in batch.changes} == {is_done}
    now = {change.slug: 2 if is_done else 1 for change in batch.changes}
    wait_until(
        lambda: {slug: stage.version(slug) for slug in now} == now, "readers are not shown what is"
    )
    stage.calm.look(stage.change_at_last(now))
    assert stage.violations() == []


def test_an_answer_that_is_lost_is_asked_for(stage: Stage) -> None:
    assert stage.ask(LOSE_ANSWER).outcome == "acknowledged"
    assert stage.violations() == []


def test_many_pages_are_whole_right_after_the_answer(stage: Stage) -> None:
    """By the cache, in the list and by searching, whichever gateway is asked."""
    _show_many(stage)
    assert stage.violations() == []
    assert stage.shown.unread == 0


def _show_many(stage: Stage) -> None:
    versions = {f"many/{number}": 0 for number in range(MOST)}
    for _ in range(5):
        batch = stage.change_at_last(versions)
        stage.lone.look(batch)
        versions = dict(batch.versions)


def test_no_fault_leaves_a_part_of_a_batch(tmp_path: Path) -> None:
    result = run(Plan(batches=BATCHES, seconds=LONG, fault_every=1), tmp_path, eventful)
    assert result.violations == [], "\n".join(result.lines())
    assert result.errors == []
    assert len(result.batches) >= BATCHES, "\n".join(result.lines())


def eventful(nemesis: BatchNemesis) -> bool:
    """Whether processes have died at several steps, and much else has gone wrong."""
    return len(set(nemesis.obeyed)) >= len(ORDERS) // 3 and nemesis.done.total() >= 25


@pytest.mark.parametrize("mutation", batch_mutations.NAMES)
def test_the_checker_sees_a_broken_protocol(tmp_path: Path, mutation: str) -> None:
    wanted = batch_mutations.NAMES[mutation]
    with staged(tmp_path, mutation) as stage:
        seen: list[str] = []
        for order in ("", LOSE_ANSWER, *map(str, STEPS)):
            # What is there in part may be in the way of what comes next.
            with suppress(Refused):
                if order:
                    stage.ask(order)
                else:
                    _show_many(stage)
            stage.recover()
            seen = stage.violations()
            if any(wanted in violation for violation in seen):
                return
    pytest.fail(f"{mutation} was not seen: {seen}")
