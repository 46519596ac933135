"""Two-phase commit: work on several shards that is done on all of them, or on none.

Each shard prepares its part, which then outlives its session and a restart, and keeps its rows
locked. The home shard's part and the decision are one transaction: once it has committed, so will
all the others. Whoever finds a part that is still prepared reads the decision, and if there is none
decides that nothing is done: so what a dead process left behind ends in one way only.

The protocol is an old one (Gray, 1978; "presumed abort" is that of Mohan, Lindsay and Obermarck,
1986).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from sheaf import telemetry
from sheaf.database.outages import DRIVER_ERRORS, Unavailable, raise_translated
from sheaf.database.tables import decisions
from sheaf.database.transactions import end_prepared, prepare, prepared, transactional
from sheaf.sharding import shards

# What is done on one shard.
Part: TypeAlias = Callable[[Connection], None]

_BEGINNING = "sheaf-"
_NAME = re.compile(rf"{_BEGINNING}([0-9a-f]{{32}})-[0-9]+")
# What was decided is known for longer than that: a process that was stopped in the middle and goes
# on at last does not decide otherwise.
_LATEST = timedelta(hours=1)
# A part that is found once this is over since the decision was prepared before it.
_SETTLED = timedelta(minutes=1)


class Aborted(Exception):
    """It took so long that somebody else has decided that nothing is done."""


class _Unknown(Unavailable):
    """No answer came to the decision, and the home shard cannot be asked."""


@dataclass(frozen=True)
class Ended:
    """A batch's part of one shard that had been left behind, and how it was ended."""

    batch: UUID
    shard: int
    committed: bool


@dataclass(frozen=True)
class InDoubt:
    """A batch's part of one shard that is prepared and not ended, for `seconds`."""

    name: str
    batch: UUID
    shard: int
    seconds: float


@dataclass(frozen=True)
class Decision:
    """What was decided of a batch, and which shards had prepared a part of it.

    `ended_at` is when upkeep saw that none of them has it any more.
    """

    batch: UUID
    committed: bool
    shards: list[int]
    created_at: datetime
    ended_at: datetime | None


def commit(batch: UUID, parts: Mapping[int, Part]) -> None:
    """Do each shard's part, all or none; the home shard's comes last.

    Raises what a part raises, and Aborted: nothing is done then. So it is with Unavailable if that
    is `undone`; otherwise all was done or will be, or nothing.
    """
    if len(parts) == 1:
        [(number, part)] = parts.items()
        with transactional(shards.following(number)).begin() as connection:
            part(connection)
        return
    others, latest = sorted(set(parts) - {shards.HOME}), datetime.now(UTC) + _LATEST
    try:
        for number in others:
            _prepare(number, batch, parts[number])
        _decide(batch, others, parts.get(shards.HOME), latest)
    except _Unknown:
        raise
    except Exception:
        _roll_back(batch, others)
        raise
    end(batch, others, commit=True)


def decided(batch: UUID) -> bool:
    """Whether it is committed. What was not decided until now never will be; raises Unavailable."""
    return shards.on(shards.HOME, _decided, batch)


def finish(batch: UUID) -> None:
    """Commit what is left of a batch, if it was decided so; raises Unavailable."""
    end(batch, shards.on(shards.HOME, _preparers, batch), commit=True)


def end(batch: UUID, numbers: Iterable[int], *, commit: bool) -> None:
    """End the parts of these shards, each if it can be; raises Unavailable if one cannot."""
    failed: Unavailable | None = None
    for number in numbers:
        try:
            shards.on(number, end_prepared, _name(batch, number), commit=commit)
        except Unavailable as failure:
            failed = failure
    if failed:
        raise Unavailable(str(failed), failed.retry_after) from failed


def recover(number: int, after: float) -> list[Ended]:
    """End what has been in doubt on a shard for `after` seconds, as it was or is decided.

    May be done twice, and while the process that began it is at work. Raises Unavailable.
    """
    ended = []
    for part in in_doubt(number):
        if part.seconds >= after:
            committed = decided(part.batch)
            shards.on(number, end_prepared, part.name, commit=committed)
            ended.append(Ended(part.batch, number, committed))
    return ended


def in_doubt(number: int) -> list[InDoubt]:
    """What is in doubt on a shard, the oldest first; raises Unavailable."""
    found = shards.on(number, prepared, _BEGINNING).items()
    return [
        InDoubt(name, UUID(ours[1]), number, seconds)
        for name, seconds in found
        if (ours := _NAME.fullmatch(name))
    ]


def newest_decisions(most: int) -> list[Decision]:
    """What was decided last, the newest first; raises Unavailable."""
    newest = select(*_DECISION).order_by(decisions.c.created_at.desc()).limit(most)
    return shards.on(shards.HOME, _read, newest)


def decisions_on(wanted: Iterable[UUID]) -> dict[UUID, Decision]:
    """What was decided of these so far; decides nothing, unlike `decided`. Raises Unavailable."""
    found = select(*_DECISION).where(decisions.c.id.in_(list(wanted)))
    return {one.batch: one for one in shards.on(shards.HOME, _read, found)}


def note_ended() -> None:
    """Note which batches no shard has a part of any more; raises Unavailable."""
    numbers = range(len(shards.everywhere()))
    left = {part.batch for number in numbers for part in in_doubt(number)}
    shards.on(shards.HOME, _note_ended, left)


def remove_old(connection: Connection, after: timedelta) -> int:
    """Forget the decisions that were carried out longer ago than this; says how many."""
    statement = delete(decisions).where(decisions.c.ended_at < func.now() - after)
    return connection.execute(statement).rowcount


def _name(batch: UUID, number: int) -> str:
    """What a shard's part is called: several shards may be databases of one server."""
    return f"{_BEGINNING}{batch.hex}-{number}"


def _prepare(number: int, batch: UUID, part: Part) -> None:
    with transactional(shards.following(number)).begin() as connection:
        part(connection)
        prepare(connection, _name(batch, number))


def _decide(batch: UUID, others: Sequence[int], part: Part | None, latest: datetime) -> None:
    """Do the home shard's part and decide, in one transaction; raises _Unknown, too."""
    try:
        with transactional(shards.following(shards.HOME)).begin() as home:
            if part:
                part(home)
            _keep(home, batch, others, latest)
    except (*DRIVER_ERRORS, Unavailable) as error:
        if not _was_decided(batch):
            raise_translated(error)


def _keep(home: Connection, batch: UUID, others: Sequence[int], latest: datetime) -> None:
    wanted = {"batch": batch, "others": list(others), "latest": latest}
    try:
        if home.execute(_DECIDE, wanted).one_or_none() is None:
            raise Aborted(batch)
    except IntegrityError as error:
        raise Aborted(batch) from error


def _was_decided(batch: UUID) -> bool:
    try:
        return decided(batch)
    except Unavailable as failure:
        raise _Unknown(str(failure), failure.retry_after) from failure


def _decided(home: Connection, batch: UUID) -> bool:
    # It waits for a decision that is being made.
    undecided = insert(decisions).values(id=batch, committed=False, shards=[])
    home.execute(undecided.on_conflict_do_nothing())
    wanted = select(decisions.c.committed).where(decisions.c.id == batch)
    return bool(home.execute(wanted).scalar_one())


def _read(home: Connection, wanted: Select[Any]) -> list[Decision]:
    return [Decision(*row) for row in home.execute(wanted)]


def _preparers(home: Connection, batch: UUID) -> list[int]:
    wanted = select(decisions.c.shards).where(decisions.c.id == batch, decisions.c.committed)
    return home.execute(wanted).scalar_one_or_none() or []


def _roll_back(batch: UUID, numbers: Iterable[int]) -> None:
    try:
        end(batch, numbers, commit=False)
    except Unavailable as failure:
        reason = telemetry.reason(failure)
        telemetry.logger().warning("left to upkeep", batch=str(batch), reason=reason)


def _note_ended(home: Connection, left: set[UUID]) -> None:
    settled = decisions.c.created_at < func.now() - _SETTLED
    done = (decisions.c.ended_at.is_(None), settled, decisions.c.id.not_in(left))
    home.execute(update(decisions).where(*done).values(ended_at=func.now()))


def _decision() -> Any:
    row = {
        "id": bindparam("batch", type_=decisions.c.id.type),
        "committed": true(),
        "shards": bindparam("others", type_=decisions.c.shards.type),
    }
    in_time = func.clock_timestamp() < bindparam("latest", type_=decisions.c.created_at.type)
    deciding = insert(decisions).from_select(list(row), select(*row.values()).where(in_time))
    return deciding.returning(decisions.c.id)


_DECISION = (
    *(decisions.c.id, decisions.c.committed, decisions.c.shards),
    *(decisions.c.created_at, decisions.c.ended_at),
)
# Built once: building a statement takes longer than running it.
_DECIDE = _decision()
