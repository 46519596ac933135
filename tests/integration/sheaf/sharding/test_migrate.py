"""The migrations make the tables that the code describes, and can run any time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.util.exc import CommandError
from sqlalchemy import Engine, create_engine, make_url

from local.laptop import services
from sheaf.database import schema, signing_keys
from sheaf.database.tables import metadata
from sheaf.search import queries
from sheaf.search.ranking import Counts, Order
from sheaf.search.statements import Search
from sheaf.sharding import migrate
from sheaf.sharding.migrate import NonePrepared
from tests.fixtures import Servers, database, unable_to_prepare

REVISIONS = [f"{number:04}" for number in range(1, 18)]


@pytest.fixture
def engine(servers: Servers) -> Iterator[Engine]:
    """An empty database."""
    with empty(servers, "empty") as engine:
        yield engine


@pytest.fixture
def other(servers: Servers) -> Iterator[Engine]:
    """Another empty database."""
    with empty(servers, "empty_too") as engine:
        yield engine


@contextmanager
def empty(servers: Servers, name: str) -> Iterator[Engine]:
    with database(servers, name, None) as url:
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        yield engine
        engine.dispose()


def test_the_migrated_schema_is_the_described_one(engine: Engine) -> None:
    assert migrate.upgrade([engine]) == REVISIONS
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_pages_of_the_second_schema_are_found_after_the_third(engine: Engine) -> None:
    columns = "(slot, slug, state, version, fence, owner, title, body)"
    values = (
        "SELECT 0, 'p' || n, 'live', 1, 1, gen_random_uuid(), 'Title', '# 部署指南 *naïve* ' || n"
    )
    numbers = "generate_series(1, 250) AS n"
    assert schema.upgrade(engine, "0002") == ["0001", "0002"]
    with engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO pages {columns} {values} FROM {numbers}")
        connection.exec_driver_sql("UPDATE pages SET state = 'tombstone' WHERE slug = 'p7'")
    assert migrate.upgrade([engine]) == REVISIONS[2:]
    with engine.connect() as connection:
        query, counts = queries.parse("部署 naive title"), Counts()
        search = Search(Order.of(query, counts), (), 0)
        statement, _ = search.hits("", None)
        found = connection.execute(statement, {"map_epoch": 1}).all()
    assert len(found) == 249
    assert {row.plain for row in found} >= {"部署指南 naïve 1", "部署指南 naïve 250"}


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    migrate.upgrade([engine])
    with engine.connect() as connection:
        before = signing_keys.all_secrets(connection)
    assert migrate.upgrade([engine]) == []
    with engine.connect() as connection:
        assert signing_keys.all_secrets(connection) == before
    assert len(before) == 1


def test_a_schema_of_a_later_release_is_left_as_it_is(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a release that failed, when the one before it is back."""
    migrate.upgrade([engine])
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE pages ADD COLUMN added_later text DEFAULT 'kept'")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0999'")
    assert migrate.upgrade([engine]) == []
    assert "newer than the code" in caplog.text
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0999"
        connection.exec_driver_sql("SELECT added_later FROM pages")
        assert len(signing_keys.all_secrets(connection)) == 1


def test_databases_are_brought_up_to_date_beside_one_that_is_ahead(
    engine: Engine, other: Engine
) -> None:
    """As after a release that failed between two of them."""
    assert migrate.upgrade([engine, other])
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0999'")
    with other.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    schema.upgrade(other, "0004")
    assert migrate.upgrade([engine, other]) == REVISIONS[4:]


def test_databases_that_prepare_nothing_are_named_and_left_as_they_are(
    tmp_path: Path, other: Engine
) -> None:
    with unable_to_prepare(tmp_path) as urls:
        unable = [create_engine(make_url(url).set(drivername="postgresql+psycopg")) for url in urls]
        with pytest.raises(NonePrepared) as raised:
            migrate.upgrade([other, *unable])
        place = "127.0.0.1:{0.port}/{0.database}".format
        assert f"is 0 at {place(unable[0].url)}, {place(unable[1].url)}, and" in str(raised.value)
        assert str(unable[0].url.password) not in str(raised.value)
        with other.connect() as connection:
            assert MigrationContext.configure(connection).get_current_revision() is None
        # One database alone does nothing together with others.
        assert migrate.upgrade(unable[:1]) == REVISIONS
        for engine in unable:
            engine.dispose()


def test_a_revision_that_nobody_has_made_is_an_error(engine: Engine) -> None:
    migrate.upgrade([engine])
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(CommandError, match="0000"):
        migrate.upgrade([engine])


def test_on_aws_the_functions_get_a_role_of_their_own(tmp_path: Path) -> None:
    """Aurora is known by its role rds_iam; here we make one, in a PostgreSQL of its own."""
    with services.postgres(tmp_path) as server:
        engine = create_engine(make_url(server.url).set(drivername="postgresql+psycopg"))
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE ROLE rds_iam")
        migrate.upgrade([engine])
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SET ROLE {schema.APPLICATION_ROLE}")
            connection.exec_driver_sql("SELECT * FROM pages")
            with pytest.raises(Exception, match="must be owner"):
                connection.exec_driver_sql("DROP TABLE pages")
        engine.dispose()
