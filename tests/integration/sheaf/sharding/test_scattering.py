"""Three real databases that are asked at once, and what becomes of their connections."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg.errors import DivisionByZero
from sqlalchemy import Select, literal_column, select

from sheaf.database import connections
from sheaf.database.outages import Unavailable
from sheaf.sharding import scattering, shards
from sheaf.sharding.scattering import Scatter
from tests.fixtures import Servers, database, migrate_together
from tests.integration.conftest import Configure
from tests.integration.sheaf.backends import stopped
from tests.waiting import PATIENCE

NAMES = ("one", "two", "three")
PID = "pg_backend_pid()"
NAME = "substring(current_database() FROM '[^_]+$')"


@pytest.fixture(scope="module")
def databases(servers: Servers) -> Iterator[list[str]]:
    """The addresses of the three, migrated."""
    with ExitStack() as stack:
        urls = [stack.enter_context(database(servers, name, None)) for name in NAMES]
        migrate_together(urls)
        yield urls


@pytest.fixture(autouse=True)
def _configured(databases: list[str], configure: Configure) -> Iterator[None]:
    configure(SHEAF_DATABASE_URLS=",".join(databases))
    yield
    shards.dispose()


def ask(what: str, scatter: Scatter | None = None) -> list[Any]:
    """What each database says to `SELECT …`."""
    statement: Select[Any] = select(literal_column(what))
    asks = [partial(source, statement) for source in scattering.sources()]
    return [value for rows in (scatter or Scatter())(asks) for (value,) in rows]


def where(name: str, then: str, otherwise: str) -> str:
    return f"CASE {NAME} WHEN '{name}' THEN {then} ELSE {otherwise} END"


@pytest.mark.parametrize("at_hand", [False, True])
def test_all_are_at_work_at_the_same_time(at_hand: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scattering, "_SECONDS", PATIENCE)
    if at_hand:
        ask("1")
    assert [connections.is_at_hand(shard) for shard in shards.everywhere()] == [at_hand] * 3
    busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%busy%'"
    # The first to wake finds the others asleep.
    assert max(ask(f"CASE WHEN pg_sleep(2) IS NOT NULL THEN ({busy}) END AS busy")) == 3


def test_answers_come_in_the_order_of_the_shards() -> None:
    assert ask(NAME) == list(NAMES)


def test_an_error_of_one_costs_the_others_no_connection() -> None:
    before = ask(PID)
    with pytest.raises(DivisionByZero):
        ask(f"1 / {where('one', '0', '1')}")
    assert ask(PID) == before


def test_a_connection_is_tested_when_it_was_long_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ask(PID)
    monkeypatch.setattr(connections, "_TRUSTED_SECONDS", 0)
    monkeypatch.setattr(connections, "_PING_SECONDS", PATIENCE)
    assert not any(connections.is_at_hand(shard) for shard in shards.everywhere())
    assert ask(PID) == before


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scattering, "_SECONDS", 1.5)


@pytest.mark.usefixtures("hasty")
def test_a_late_answer_is_nobody_elses() -> None:
    before = ask(PID)
    late = where("two", "pg_sleep(4)::text", "'in time'")
    scatter = Scatter(partial=True)
    assert ask(late, scatter) == ["in time", "in time"]
    assert scatter.missing == 1
    with pytest.raises(Unavailable):
        ask(late)
    assert ask(NAME) == list(NAMES)
    one, two, three = ask(PID)
    assert (one, three) == (before[0], before[2])
    assert two != before[1]


@pytest.mark.usefixtures("hasty")
def test_one_that_stands_still_is_missed_and_comes_back() -> None:
    ask("1")
    with stopped(shards.at(1)):
        scatter = Scatter(partial=True)
        assert ask(NAME, scatter) == ["one", "three"]
        assert scatter.missing == 1
    assert ask(NAME) == list(NAMES)


def test_one_that_has_ended_the_connection_is_asked_over_a_new_one(clean: Servers) -> None:
    pids = ask(PID)
    with psycopg.connect(clean.database_url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pids[1]])
    after = ask(PID)
    assert (after[0], after[2]) == (pids[0], pids[2])
    assert after[1] != pids[1]
