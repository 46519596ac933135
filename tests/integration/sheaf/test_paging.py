"""Paging on real PostgreSQL: both directions, all sizes, ties, changes between pages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, DateTime, Integer, MetaData, Table, insert, select

from sheaf import paging
from sheaf.paging import BadCursor, Cursors, Keyset
from sheaf.storage import shards
from tests.conftest import Servers

START = datetime(2026, 1, 1, tzinfo=UTC)
things = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    prefixes=["TEMPORARY"],
)
CURSORS = Cursors({1: b"old", 2: b"new"}, "things")


@pytest.fixture
def connection(environment: Servers) -> Iterator[Connection]:
    with shards.transactional(shards.home()).connect() as connection:
        things.create(connection)
        yield connection
        connection.rollback()


def _fill(connection: Connection, ages: list[int]) -> list[tuple[int]]:
    connection.execute(things.delete())
    rows = [{"id": n, "at": START + timedelta(days=age)} for n, age in enumerate(ages)]
    if rows:
        connection.execute(insert(things), rows)
    return [(n,) for n, _ in sorted(enumerate(ages), key=lambda pair: (pair[1], pair[0]))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    ages=st.lists(st.integers(0, 5), max_size=25),
    size=st.integers(1, 11),
    descending=st.booleans(),
)
def test_the_pages_together_are_the_list_forwards_and_backwards(
    connection: Connection, ages: list[int], size: int, descending: bool
) -> None:
    expected = _fill(connection, ages)[:: -1 if descending else 1]
    keyset = Keyset((things.c.at, things.c.id), descending)

    def page(cursor: str | None) -> paging.Slice:
        return paging.fetch(connection, select(things.c.id), keyset, CURSORS, size, cursor)

    found = [page(None)]
    while found[-1].next:
        found.append(page(found[-1].next))
    assert [row for part in found for row in part.rows] == expected
    assert all(len(part.rows) == size for part in found[:-1])
    assert found[0].prev is None

    back = [found[-1]]
    while back[-1].prev:
        back.append(page(back[-1].prev))
    assert [row for part in reversed(back) for row in part.rows] == expected
    assert all(part.next for part in back[1:])


def test_a_row_added_or_removed_elsewhere_moves_no_page(connection: Connection) -> None:
    _fill(connection, list(range(10)))
    keyset = Keyset((things.c.at, things.c.id), descending=False)

    def page(cursor: str | None) -> paging.Slice:
        return paging.fetch(connection, select(things.c.id), keyset, CURSORS, 3, cursor)

    first = page(None)
    connection.execute(things.delete().where(things.c.id.in_([0, 2])))
    connection.execute(insert(things), [{"id": 99, "at": START - timedelta(days=1)}])
    assert [row[0] for row in page(first.next).rows] == [3, 4, 5]


@pytest.mark.parametrize(
    "tamper", [lambda c: c[:-2], lambda c: "A" + c[1:], lambda c: "ä", str.upper]
)
def test_a_cursor_that_was_changed_is_refused(connection: Connection, tamper) -> None:  # type: ignore[no-untyped-def]
    _fill(connection, list(range(5)))
    keyset = Keyset((things.c.id,), descending=False)
    cursor = paging.fetch(connection, select(things.c.id), keyset, CURSORS, 2).next
    assert cursor
    with pytest.raises(BadCursor):
        paging.fetch(connection, select(things.c.id), keyset, CURSORS, 2, tamper(cursor))


@given(st.text(max_size=80))
def test_no_text_is_a_cursor_by_chance(text: str) -> None:
    with pytest.raises(BadCursor):
        CURSORS.decode(text, [int])


def test_a_cursor_of_another_list_or_unknown_key_is_refused() -> None:
    cursor = CURSORS.encode(paging.Position((3,), False))
    assert CURSORS.decode(cursor, [int]).key == (3,)
    with pytest.raises(BadCursor):
        Cursors(CURSORS.secrets, "other things").decode(cursor, [int])
    with pytest.raises(BadCursor):
        Cursors({1: b"old"}, "things").decode(cursor, [int])


def test_an_older_key_still_verifies() -> None:
    cursor = Cursors({1: b"old"}, "things").encode(paging.Position((3,), True))
    assert CURSORS.decode(cursor, [int]) == paging.Position((3,), True)
