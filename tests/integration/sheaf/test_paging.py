"""Paging on real PostgreSQL: every order, size and number of shards, both ways, under changes.

A temporary table belongs to its connection, so several connections stand for several shards.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf, nan
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    REAL,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    Uuid,
    collate,
    create_engine,
    insert,
    literal,
    select,
    text,
)

from sheaf import paging
from sheaf.paging import (
    BadCursor,
    Cursors,
    Keyset,
    PageRequest,
    Position,
    RowPage,
    Source,
    asc,
    desc,
)
from tests.fixtures import Servers

START = datetime(2026, 1, 1, tzinfo=UTC)
things = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("edits", Integer, nullable=False),
    Column("score", REAL, nullable=False),
    Column("name", Text(collation="C"), nullable=False),
    Column("tag", Uuid, nullable=False),
    prefixes=["TEMPORARY"],
)
C = things.c
ALL = select(C.id)
ORDERS = [
    Keyset((asc(C.id),)),
    Keyset((asc(C.at), asc(C.id))),
    Keyset((desc(C.at), desc(C.id))),
    Keyset((desc(C.edits), asc(C.name), asc(C.id))),
    Keyset((asc(C.name), desc(C.score), desc(C.id))),
    Keyset((asc(-C.edits), asc(C.name), asc(C.id))),
    Keyset((desc(C.score), asc(C.tag), desc(C.at), desc(C.edits), asc(C.id))),
]
CURSORS = Cursors({1: b"a secret"}, "things")
STEPS = 8

Row = dict[str, Any]


@dataclass(frozen=True)
class Thing:
    """A row, and between which pages it is added and removed (at 0: before the first)."""

    row: Row
    born: int
    dies: int

    @property
    def stays(self) -> bool:
        return self.born == 0 and self.dies <= self.born


# Few values, so that there are ties. The texts sort otherwise in UTF-16 and in most languages.
ROWS = st.fixed_dictionaries(
    {
        "id": st.integers(0, 1000),
        "at": st.integers(0, 3).map(lambda number: START + timedelta(microseconds=number)),
        "edits": st.integers(-1, 1),
        "score": st.sampled_from([0.1, -1.5, nan, inf]),
        "name": st.sampled_from(["", "a", "B", "é", "\uffff", "\U0001f343"]),
        "tag": st.uuids(),
    }
)
NEVER = st.just(0)
THINGS = st.lists(
    st.builds(Thing, ROWS, NEVER | st.integers(1, STEPS), NEVER | st.integers(1, STEPS)),
    unique_by=lambda thing: thing.row["id"],
    max_size=25,
)
with_real_tables = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=150,
)


class Shards:
    """Five tables to spread rows over, and one that has them all."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        *self.connections, self.whole = connections
        self.count = len(self.connections)
        self.home: Callable[[int], int] = int
        self.found: list[int] = []  # how many rows, by each ask since they were filled

    def fill(self, rows: list[Row], count: int, home: Callable[[int], int] = int) -> None:
        """Spread rows over `count` tables: by their ids in turn, or as `home` says of an id."""
        self.count, self.home, self.found = count, home, []
        for connection in (*self.connections, self.whole):
            connection.execute(things.delete())
        self.add(rows)

    def add(self, rows: list[Row]) -> None:
        for number, connection in enumerate(self.connections):
            own = [row for row in rows if self.home(row["id"]) % self.count == number]
            if own:
                connection.execute(insert(things), own)
        if rows:
            self.whole.execute(insert(things), rows)

    def remove(self, rows: list[Row]) -> None:
        ids = [row["id"] for row in rows]
        if ids:
            for connection in (*self.connections, self.whole):
                connection.execute(things.delete().where(C.id.in_(ids)))

    def page(self, keyset: Keyset, wanted: PageRequest, statement: Select[Any] = ALL) -> RowPage:
        sources = [partial(self._ask, one) for one in self.connections[: self.count]]
        return paging.fetch(sources, statement, keyset, CURSORS, wanted)

    def _ask(self, connection: Connection, statement: Select[Any]) -> list[Any]:
        rows = list(connection.execute(statement))
        self.found.append(len(rows))
        return rows

    def unpaged(self, keyset: Keyset) -> list[int]:
        order = [key.column.desc() if key.descending else key.column.asc() for key in keyset.keys]
        return list(self.whole.scalars(select(C.id).order_by(*order)))


@pytest.fixture(scope="module")
def shards(servers: Servers) -> Iterator[Shards]:
    engine = create_engine(servers.database_url, pool_size=6, isolation_level="AUTOCOMMIT")
    connections = [engine.connect() for _ in range(6)]
    for connection in connections:
        things.create(connection)
    yield Shards(connections)
    for connection in connections:
        connection.close()
    engine.dispose()


def walk(ask: Callable[[str | None], RowPage], start: RowPage, way: str) -> list[RowPage]:
    """From one page to the end of the list, by the cursors of this name."""
    found = [start]
    while cursor := getattr(found[-1], way):
        found.append(ask(cursor))
        assert len(found) < 200, "the list has no end"
    return found


def ids(parts: Sequence[RowPage]) -> list[int]:
    return [row[0] for wanted in parts for row in wanted.rows]


in_every_way = given(
    rows=THINGS,
    size=st.integers(1, 11),
    keyset=st.sampled_from(ORDERS),
    count=st.integers(1, 5),
)


@with_real_tables
@in_every_way
def test_the_pages_together_are_the_list_forwards_and_backwards(
    shards: Shards, rows: list[Thing], size: int, keyset: Keyset, count: int
) -> None:
    shards.fill([thing.row for thing in rows], count)

    def page(cursor: str | None) -> RowPage:
        return shards.page(keyset, PageRequest(size, cursor))

    there = walk(page, page(None), "next")
    assert ids(there) == shards.unpaged(keyset)
    assert all(len(wanted.rows) == size for wanted in there[:-1])
    assert there[0].prev is None
    back = walk(page, there[-1], "prev")
    assert [wanted.rows for wanted in reversed(back)] == [wanted.rows for wanted in there]
    assert all(wanted.next for wanted in back[1:])


@with_real_tables
@in_every_way
def test_what_is_there_throughout_is_shown_once_whatever_comes_and_goes(
    shards: Shards, rows: list[Thing], size: int, keyset: Keyset, count: int
) -> None:
    shards.fill([thing.row for thing in rows if thing.born == 0], count)
    steps = iter(range(1, STEPS + 1))

    def page(cursor: str | None) -> RowPage:
        found = shards.page(keyset, PageRequest(size, cursor))
        step = next(steps, None)
        shards.add([thing.row for thing in rows if thing.born == step])
        shards.remove([thing.row for thing in rows if thing.dies == step > thing.born])
        return found

    there = walk(page, page(None), "next")
    back = walk(page, there[-1], "prev")
    staying = {thing.row["id"] for thing in rows if thing.stays}
    expected = [number for number in shards.unpaged(keyset) if number in staying]
    assert [number for number in ids(there) if number in staying] == expected
    assert [number for number in ids(back[::-1]) if number in staying] == expected
    for seen in (ids(there), ids(back)):
        assert len(seen) == len(set(seen))


@with_real_tables
@in_every_way
def test_pages_by_number_are_the_same_pages_and_lead_on(
    shards: Shards, rows: list[Thing], size: int, keyset: Keyset, count: int
) -> None:
    shards.fill([thing.row for thing in rows], count)

    def page(cursor: str | None) -> RowPage:
        return shards.page(keyset, PageRequest(size, cursor))

    there = walk(page, page(None), "next")
    for number, wanted in enumerate(there, start=1):
        assert shards.page(keyset, PageRequest(size, page=number)) == wanted
    beyond = shards.page(keyset, PageRequest(size, page=len(there) + 1))
    assert (beyond.rows, beyond.next) == ([], None)
    if beyond.prev:
        assert ids([page(beyond.prev)]) == ids(there)[-size:]


# Runs of rows that follow each other in the list: the number of their table, and how many they are.
RUNS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 30)), max_size=6)


@with_real_tables
@given(runs=RUNS, size=st.integers(5, 40), count=st.integers(1, 5))
def test_whichever_table_has_the_rows_the_pages_are_the_sorted_list(
    shards: Shards, runs: list[tuple[int, int]], size: int, count: int
) -> None:
    homes = [number for number, length in runs for _ in range(length)]
    rows = [{**_row(number), "edits": -number // 7} for number in range(len(homes))]
    shards.fill(rows, count, homes.__getitem__)
    keyset = Keyset((desc(C.edits), asc(C.id)))
    expected = [row["id"] for row in sorted(rows, key=lambda row: (-row["edits"], row["id"]))]

    def page(cursor: str | None) -> RowPage:
        return shards.page(keyset, PageRequest(size, cursor))

    there = walk(page, page(None), "next")
    assert ids(there) == expected
    assert all(len(wanted.rows) == size for wanted in there[:-1])
    back = walk(page, there[-1], "prev")
    assert [wanted.rows for wanted in reversed(back)] == [wanted.rows for wanted in there]


@pytest.mark.parametrize("backward", [False, True])
def test_a_table_with_more_than_its_share_of_a_page_is_asked_again(
    shards: Shards, backward: bool
) -> None:
    rows = [_row(number) for number in range(60)]
    shards.fill(rows, 5, lambda number: 0 if 20 <= number < 40 else number)
    end = CURSORS.encode(Position(None, backward), ORDERS[0])
    assert (
        ids([shards.page(ORDERS[0], PageRequest(50, end))]) == list(range(60))[10 * backward :][:50]
    )


def test_tables_that_share_a_page_evenly_are_asked_once_and_for_little(shards: Shards) -> None:
    shards.fill([_row(number) for number in range(500)], 5)
    assert ids([shards.page(ORDERS[0], PageRequest(99))]) == list(range(99))
    # A fifth of a hundred, and four times its square root more.
    assert shards.found == [38] * 5


def test_a_table_whose_share_ends_behind_the_page_is_asked_once(shards: Shards) -> None:
    # Of the 28 rows that it is asked for, all but the last are among the first 51.
    mine = {*range(27), *range(52, 60)}
    rows = [_row(number) for number in range(60)]
    shards.fill(rows, 4, lambda number: 0 if number in mine else number % 3 + 1)
    assert ids([shards.page(ORDERS[0], PageRequest(50))]) == list(range(50))
    assert len(shards.found) == 4


def test_one_table_is_asked_once_for_all(shards: Shards) -> None:
    shards.fill([_row(number) for number in range(60)], 1)
    shards.page(ORDERS[0], PageRequest(50))
    assert shards.found == [51]


def test_a_page_by_its_number_counts_the_rows_that_another_table_lets_through(
    shards: Shards,
) -> None:
    shards.fill([_row(number) for number in range(20)], 2)
    even = select(literal(1).label("one")).where(C.edits % 2 == 0).correlate(things).lateral()
    second = shards.page(ORDERS[0], PageRequest(3, page=2), select(C.id, even.c.one))
    assert ids([second]) == [6, 8, 10]


@pytest.mark.parametrize("count", [2, 5])
def test_texts_that_a_language_orders_are_not_merged(shards: Shards, count: int) -> None:
    shards.fill([_row(number) for number in range(6)], count)
    keyset = Keyset((asc(collate(C.name, "default")), asc(C.id)))
    with pytest.raises(ValueError, match="collation"):
        shards.page(keyset, PageRequest(2))


def test_texts_that_a_language_orders_are_paged_in_one_table(shards: Shards) -> None:
    shards.fill([{**_row(number), "name": "bac"[number]} for number in range(3)], 1)
    keyset = Keyset((asc(collate(C.name, "default")), asc(C.id)))
    assert ids([shards.page(keyset, PageRequest(2))]) == [1, 0]


def test_from_a_place_that_became_the_end_a_cursor_leads_back(shards: Shards) -> None:
    keyset = ORDERS[0]
    rows = [_row(number) for number in range(6)]
    shards.fill(rows, 2)
    second = shards.page(keyset, PageRequest(2, shards.page(keyset, PageRequest(2)).next))
    shards.remove(rows[4:])
    nothing = shards.page(keyset, PageRequest(2, second.next))
    assert (nothing.rows, nothing.next) == ([], None)
    assert ids([shards.page(keyset, PageRequest(2, nothing.prev))]) == [2, 3]
    shards.remove(rows[:2])
    nothing = shards.page(keyset, PageRequest(2, second.prev))
    assert (nothing.rows, nothing.prev) == ([], None)
    assert ids([shards.page(keyset, PageRequest(2, nothing.next))]) == [2, 3]


def _row(number: int) -> Row:
    at = START + timedelta(seconds=number)
    return {
        "id": number,
        "at": at,
        "edits": number % 100,
        "score": 0.5,
        "name": "",
        "tag": UUID(int=0),
    }


def test_a_cursor_of_another_list_is_refused(shards: Shards) -> None:
    shards.fill([_row(number) for number in range(6)], 2)
    first = shards.page(ORDERS[1], PageRequest(2))
    with pytest.raises(BadCursor):
        shards.page(ORDERS[2], PageRequest(2, first.next))


def test_a_shard_that_does_not_answer_fails_the_page(shards: Shards) -> None:
    def broken(_statement: Select[Any]) -> list[Row]:
        raise TimeoutError

    sources: list[Source] = [shards.connections[0].execute, broken]
    with pytest.raises(TimeoutError):
        paging.fetch(sources, select(C.id), ORDERS[0], CURSORS, PageRequest(2))


def test_the_caller_may_do_with_fewer_answers(shards: Shards) -> None:
    shards.fill([_row(number) for number in range(6)], 2)
    sources = [connection.execute for connection in shards.connections[:2]]
    found = paging.fetch(
        sources, select(C.id), ORDERS[0], CURSORS, PageRequest(2), scatter=lambda asks: [asks[1]()]
    )
    assert ids([found]) == [1, 3]


@pytest.mark.parametrize("keyset", [ORDERS[2], Keyset((desc(C.edits), asc(C.id)))])
@pytest.mark.parametrize("backward", [False, True])
def test_a_page_far_down_is_one_step_down_an_index(
    shards: Shards, keyset: Keyset, backward: bool
) -> None:
    shards.fill([_row(number) for number in range(5000)], 1)
    connection = shards.connections[0]
    for columns in ("at DESC, id DESC", "edits DESC, id"):
        connection.execute(text(f"CREATE INDEX ON things ({columns})"))
    connection.execute(text("ANALYZE things"))
    key = [connection.scalars(select(key.column).where(C.id == 2550)).one() for key in keyset.keys]
    plan = _plan(connection, keyset.cut(select(C.id), key, backward=backward).limit(51))
    scan = plan["Plans"][0]
    assert (plan["Node Type"], scan["Node Type"][:5]) == ("Limit", "Index")
    assert "Index Cond" in scan
    # The rows that tie with the key in its first column, at most, are read and thrown away.
    assert scan.get("Rows Removed by Filter", 0) <= 50


def _plan(connection: Connection, statement: Select[Any]) -> dict[str, Any]:
    compiled = statement.compile(connection)
    found = connection.exec_driver_sql(
        f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}", dict(compiled.params)
    )
    plan: dict[str, Any] = found.scalar_one()[0]["Plan"]
    return plan
