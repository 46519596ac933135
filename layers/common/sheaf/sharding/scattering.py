"""Scattering: one question to all shards at once, by one slot map, with a limit of time."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any, TypeVar

from sqlalchemy import Compiled, Dialect, Engine, Select

from sheaf.database import connections
from sheaf.database.outages import Unavailable, raise_translated, translated
from sheaf.sharding import ownership, shards

T = TypeVar("T")

# Longer than any list takes; a shard that needs more counts as down.
_SECONDS = 3.0


@cache
def _threads() -> ThreadPoolExecutor:
    """This process's threads. One that hangs ends by the limits of its connection."""
    return ThreadPoolExecutor(max_workers=64, thread_name_prefix="scatter")


def sources() -> list[Callable[[Select[Any]], Iterable[Any]]]:
    """For each shard that owns slots, what runs a select there; all follow the same slot map."""
    engines = shards.all_owning()
    if len(engines) == 1:
        return [_source(engines[0])]
    followed, compiled = ownership.epoch(engines[0]), _compiler(engines[0].dialect)
    return [_driven_source(engine, compiled, followed) for engine in engines]


def rows(statement: Select[Any]) -> list[Any]:
    """What a statement selects on all shards that own slots, in no order; raises Unavailable."""
    return shards.following_moves(_rows, statement)


def _rows(statement: Select[Any]) -> list[Any]:
    asks = [partial(source, statement) for source in sources()]
    return [row for found in Scatter()(asks) for row in found]


def rows_in(
    seconds: float, statement: Select[Any], parameters: Mapping[str, Any]
) -> tuple[list[Any], bool]:
    """What a statement selects on those shards that answer within `seconds`, and if all of them do.

    It is compiled once for this process. Raises Unavailable where none can be asked.
    """
    return shards.following_moves(_rows_in, seconds, statement, parameters)


def _rows_in(
    seconds: float, statement: Select[Any], parameters: Mapping[str, Any]
) -> tuple[list[Any], bool]:
    engines = shards.all_owning()
    given = {**parameters, **ownership.epoch(engines[0])}
    asked = [_driven_source(engine, _compiled_once, given, seconds) for engine in engines]
    scatter = Scatter(partial=True)
    answers = scatter([partial(source, statement) for source in asked])
    return [row for found in answers for row in found], not scatter.missing


@lru_cache(maxsize=8)
def _compiled_once(statement: Select[Any]) -> Compiled:
    return statement.compile(dialect=shards.home().dialect)


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
    engine: Engine,
    compiled: Callable[[Select[Any]], Compiled],
    followed: Mapping[str, Any],
    seconds: float = _SECONDS,
) -> Callable[[Select[Any]], Iterable[Any]]:
    """As `_source`, for one of many shards: sends a select, whose rows are read on iteration.

    Of many shards it is this process's own work that is waited for. So threads, which would take
    turns with one processor at each word from a server, are for connections that have to be made
    or tested first.
    """

    def run(statement: Select[Any]) -> Iterable[Any]:
        give_up_at = time.monotonic() + seconds
        steps = connections.send(engine, compiled(statement), followed, give_up_at)
        if connections.is_at_hand(engine):
            next(steps)
            return _received(engine, steps)
        return _received(engine, steps, _threads().submit(next, steps), give_up_at)

    return run


def _received(
    engine: Engine,
    steps: Iterator[Any],
    sent: "Future[None] | None" = None,
    give_up_at: float = 0.0,
) -> Iterator[Any]:
    if sent:
        sent.result(max(0.0, give_up_at - time.monotonic()))
    rows = list(steps)
    if not rows:
        with engine.connect() as connection:
            ownership.check_up_to_date(connection)
    yield from rows


@dataclass
class Scatter:
    """Asks all shards at once. `partial` allows that some do not answer: `missing` counts them.

    Without it Unavailable is raised. Any other error is raised as it is.
    """

    partial: bool = False
    missing: int = 0

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
        outcomes = list(map(_read, asked))
        return list(map(self._answer, outcomes))

    def _answer(self, outcome: "list[T] | Exception") -> list[T]:
        if not isinstance(outcome, Exception):
            return outcome
        if not (self.partial and isinstance(translated(outcome), Unavailable)):
            raise_translated(outcome)
        self.missing += 1
        return []


def _read(asked: "Iterable[T] | Exception") -> "list[T] | Exception":
    if isinstance(asked, Exception):
        return asked
    try:
        return list(asked)
    except Exception as error:  # noqa: BLE001 - it is the caller's to raise
        return error
