"""Invalidations: upkeep says what has changed, and Lambda hands that on to here."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from sheaf import settings, telemetry
from sheaf.aws import services

# CloudFront takes some seconds for one. If there is still no place after these, Lambda tries again
# in a minute, and then in two.
_PAUSES = (2, 4, 8, 16)

logger = telemetry.logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Purge what upkeep has answered; the event is the record of that answer."""
    paths = event["responsePayload"]["purge"]
    if paths:
        _invalidate(paths, event["requestContext"]["requestId"])
        logger.info("purged", paths=paths)


def _invalidate(paths: list[str], reference: str) -> None:
    """Have these paths forgotten; the same reference a second time changes nothing."""
    cloudfront = services.client("cloudfront")
    batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": reference}
    services.patiently(
        lambda: cloudfront.create_invalidation(
            DistributionId=settings.distribution(), InvalidationBatch=batch
        ),
        cloudfront.exceptions.TooManyInvalidationsInProgress,
        _PAUSES,
    )
