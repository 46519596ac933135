"""Scattering: one question to all shards at once, by one slot map, with a limit of time."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from functools import cache, lru_cache
from threading import Lock
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Compiled, Connection, Dialect, Engine, Select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sheaf.storage import ownership, shards

T = TypeVar("T")

# Longer than any list takes; a shard that needs more counts as down.
_SECONDS = 3.0
_DOWN = (
    *(OperationalError, InterfaceError, PoolTimeout, FutureTimeout),
    *(psycopg.OperationalError, psycopg.InterfaceError),
)


@cache
def _threads() -> ThreadPoolExecutor:
    """This process's threads. One that hangs ends by the limits of its connection."""
    return ThreadPoolExecutor(max_workers=64, thread_name_prefix="scatter")


class ShardDown(Exception):
    """A shard did not answer in time, so the answer would not be whole."""


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
        with shards.reading(name) as connection:
            return connection.execute(statement).all()

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
    """Compiles a select once for all the threads that ask for it."""
    lock = Lock()

    @lru_cache(maxsize=1)
    def compiled(statement: Select[Any]) -> Compiled:
        return statement.compile(dialect=dialect)

    def compile_once(statement: Select[Any]) -> Compiled:
        with lock:
            return compiled(statement)

    return compile_once


def _driven_source(
    engine: Engine, compiled: Callable[[Select[Any]], Compiled]
) -> Callable[[Select[Any]], Iterable[Any]]:
    """As `_source`, for one of many shards.

    The threads share a processor, so of many shards it is this one's work that is waited for. The
    select is sent by the driver: SQLAlchemy's own execution takes twice as long as all the rest.
    """

    def run(statement: Select[Any]) -> Iterable[Any]:
        select = compiled(statement)
        with engine.connect() as connection:
            rows = _drive(connection, select)
            if not rows:
                ownership.check_up_to_date(connection)
        return rows

    return run


def _drive(connection: Connection, statement: Compiled) -> list[Any]:
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    parameters = statement.construct_params(ownership.epoch(connection))
    try:
        return driver.execute(str(statement), parameters).fetchall()
    except (psycopg.OperationalError, psycopg.InterfaceError):
        connection.invalidate()  # SQLAlchemy does not know that it may be broken
        raise


class Scatter:
    """Asks all shards at once. `partial` allows that some do not answer: `missing` counts them.

    Without it ShardDown is raised. Any other error is raised as it is.
    """

    def __init__(self, partial: bool = False) -> None:
        self._partial = partial
        self.missing = 0

    def __call__(self, asks: Sequence[Callable[[], list[T]]]) -> list[list[T]]:
        """What each returns, in the same order; nothing for a shard that is missing."""
        if len(asks) == 1:
            # The limits of the connection will do.
            return [asks[0]()]
        give_up_at = time.monotonic() + _SECONDS
        futures = [_threads().submit(ask) for ask in asks]
        return [self._answer(future, give_up_at) for future in futures]

    def _answer(self, future: "Future[list[T]]", give_up_at: float) -> list[T]:
        try:
            return future.result(max(0.0, give_up_at - time.monotonic()))
        except _DOWN as error:
            if not self._partial:
                raise ShardDown("a shard does not answer") from error
            self.missing += 1
            return []
