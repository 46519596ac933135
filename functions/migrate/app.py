"""Runs the migrations, makes the first signing key and, on AWS, the functions' database role.

Of the functions that reach the databases it is the one that a release calls.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from sheaf import telemetry
from sheaf.database import site_url
from sheaf.sharding import migrate, shards

logger = telemetry.logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, list[str]]:
    """Migrate; says which migrations had to run. Running it again changes nothing.

    An event may say where the site is, as `site_url`, which is noted.
    """
    migrated = migrate.upgrade(shards.everywhere())
    if "site_url" in event:
        shards.on(shards.HOME, site_url.keep, event["site_url"])
    logger.info("migrated", revisions=migrated)
    return {"migrated": migrated}
