"""The site's database, seen from beside the functions, and other settings for these."""

import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from sheaf import page_cache, settings
from sheaf.locks import engines
from sheaf.storage import shards
from tests.conftest import Servers

Configure = Callable[..., None]


@pytest.fixture
def configure(clean: Servers) -> Iterator[Configure]:
    """Gives the functions of this process other settings for a test: configure(NAME=value, …)."""
    with pytest.MonkeyPatch.context() as patch:

        def change(**variables: str) -> None:
            for name, value in variables.items():
                patch.setenv(name, value)
            _forget_settings()

        yield change
    _forget_settings()


def _forget_settings() -> None:
    page_cache.near().close()
    for cached in (settings.current, engines.current, page_cache.near, shards._following):
        cached.cache_clear()
    shards.forget_map()


@pytest.fixture
def engine(clean: Servers) -> Iterator[Engine]:
    """The database of the site, beside the one connection that the functions share."""
    url = make_url(clean.database_url).set(drivername="postgresql+psycopg")
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        execution_options={"map_epoch": shards.current_map().epoch},
    )
    yield engine
    engine.dispose()


def wait_for_waiter(engine: Engine) -> None:
    """Return once somebody waits for a lock in the database."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with engine.connect() as connection:
        for _ in range(1000):
            if connection.execute(waiting).scalar():
                return
            time.sleep(0.005)
    raise AssertionError("nobody waits")
