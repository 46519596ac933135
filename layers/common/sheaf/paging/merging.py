"""Many databases as one: ask all of them at once, and merge their sorted answers."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Engine, Select

from sheaf.paging.keysets import Keyset

T = TypeVar("T")
Row = tuple[Any, ...]

# Runs a select on one database. The rows of `connection.execute` will do. They are read when all
# databases have been asked.
Source = Callable[[Select[Any]], Iterable[Any]]
# Calls each, and returns what they return in the same order.
Scatter = Callable[[Sequence[Callable[[], Iterable[Any]]]], Sequence[Iterable[Any]]]


def source(engine: Engine) -> Source:
    """A source that takes a connection of this engine for the time of the select."""

    def run(statement: Select[Any]) -> Iterable[Any]:
        with engine.connect() as connection:
            return connection.execute(statement).all()

    return run


def gather(asks: Sequence[Callable[[], T]]) -> list[T]:
    """Call all of them at once, in threads, and return their results in the same order.

    Waits for the slowest; raises the first error there is, so nothing is silently left out.
    """
    if len(asks) < 2:
        return [ask() for ask in asks]
    with ThreadPoolExecutor(len(asks)) as pool:
        return [future.result() for future in [pool.submit(ask) for ask in asks]]


def merge(streams: Sequence[Iterable[Row]], keyset: Keyset, *, backward: bool) -> Iterator[Row]:
    """One sorted stream of many: of rows whose last columns are the keyset's."""
    width = len(keyset)
    return heapq.merge(*streams, key=lambda row: keyset.rank(row[-width:], backward=backward))
