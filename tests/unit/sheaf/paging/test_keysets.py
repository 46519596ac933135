"""Keysets: the SQL they make, and that Python sorts as PostgreSQL does."""

from datetime import datetime, timedelta
from math import inf, nan
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    Double,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    select,
)

from sheaf.paging import Keyset, asc, desc

things = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("edits", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("score", Double, nullable=False),
    Column("name", Text(collation="C"), nullable=False),
    Column("title", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("comment", Text),
)
C = things.c


@pytest.mark.parametrize(
    ("keys", "backward", "expected"),
    [
        ([asc(C.id)], False, "(id) > (1)"),
        ([asc(C.edits), asc(C.id)], False, "(edits, id) > (1, 2)"),
        ([desc(C.edits), desc(C.id)], False, "(edits, id) < (1, 2)"),
        ([desc(C.edits), desc(C.id)], True, "(edits, id) > (1, 2)"),
        ([desc(C.edits), asc(C.id)], False, "(edits) <= (1) AND ((edits) < (1) OR (id) > (2))"),
        ([desc(C.edits), asc(C.id)], True, "(edits) >= (1) AND ((edits) > (1) OR (id) < (2))"),
    ],
)
def test_the_rows_behind_a_key(keys: list[Any], backward: bool, expected: str) -> None:
    values = [1, 2][: len(keys)]
    cut = Keyset(tuple(keys)).cut(select(C.id), values, backward=backward)
    sql = str(cut.compile(compile_kwargs={"literal_binds": True})).replace("things.", "")
    assert sql.partition("WHERE ")[2].partition(" ORDER BY")[0].strip() == expected


def test_the_selects_own_order_is_replaced() -> None:
    statement = select(C.id).order_by(C.at).limit(3).offset(1)
    cut = Keyset((desc(C.edits), asc(C.id))).cut(statement, None, backward=True)
    assert str(cut).endswith("ORDER BY things.edits ASC, things.id DESC")


def test_columns_that_would_lose_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="NULL"):
        Keyset((asc(C.comment), asc(C.id)))
    with pytest.raises(TypeError, match="list"):
        Keyset((asc(C.tags), asc(C.id)))


def test_only_bytewise_text_can_be_merged() -> None:
    Keyset((asc(C.name), asc(C.id))).check_merging()
    Keyset((asc(C.title.collate("C")), asc(C.id))).check_merging()
    for column in (C.title, func.lower(C.title, type_=Text())):
        with pytest.raises(ValueError, match="collation"):
            Keyset((asc(column), asc(C.id))).check_merging()


def _sorted(values: list[Any], key: Any, *, backward: bool = False) -> list[Any]:
    keyset = Keyset((key,))
    return sorted(values, key=lambda value: keyset.rank((value,), backward=backward))


def test_nan_is_behind_all_numbers() -> None:
    ordered = [-inf, -1.0, 0.5, inf, nan]
    assert str(_sorted(ordered[::-1], asc(C.score))) == str(ordered)
    assert str(_sorted(ordered, desc(C.score))) == str(ordered[::-1])
    assert str(_sorted(ordered[::-1], desc(C.score), backward=True)) == str(ordered)


def test_ties_of_nan_are_ties() -> None:
    keyset = Keyset((desc(C.score), asc(C.id)))
    ranks = [keyset.rank((float("nan"), number), backward=False) for number in (2, 1)]
    assert ranks[1] < ranks[0]


def test_an_hour_that_clocks_show_twice() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    second = (first + timedelta(minutes=-10)).replace(fold=1)
    assert _sorted([second, first], asc(C.at)) == [first, second]
