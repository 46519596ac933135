"""The migrations make the tables that the code describes, and can run any time."""

from collections.abc import Iterator

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, make_url

from sheaf.storage import keys, migrate
from sheaf.storage.tables import metadata
from tests.conftest import Servers


@pytest.fixture
def engine(servers: Servers) -> Iterator[Engine]:
    """An empty database."""
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
    url = make_url(servers.database_url).set(drivername="postgresql+psycopg", database="empty")
    engine = create_engine(url)
    yield engine
    engine.dispose()
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE empty")


def test_the_migrated_schema_is_the_described_one(engine: Engine) -> None:
    assert migrate.upgrade([engine]) == ["0001", "0002", "0004", "0005"]
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    migrate.upgrade([engine])
    with engine.connect() as connection:
        before = keys.all_secrets(connection)
    assert migrate.upgrade([engine]) == []
    with engine.connect() as connection:
        assert keys.all_secrets(connection) == before
    assert len(before) == 1


def test_on_aws_the_functions_get_a_role_of_their_own(engine: Engine, servers: Servers) -> None:
    """Aurora is known by its role rds_iam; here we make one."""
    with psycopg.connect(servers.database_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE rds_iam")
        try:
            migrate.upgrade([engine])
            with engine.connect() as connection:
                connection.exec_driver_sql(f"SET ROLE {migrate.APPLICATION_ROLE}")
                connection.exec_driver_sql("SELECT * FROM pages")
                with pytest.raises(Exception, match="must be owner"):
                    connection.exec_driver_sql("DROP TABLE pages")
        finally:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"DROP OWNED BY {migrate.APPLICATION_ROLE}")
            admin.execute(f"DROP ROLE {migrate.APPLICATION_ROLE}")
            admin.execute("DROP ROLE rds_iam")
