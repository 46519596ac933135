"""The listing function's door: routes to the API and to the views for people."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from listing import api, views
from sheaf import telemetry
from sheaf.http import documents
from sheaf.http.resolver import Api

logger = telemetry.logger()
resolver = Api(show=documents.problem)
resolver.include_router(api.router)
resolver.include_router(views.router)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The answer to one request."""
    return resolver.resolve(event, context)
