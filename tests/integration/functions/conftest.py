"""The site's database, seen from beside the functions."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from sheaf.sharding import shards
from tests.fixtures import Servers
from tests.waiting import wait_until


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
    here = "wait_event_type = 'Lock' AND datname = current_database()"
    waiting = text(f"SELECT count(*) FROM pg_stat_activity WHERE {here}")
    with engine.connect() as connection:
        wait_until(lambda: connection.execute(waiting).scalar(), "nobody waits")
