"""The listing function's door: routes to the API and to the views for people."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from listing import api, views
from sheaf import telemetry
from sheaf.http import documents, responses
from sheaf.http.problems import Problem
from sheaf.http.resolver import Api
from sheaf.http.responses import Response


def _show(problem: Problem, path: str) -> Response:
    if path.startswith("/api/"):
        return responses.problem(problem)
    body = documents.error(problem.status, problem.detail)
    return responses.html(body, problem.status, problem.headers)


logger = telemetry.logger()
resolver = Api(show=_show)
resolver.include_router(api.router)
resolver.include_router(views.router)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The answer to one request."""
    return resolver.resolve(event, context)
