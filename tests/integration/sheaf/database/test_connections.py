"""How long a real database is waited for, and which connections are used again."""

from collections.abc import Iterator

import pytest
from psycopg.errors import ConnectionTimeout
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from sheaf.database import connections
from sheaf.database.transactions import take_time, transactional
from tests.fixtures import Servers
from tests.integration.sheaf.backends import PID, stopped
from tests.waiting import PATIENCE

SLEEP = text("SELECT pg_sleep(2)")


@pytest.fixture
def engine(clean: Servers) -> Iterator[Engine]:
    engine = connections.engine(clean.database_url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("setting", ["enable_sort", "jit"])
def test_what_would_slow_lists_down_is_off(engine: Engine, setting: str) -> None:
    with engine.connect() as connection:
        assert connection.execute(text(f"SHOW {setting}")).scalar_one() == "off"


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
