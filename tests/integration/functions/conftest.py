"""The site's servers, seen from beside the functions."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis
from sqlalchemy import Engine, create_engine, event, make_url, text

from sheaf.database.tables import metadata
from sheaf.pages import page_cache
from sheaf.sharding import shards
from tests.fixtures import KEPT, Servers, database, migrate_together
from tests.integration.conftest import Configure
from tests.site import Site
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


@pytest.fixture
def client(clean: Servers) -> Iterator["redis.Redis"]:
    """The site's cache."""
    with redis.Redis.from_url(clean.cache_url) as client:
        yield client


@pytest.fixture
def statements(clean: Servers) -> Iterator[list[str]]:
    """The statements that this process sends to databases."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield sent
    event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture(params=[1, 2], ids=["one database", "two databases"])
def spread(
    request: pytest.FixtureRequest, site: Site, servers: Servers, configure: Configure
) -> Iterator[Site]:
    """The site on databases of its own."""
    with ExitStack() as stack:
        names = [f"spread_{number}" for number in range(request.param)]
        urls = [stack.enter_context(database(servers, name, None)) for name in names]
        migrate_together(urls)
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        yield site
        shards.dispose()


def empty() -> None:
    """Have nothing in the databases of the site, and in the memory of this process."""
    for engine in shards.everywhere():
        with engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                if table.name not in KEPT:
                    connection.execute(table.delete())
    page_cache.near().close()


def wait_for_waiter(engine: Engine) -> None:
    """Return once somebody waits for a lock in the database."""
    here = "wait_event_type = 'Lock' AND datname = current_database()"
    waiting = text(f"SELECT count(*) FROM pg_stat_activity WHERE {here}")
    # A transaction goes on seeing whom its first look at pg_stat_activity has seen.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        wait_until(lambda: connection.execute(waiting).scalar(), "nobody waits")
