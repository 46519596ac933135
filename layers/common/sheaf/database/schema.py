"""The schema: its migrations (Alembic), and the role that the application logs in with."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from sheaf import telemetry
from sheaf.database.transactions import take_time, transactional

# The role the functions log in as, by IAM: it reads and writes rows and owns nothing.
APPLICATION_ROLE = "sheaf"
# Any number will do, as long as every migrating process takes the same.
_ADVISORY_LOCK = 0x5EAF
_STATEMENT_SECONDS = 600


def upgrade(engine: Engine, schema: str = "head") -> list[str]:
    """Bring one database to a schema, the newest if not said; returns the migrations that ran.

    A database that is ahead of this code stays so: a release that failed left it like that when the
    one before it came back, whose code has no use for what was added and is not hindered by it.
    """
    with transactional(engine).begin() as connection:
        take_time(connection, _STATEMENT_SECONDS)
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        config = _config(connection)
        before = MigrationContext.configure(connection).get_current_revision()
        if before and before > _newest(config):
            telemetry.logger().warning("the schema is newer than the code", revision=before)
            return []
        command.upgrade(config, schema)
        if _on_aws(connection):
            _grant_to_application(connection)
        return _between(config, before, schema)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config


def _newest(config: Config) -> str:
    """The newest migration that this code has. Their ids are numbers of four digits and rise."""
    return ScriptDirectory.from_config(config).get_current_head() or ""


def _between(config: Config, before: str | None, after: str) -> list[str]:
    script = ScriptDirectory.from_config(config)
    ran = script.iterate_revisions(after, before or "base")
    return [step.revision for step in ran][::-1]


def _on_aws(connection: Connection) -> bool:
    found = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = 'rds_iam'"))
    return found.scalar() is not None


def _grant_to_application(connection: Connection) -> None:
    role = APPLICATION_ROLE
    exists = connection.execute(
        text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}
    ).scalar()
    if not exists:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
    for grant in (
        f"GRANT rds_iam TO {role}",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    ):
        connection.execute(text(grant))
