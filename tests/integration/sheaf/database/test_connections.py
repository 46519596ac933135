"""How long a real database is waited for, and which connections are used again."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import ConnectionTimeout, QueryCanceled
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from sheaf.database import connections
from sheaf.database.transactions import take_time, transactional
from tests.fixtures import Servers
from tests.integration.sheaf.backends import PID, stopped
from tests.servers.pgbouncer import MODES, pgbouncer
from tests.waiting import PATIENCE

SLEEP = text("SELECT pg_sleep(2)")


@pytest.fixture
def engine(clean: Servers) -> Iterator[Engine]:
    engine = connections.engine(clean.database_url)
    yield engine
    engine.dispose()


@pytest.fixture(params=["direct", *MODES])
def address(
    clean: Servers, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[str, str]]:
    """The way to the database and its address that way; behind a pooler there is one session."""
    with ExitStack() as stack:
        way, url = request.param, clean.database_url
        if way in MODES:
            url = stack.enter_context(pgbouncer(tmp_path / "pooler", url, way, sessions=1))
        yield way, url


@pytest.fixture
def engines(address: tuple[str, str]) -> Iterator[list[Engine]]:
    """Two processes' engines, of which a pooler lets one in at a time if it lends sessions."""
    way, url = address
    made = [connections.engine(url) for _ in range(1 if way == "session" else 2)]
    yield made
    for engine in made:
        engine.dispose()


def test_limits_hold_without_start_up_parameters(engines: list[Engine]) -> None:
    for _ in range(2):
        for engine in engines:
            with engine.connect() as connection:
                assert settings_of(connection) == connections._SETTINGS
            with transactional(engine).begin() as connection:
                assert settings_of(connection) == connections._SETTINGS
                take_time(connection, PATIENCE)
                connection.execute(text("SELECT 1"))
                assert settings_of(connection)["statement_timeout"] == "2min"


def test_nothing_is_left_in_a_session_that_was_lent(
    address: tuple[str, str], engines: list[Engine]
) -> None:
    way, url = address
    for _ in range(10):
        for engine in engines:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
    prepared = text("SELECT count(*) FROM pg_prepared_statements")
    for engine in engines:
        with engine.connect() as connection:
            assert bool(connection.execute(prepared).scalar_one()) == (way == "direct")
        engine.dispose()
    with psycopg.connect(url, prepare_threshold=None) as other:
        assert other.execute("SHOW enable_sort").fetchone() == ("on",)


def test_postgresql_ends_what_takes_too_long(
    engines: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections.Impatient, "patience", PATIENCE)
    for engine in engines:
        with pytest.raises(OperationalError) as ended, engine.connect() as connection:
            connection.execute(text(f"SELECT pg_sleep({PATIENCE})"))
        assert isinstance(ended.value.orig, QueryCanceled)


def settings_of(connection: Connection) -> dict[str, str]:
    """What the limits are."""
    return {
        name: connection.execute(text(f"SHOW {name}")).scalar_one()
        for name in connections._SETTINGS
    }


def test_an_answer_is_not_waited_for_for_ever(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections.Impatient, "patience", 2)
    with stopped(engine) as pid:
        with pytest.raises(OperationalError) as given_up, engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        assert given_up.value.connection_invalidated
        assert isinstance(given_up.value.orig, ConnectionTimeout)
        with engine.connect() as connection:
            assert connection.execute(PID).scalar_one() != pid


def test_a_connection_that_has_gone_silent_in_its_sleep_is_replaced(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_TRUSTED_SECONDS", 0)
    monkeypatch.setattr(connections, "_PING_SECONDS", 0.2)
    with stopped(engine) as pid, engine.connect() as connection:
        assert connection.execute(PID).scalar_one() != pid


def test_a_connection_is_used_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_PING_SECONDS", PATIENCE)
    pids = set()
    for trusted in (10, 0):
        monkeypatch.setattr(connections, "_TRUSTED_SECONDS", trusted)
        for _ in range(2):
            with engine.connect() as connection:
                pids.add(connection.execute(PID).scalar_one())
    assert len(pids) == 1


def test_a_transaction_may_be_given_more_time(
    clean: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections.Impatient, "patience", 1)
    engine = connections.engine(clean.database_url)
    with transactional(engine).begin() as connection:
        take_time(connection, PATIENCE)
        connection.execute(SLEEP)
    with pytest.raises(OperationalError), engine.connect() as connection:
        connection.execute(SLEEP)
    engine.dispose()
