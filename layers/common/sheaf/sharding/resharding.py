"""Resharding: slots move from shard to shard while people read and write.

A few slots at a time go through the steps of `STEPS`. After each step the home shard knows which
is next, and each may be done twice, so a run that was ended at any moment is taken up where it
was. What may be read or written where, by which map, follows from the rows of slot_owners:

- copy: the target gets what the source has, for readers that follow the next map.
- block: the source takes no more writes of these slots, and waits for those that have begun. The
  rest is copied, and compared. A write waits now for some tenths of a second.
- prepare: the source may be read by this map, and not by the next one.
- publish: the next map counts.
- close: the source sends callers that still follow the old map to read the new one.
- open: the target takes writes. It was never read otherwise than the source until now.
- clean: the source forgets the slots.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby

from sqlalchemy import Connection, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from sheaf.database.tables import names_checked, reader_epochs, slot_moves, slot_owners
from sheaf.database.transactions import take_time, transactional
from sheaf.sharding import shards, slot_copies, slot_maps
from sheaf.sharding.slot_maps import Move, SlotMap

STEPS = ("copy", "block", "prepare", "publish", "close", "open", "clean")
SLOTS_AT_ONCE = 64
_ONE_AT_A_TIME = 0x5EAF_0001

Report = Callable[["Batch"], None]


class ReshardError(RuntimeError):
    """Slots cannot be moved: somebody else is at it, or there are fewer shards than that."""


@dataclass(frozen=True)
class Batch:
    """Some slots on their way from one shard to another, and the step that comes next."""

    source: int
    target: int
    slots: tuple[int, ...]
    epoch: int
    step: str

    @property
    def published(self) -> bool:
        """Whether the new map may count already."""
        return STEPS.index(self.step) > STEPS.index("publish")


def plan(shard_count: int) -> list[Move]:
    """The moves that are left to spread all slots evenly over the first `shard_count` shards."""
    _check_count(shard_count)
    return _map().moves_to(shard_count)


def run(shard_count: int, report: Report = lambda _batch: None) -> int:
    """Move slots until they are spread evenly over the first `shard_count` shards.

    `report` is called before each step. Returns how many pages were copied. Raises ReshardError.
    """
    copied = 0
    with _alone():
        while batch := status() or _next_batch(shard_count):
            copied += _finish(batch, report)
    return copied


def status() -> Batch | None:
    """The slots that are on their way, if any."""
    columns = ("source", "target", "slots", "epoch", "step")
    with shards.home().connect() as home:
        row = home.execute(select(*(slot_moves.c[name] for name in columns))).one_or_none()
    return Batch(row.source, row.target, tuple(row.slots), row.epoch, row.step) if row else None


def abort(report: Report = lambda _batch: None) -> None:
    """Bring the slots that are on their way back, or, if they have arrived, to the end."""
    with _alone():
        batch = status()
        if batch and batch.published:
            _finish(batch, report)
        elif batch:
            _undo(batch)


def _check_count(shard_count: int) -> None:
    if not 1 <= shard_count <= len(shards.everywhere()):
        raise ReshardError(f"SHEAF_DATABASE_URLS names {len(shards.everywhere())} shards.")


def _map() -> SlotMap:
    shards.forget_map()
    return shards.current_map()


@contextmanager
def _alone() -> Iterator[None]:
    """Keep others from moving slots. The lock ends with its connection, whatever happens.

    It is a transaction's, which has its session to itself behind a pooler, too.
    """
    engine = shards.apart(0)
    try:
        with transactional(engine).begin() as connection:
            take_time(connection, 24 * 3600)
            asked = text(f"SELECT pg_try_advisory_xact_lock({_ONE_AT_A_TIME})")
            if not connection.execute(asked).scalar_one():
                raise ReshardError("Somebody else is moving slots.")
            yield
    finally:
        engine.dispose()


def _next_batch(shard_count: int) -> Batch | None:
    """The first slots of the plan that have the same way."""
    moves = sorted(plan(shard_count), key=lambda move: (move.source, move.target, move.slot))
    for (source, target), same in groupby(moves, key=lambda move: (move.source, move.target)):
        slots = tuple(move.slot for move in same)[:SLOTS_AT_ONCE]
        return _keep(Batch(source, target, slots, _map().epoch + 1, STEPS[0]))
    return None


def _keep(batch: Batch) -> Batch:
    row = {"id": 1, **vars(batch), "slots": list(batch.slots)}
    keeping = insert(slot_moves).values(row)
    with shards.home().connect() as home:
        home.execute(
            keeping.on_conflict_do_update(index_elements=["id"], set_={"step": batch.step})
        )
    return batch


def _forget() -> None:
    with shards.home().connect() as home:
        home.execute(delete(slot_moves))


def _finish(batch: Batch, report: Report) -> int:
    copied = 0
    for step in STEPS[STEPS.index(batch.step) :]:
        report(_keep(replace(batch, step=step)))
        copied += _ACTIONS[step](batch)
    _forget()
    return copied


def _copy(batch: Batch) -> int:
    rows = [{"slot": slot, "from_epoch": batch.epoch, "mode": "incoming"} for slot in batch.slots]
    with _session(batch.target) as target:
        # First: it hides the rows that will come from all who follow today's map.
        target.execute(insert(slot_owners).values(rows).on_conflict_do_nothing())
    with _session(batch.source) as source, _session(batch.target) as target:
        return slot_copies.synchronize(source, target, batch.slots)


def _block(batch: Batch) -> int:
    _set(batch.source, batch, mode="blocked")
    with _session(batch.source) as source, _session(batch.target) as target:
        copied = slot_copies.synchronize(source, target, batch.slots)
        slot_copies.verify(source, target, batch.slots)
    return copied


def _prepare(batch: Batch) -> int:
    _set(batch.source, batch, until_epoch=batch.epoch)
    return 0


def _publish(batch: Batch) -> int:
    moves = [Move(slot, batch.source, batch.target) for slot in batch.slots]
    current = _map()
    if current.epoch < batch.epoch:
        with shards.home().connect() as home:
            slot_maps.publish(home, current.after(moves))
    return 0


def _close(batch: Batch) -> int:
    least = func.greatest(reader_epochs.c.least, batch.epoch)
    with _session(batch.source) as source:
        source.execute(update(reader_epochs).values(least=least))
    return 0


def _open(batch: Batch) -> int:
    _set(batch.target, batch, mode="owned")
    with _session(batch.target) as target:
        # Names that came along are older than those that upkeep has seen there (normalizing.py).
        target.execute(delete(names_checked))
    return 0


def _clean(batch: Batch) -> int:
    _empty(batch.source, batch)
    return 0


_ACTIONS: dict[str, Callable[[Batch], int]] = {
    "copy": _copy,
    "block": _block,
    "prepare": _prepare,
    "publish": _publish,
    "close": _close,
    "open": _open,
    "clean": _clean,
}


def _undo(batch: Batch) -> None:
    """As if the batch had never been begun."""
    _empty(batch.target, batch)
    _set(batch.source, batch, mode="owned", until_epoch=None)
    _forget()


def _set(number: int, batch: Batch, **values: object) -> None:
    with _session(number) as connection:
        mine = slot_owners.c.slot.in_(batch.slots)
        # In the order of writers of several slots: else each may wait for what the other has.
        in_order = select(slot_owners.c.slot).where(mine).order_by(slot_owners.c.slot)
        connection.execute(in_order.with_for_update())
        connection.execute(update(slot_owners).where(mine).values(values))


def _empty(number: int, batch: Batch) -> None:
    with _session(number) as connection:
        connection.execute(delete(slot_owners).where(slot_owners.c.slot.in_(batch.slots)))
        slot_copies.remove(connection, batch.slots)


@contextmanager
def _session(number: int) -> Iterator[Connection]:
    """A transaction on a shard, whose statements may take an hour each."""
    with transactional(shards.at(number)).begin() as connection:
        take_time(connection, 3600)
        yield connection
