"""The migration, which is another function's: only that one reaches the databases as owner."""

from sheaf import telemetry
from sheaf.aws import services

# It has ten minutes. Who waits longer does not take a slow migration for a lost one.
_SECONDS = 650


class MigrationFailed(Exception):
    """The databases are as they were; the message says what the migration met."""


def run(function: str) -> None:
    """Have the function of this name migrate, and wait for it; raises MigrationFailed."""
    try:
        answer = services.invoke(function, {}, _SECONDS)
    except services.FunctionFailed as failure:
        raise MigrationFailed(str(failure)) from failure
    telemetry.logger().info("migrated", migrations=answer["migrated"])
