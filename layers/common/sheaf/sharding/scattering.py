"""Scattering: one question to all shards at once, by one slot map, with a limit of time."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import cache, lru_cache
from typing import Any, TypeVar

from psycopg.pq import TransactionStatus
from sqlalchemy import Compiled, Dialect, Engine, Select

from sheaf.database import connections
from sheaf.database.connections import Impatient
from sheaf.database.errors import Unavailable, as_unavailable
from sheaf.sharding import ownership, shards

T = TypeVar("T")

# Longer than any list takes; a shard that needs more counts as down.
_SECONDS = 3.0
# What has come while another shard was waited for has to be read, too.
_LEAST_SECONDS = 0.1


@cache
def _threads() -> ThreadPoolExecutor:
    """This process's threads. One that hangs ends by the limits of its connection."""
    return ThreadPoolExecutor(max_workers=64, thread_name_prefix="scatter")


def sources() -> list[Callable[[Select[Any]], Iterable[Any]]]:
    """For each shard that owns slots, what runs a select there; all follow the same slot map."""
    engines = shards.all_owning()
    if len(engines) == 1:
        return [_source(engines[0])]
    compiled = _compiler(engines[0].dialect)
    return [_driven_source(engine, compiled) for engine in engines]


def source_of(name: str) -> Callable[[Select[Any]], Iterable[Any]]:
    """What runs a select on the shard that owns a slug or handle, for rows of that one only."""

    def run(statement: Select[Any]) -> Iterable[Any]:
        with shards.owning(name).connect() as connection:
            rows = connection.execute(statement).all()
            ownership.check_readable(connection, name)
        return rows

    return run


def _source(engine: Engine) -> Callable[[Select[Any]], Iterable[Any]]:
    def run(statement: Select[Any]) -> Iterable[Any]:
        with engine.connect() as connection:
            rows = connection.execute(statement, ownership.epoch(connection)).all()
            if not rows:
                ownership.check_up_to_date(connection)
        return rows

    return run


def _compiler(dialect: Dialect) -> Callable[[Select[Any]], Compiled]:
    """Compiles a select once for all the shards that are asked for it."""

    @lru_cache(maxsize=1)
    def compiled(statement: Select[Any]) -> Compiled:
        return statement.compile(dialect=dialect)

    return compiled


def _driven_source(
    engine: Engine, compiled: Callable[[Select[Any]], Compiled]
) -> Callable[[Select[Any]], Iterable[Any]]:
    """As `_source`, for one of many shards: sends a select, whose rows are read by who iterates.

    Of many shards it is this process's own work that is waited for. So the driver does it, in half
    of SQLAlchemy's time; and threads, which would take turns with one processor at each word from
    a server, are for connections that have to be made or tested first.
    """

    def run(statement: Select[Any]) -> Iterable[Any]:
        give_up_at = time.monotonic() + _SECONDS
        steps = _drive(engine, compiled(statement), give_up_at)
        if connections.is_at_hand(engine):
            next(steps)
            return steps
        return _joined(_threads().submit(next, steps), steps, give_up_at)

    return run


def _joined(sent: "Future[None]", steps: Iterator[Any], give_up_at: float) -> Iterator[Any]:
    sent.result(_left(give_up_at))
    yield from steps


def _drive(engine: Engine, statement: Compiled, give_up_at: float) -> Iterator[Any]:
    """First nothing, when it is sent; then the rows."""
    parameters = statement.construct_params(ownership.epoch(engine))
    with closing(engine.raw_connection()) as connection:
        driver: Impatient = connection.driver_connection  # type: ignore[assignment]
        try:
            cursor = driver.send(str(statement), parameters)
            yield
            driver.receive(_left(give_up_at))
            rows = cursor.fetchall()
        finally:
            # Else it is broken, or nobody waits any more for the answer that is to come.
            if driver.info.transaction_status != TransactionStatus.IDLE:
                connection.invalidate()
    if not rows:
        with engine.connect() as checked:
            ownership.check_up_to_date(checked)
    yield from rows


def _left(give_up_at: float) -> float:
    """Seconds, a few at least: what came while another shard was waited for is to be read, too."""
    return max(_LEAST_SECONDS, give_up_at - time.monotonic())


class Scatter:
    """Asks all shards at once. `partial` allows that some do not answer: `missing` counts them.

    Without it Unavailable is raised. Any other error is raised as it is.
    """

    def __init__(self, partial: bool = False) -> None:
        self._partial = partial
        self.missing = 0

    def __call__(self, asks: Sequence[Callable[[], Iterable[T]]]) -> list[list[T]]:
        """What each returns, in the same order; nothing for a shard that is missing."""
        if len(asks) == 1:
            # The limits of the connection will do.
            return [list(asks[0]())]
        asked: list[Iterable[T] | Exception] = []
        for ask in asks:
            try:
                asked.append(ask())
            except Exception as error:  # noqa: BLE001 - the others are to be asked first
                asked.append(error)
        # All are read before one may raise: a connection is lost if its answer is not read.
        outcomes = [_read(each) for each in asked]
        return [self._answer(outcome) for outcome in outcomes]

    def _answer(self, outcome: "list[T] | Exception") -> list[T]:
        if not isinstance(outcome, Exception):
            return outcome
        try:
            with as_unavailable():
                raise outcome
        except Unavailable:
            if not self._partial:
                raise
        self.missing += 1
        return []


def _read(asked: "Iterable[T] | Exception") -> "list[T] | Exception":
    if isinstance(asked, Exception):
        return asked
    try:
        return list(asked)
    except Exception as error:  # noqa: BLE001 - it is the caller's to raise
        return error
