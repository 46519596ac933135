"""One page of a list, from one database or merged from many."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import ceil, sqrt
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Engine, Select, literal_column

from sheaf.paging.cursors import END, START, Cursors, Position
from sheaf.paging.keysets import Keyset

T = TypeVar("T")
Row = tuple[Any, ...]

# Runs a select on one database. The rows of `connection.execute` will do. They are read when all
# databases have been asked.
Source = Callable[[Select[Any]], Iterable[Any]]
# Calls each, and returns what they return in the same order.
Scatter = Callable[[Sequence[Callable[[], Iterable[Any]]]], Sequence[Iterable[Any]]]

# So many rows deep a page may be asked for by its number. Each database counts them off.
MAX_DEPTH = 1000


class BadPage(ValueError):
    """No page has this number, or it is too deep in the list to be counted to.

    Its text may be shown to the client.
    """


@dataclass(frozen=True)
class PageRequest:
    """Which part of a list: at most `limit` rows, from a cursor on or the page of a number.

    The first page has the number 1; it is also what is meant if `cursor` and `page` are None.
    Raises BadPage for a cursor and a number together, for a number below 1, and for a page by
    number that ends beyond MAX_DEPTH rows. `limit` is not checked: it is 1 or more.

    >>> PageRequest(50, page=3).skipped
    100
    >>> PageRequest(50, page=0)
    Traceback (most recent call last):
    sheaf.paging.fetching.BadPage: The first page has the number 1.
    """

    limit: int
    cursor: str | None = None
    page: int | None = None

    def __post_init__(self) -> None:
        if self.page is None:
            return
        if self.cursor is not None:
            raise BadPage("Ask for a page by its number or by a cursor, not by both.")
        if self.page < 1:
            raise BadPage("The first page has the number 1.")
        if self.page * self.limit > MAX_DEPTH:
            raise BadPage(
                f"Pages have numbers up to item {MAX_DEPTH:,} of a list. "
                "Go on from there with the cursor `next` of an earlier page."
            )

    @property
    def skipped(self) -> int:
        """How many rows of the list are before this part, by the page's number; 0 without one."""
        return (self.page - 1) * self.limit if self.page else 0


@dataclass(frozen=True)
class RowPage:
    """One page of a list, and the cursors of the pages around it (None at an end).

    `rows` have the columns that were selected, in the list's order, whichever way they were read.
    """

    rows: Sequence[Row]
    next: str | None
    prev: str | None


def source(engine: Engine) -> Source:
    """A source that takes a connection of this engine for the time of the select.

    To call it raises what SQLAlchemy raises.
    """

    def run(statement: Select[Any]) -> Iterable[Any]:
        with engine.connect() as connection:
            return connection.execute(statement).all()

    return run


def gather(asks: Sequence[Callable[[], T]]) -> list[T]:
    """Call all of them at once, in threads, and return their results in the same order.

    Waits for the slowest. If some of them raise, so does this, with the error of the first of them
    in that order: nothing is silently left out.
    """
    if len(asks) < 2:
        return [ask() for ask in asks]
    with ThreadPoolExecutor(len(asks)) as pool:
        return [future.result() for future in [pool.submit(ask) for ask in asks]]


def merge(streams: Sequence[Iterable[Row]], keyset: Keyset, *, backward: bool) -> Iterator[Row]:
    """One sorted stream of many: of rows whose last columns are the keyset's.

    Each stream is sorted already, `backward` in reverse, and so is what comes out. To iterate
    raises TypeError for a NULL that has to be compared.
    """
    return heapq.merge(*streams, key=partial(keyset.rank, backward=backward))


def fetch(
    sources: Sequence[Source],
    statement: Select[Any],
    keyset: Keyset,
    cursors: Cursors,
    wanted: PageRequest,
    scatter: Scatter = gather,
) -> RowPage:
    """One part of the rows that the sources find, in the keyset's order.

    `sources`, at least one, run a select each, on one database: `statement`, whose own order and
    limit are replaced. `scatter` is given one call for each source and returns what they returned:
    it decides how long to wait, and whether fewer answers will do.

    Raises BadCursor for a cursor of another list, ValueError if the keyset's order cannot be merged
    from several sources, TypeError for a NULL that has to be compared, and what `cursors.encode`,
    the sources and `scatter` raise.

    >>> keyset, cursors = Keyset((asc(teas.c.name),)), Cursors({1: bytes(32)}, "teas")
    >>> page = fetch([source(engine)], select(teas.c.name), keyset, cursors, PageRequest(2))
    >>> page.rows, page.prev
    ([('assam',), ('keemun',)], None)
    >>> after = PageRequest(2, page.next)
    >>> fetch([source(engine)], select(teas.c.name), keyset, cursors, after).rows
    [('sencha',)]
    """
    reader = _Reader(sources, statement, keyset, scatter)
    if wanted.cursor is not None:
        position = cursors.decode(wanted.cursor, keyset)
    else:
        position = reader.after(wanted.skipped)
    return page_at(position, reader.rows(position, wanted.limit + 1), wanted.limit, keyset, cursors)


def page_at(
    position: Position, found: Sequence[Row], limit: int, keyset: Keyset, cursors: Cursors
) -> RowPage:
    """One page, of the rows that were found from a position on, each of which ends in its key.

    For selects that are run without `fetch`. `found` begins at the position, and is in reverse if
    that is backward. One row more than the limit tells that there is another page. Raises what
    `cursors.encode` raises.
    """
    rows = found[:limit][:: -1 if position.backward else 1]
    width = len(keyset.keys)
    before, after = _around(rows, position, width, more=len(found) > limit)
    return RowPage(
        [row[:-width] for row in rows],
        next=cursors.encode(after, keyset) if after else None,
        prev=cursors.encode(before, keyset) if before else None,
    )


def _around(
    rows: Sequence[Row], position: Position, width: int, *, more: bool
) -> tuple[Position | None, Position | None]:
    """The positions from which the rows before and after these are found, if there may be any."""
    came_from = position.key is not None
    has_prev, has_next = (more, came_from) if position.backward else (came_from, more)
    # Where nothing is left we are at an end of the list, and it begins or ends right here.
    before = Position(rows[0][-width:], backward=True) if rows else END
    after = Position(rows[-1][-width:], backward=False) if rows else START
    return before if has_prev else None, after if has_next else None


@dataclass(frozen=True)
class _Reader:
    """Reads the merged rows of a select; each row ends in its key."""

    sources: Sequence[Source]
    statement: Select[Any]
    keyset: Keyset
    scatter: Scatter

    def rows(self, position: Position, limit: int, *, keys_only: bool = False) -> list[Row]:
        """At most so many rows from a position on, those before it in reverse.

        Asks first for what each source is likely to have of them, and for all if one has more.
        """
        if keys_only:
            statement = self.statement.with_only_columns(*self._keys, maintain_column_froms=True)
        else:
            statement = self.statement.add_columns(*self._keys)
        rows, whole = self._merge(statement, position, limit, _share(limit, len(self.sources)))
        return rows if whole else self._merge(statement, position, limit, limit)[0]

    def after(self, skipped: int) -> Position:
        """The position behind so many rows, or behind all if there are fewer."""
        if not skipped:
            return START
        found = self.rows(START, skipped, keys_only=True)
        return Position(found[-1], backward=False) if found else START

    @property
    def _keys(self) -> list[Any]:
        # Under names of their own: they need not be among the columns asked for.
        return [key.column.label(f"key_{number}") for number, key in enumerate(self.keyset.keys)]

    def _merge(
        self, statement: Select[Any], position: Position, limit: int, share: int
    ) -> tuple[list[Row], bool]:
        """So many rows, made of each source's share, and whether no source had more of them."""
        backward = position.backward
        if len(self.sources) > 1:
            self.keyset.check_merging()
        # Written out: for a limit that it does not know PostgreSQL would plan each call again, and
        # that takes longer than to read the rows.
        limited: ColumnElement[int] = literal_column(str(share))
        cut = self.keyset.cut(statement, position.key, backward=backward).limit(limited)
        answers = self.scatter([partial(source, cut) for source in self.sources])
        streams = [[tuple(row) for row in rows] for rows in answers]
        rows = list(islice(merge(streams, self.keyset, backward=backward), limit))
        width = len(self.keyset.keys)
        # Where a source's share ends within the rows, it may have had more of them.
        ends = {stream[-1][-width:] for stream in streams if len(stream) == share < limit}
        return rows, ends.isdisjoint(row[-width:] for row in rows)


def _share(limit: int, sources: int) -> int:
    """How many of so many rows one source has at most, if they are spread by chance: mean + 4 σ."""
    mean = limit / sources
    return min(limit, ceil(mean + 4 * sqrt(mean)))
