"""Migrations: the schema's history (Alembic), the first signing key, the application's role."""

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, select, text

from sheaf import telemetry
from sheaf.database import connections, signing_keys
from sheaf.database.tables import pages
from sheaf.sharding import shards, slot_maps
from sheaf.sharding.slot_maps import SlotMap

# The role the functions log in as, by IAM: it reads and writes rows and owns nothing.
APPLICATION_ROLE = "sheaf"
# Any number will do, as long as every migrating process takes the same.
_ADVISORY_LOCK = 0x5EAF
_STATEMENT_SECONDS = 600


def upgrade(engines: Sequence[Engine]) -> list[str]:
    """Bring all databases, the home shard first, to the newest schema.

    Returns the ids of the migrations that ran. The first time the slots are spread over all
    databases; those added later own none until `sheaf reshard` gives them some.
    """
    ran = [revision for engine in engines for revision in upgrade_schema(engine)]
    with engines[0].begin() as home:
        if not signing_keys.all_secrets(home):
            signing_keys.add_secret(home)
        first_map = None if slot_maps.newest(home) else _first_map(home, len(engines))
    if first_map:
        _spread(first_map, engines)
    return list(dict.fromkeys(ran))


def upgrade_schema(engine: Engine, schema: str = "head") -> list[str]:
    """Bring one database to a schema, the newest if not said; returns the migrations that ran.

    A database that is ahead of this code stays so: a release that failed left it like that when the
    one before it came back, whose code has no use for what was added and is not hindered by it.
    """
    with shards.transactional(engine).begin() as connection:
        connections.take_time(connection, _STATEMENT_SECONDS)
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


def _first_map(home: Connection, count: int) -> SlotMap:
    """The map of a new site: even, unless there are pages already, which are all at home."""
    has_pages = home.execute(select(pages.c.id).limit(1)).one_or_none() is not None
    return SlotMap.even(1 if has_pages else count)


def _spread(slot_map: SlotMap, engines: Sequence[Engine]) -> None:
    """Tell the databases which slots they own, and everybody, last, where the slots are."""
    for number in set(slot_map.owners):
        with engines[number].begin() as connection:
            slot_maps.own(connection, slot_map, number)
    with engines[0].begin() as home:
        slot_maps.publish(home, slot_map)


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
