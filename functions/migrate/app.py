"""Runs the migrations, makes the first signing key and, on AWS, the functions' database role."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from sheaf import telemetry
from sheaf.sharding import migrate, shards

logger = telemetry.logger()


@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, list[str]]:
    """Migrate; says which migrations had to run. Running it again changes nothing."""
    migrated = migrate.upgrade(shards.everywhere())
    logger.info("migrated", revisions=migrated)
    return {"migrated": migrated}
