"""The resolver of the functions that Powertools routes: problems instead of exceptions.

Every error leaves as a problem; only the log sees the text of an unexpected one.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler import Response as PowertoolsResponse
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from sheaf import settings, telemetry
from sheaf.http import origin, problems, responses
from sheaf.http.problems import Problem
from sheaf.http.requests import Request
from sheaf.http.responses import Response

MAX_BODY_BYTES = 1024 * 1024


class Api(APIGatewayHttpResolver):
    """A resolver that validates what it routes.

    `show` answers a problem at a path. `allowed` tells the methods of a path, for requests by one
    that has no route, "" if there is no such address. `guard` sees each event first: it raises the
    Problem of one that may not pass, and what it returns is `admitted` for the time of the request.
    """

    def __init__(
        self,
        show: Callable[[Problem, str], Response] = lambda problem, _path: responses.problem(
            problem
        ),
        guard: Callable[[Mapping[str, Any]], object] = lambda _event: None,
        allowed: Callable[[str], str] = lambda _path: "",
    ) -> None:
        super().__init__(enable_validation=True)
        self._show = show
        self._guard = guard
        self._allowed = allowed
        self.exception_handler(Exception)(self._answer_error)
        self.not_found(self._answer_error)

    def resolve(self, event: Any, context: LambdaContext) -> dict[str, Any]:
        """The answer to an event, in payload format 2.0."""
        headers = Request(event).headers
        try:
            if not origin.is_ours(headers, settings.current().origin_keys):
                raise problems.wrong_door()
            self.append_context(admitted=self._guard(event))  # type: ignore[no-untyped-call]
            _check_body(event, headers.get("content-type", ""))
        except Problem as error:
            answer = responses.problem(error).payload()
        else:
            answer = super().resolve(_as_get(event), context)
        return responses.finish(answer, headers.get("accept-encoding", ""))

    @property
    def admitted(self) -> Any:
        """What the guard has said of the request."""
        return self.context["admitted"]

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "^{}$") -> re.Pattern[str]:
        # A slug may hold slashes, which other parameters may not: it stands last, takes the rest.
        if not rule.endswith("<slug>"):
            pattern: re.Pattern[str] = APIGatewayHttpResolver._compile_regex(rule, base_regex)
            return pattern
        before = re.escape(rule.removesuffix("<slug>"))
        return re.compile(base_regex.format(f"{before}(?P<slug>.+)"))

    def _answer_error(self, error: Exception) -> PowertoolsResponse[str]:
        problem = as_problem(error)
        if isinstance(error, NotFoundError):
            methods = self._allowed(self.current_event.path)
            if methods and self.current_event.http_method not in methods.split(", "):
                problem = problems.method_not_allowed(methods)
        if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            telemetry.logger().error(problem.detail, exc_info=error)
        elif problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
            telemetry.logger().warning("unavailable", reason=telemetry.reason(error))
        return send(self._show(problem, self.current_event.path))


def _as_get(event: Mapping[str, Any]) -> Mapping[str, Any]:
    # HEAD is answered as GET; the gateway leaves the body out.
    context = event["requestContext"]
    if context["http"]["method"] != "HEAD":
        return event
    return {
        **event,
        "requestContext": {**context, "http": {**context["http"], "method": "GET"}},
    }


def reply(
    answer: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> PowertoolsResponse[str]:
    """An answer of the API, which is one of its models (see representations.py)."""
    value = asdict(answer) if is_dataclass(answer) and not isinstance(answer, type) else answer
    return send(responses.json_text(value, status, headers))


def send(response: Response) -> PowertoolsResponse[str]:
    """One of our responses as Powertools wants it."""
    return PowertoolsResponse(
        status_code=response.status, headers=dict(response.headers), body=response.body
    )


def _check_body(event: Mapping[str, Any], content_type: str) -> None:
    """Raise the Problem of a body that is too large, of another media type, or no JSON."""
    body = event.get("body")
    if not body:
        return
    is_base64 = bool(event.get("isBase64Encoded"))
    _check_size(body, is_base64=is_base64)
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Send the body as application/json.",
        )
    _check_json(body, is_base64=is_base64)


def _check_size(body: str, *, is_base64: bool) -> None:
    size = len(body) * 3 // 4 if is_base64 else len(body.encode())
    if size > MAX_BODY_BYTES:
        detail = f"A request has at most {MAX_BODY_BYTES} bytes."
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)


def _check_json(body: str, *, is_base64: bool) -> None:
    try:
        json.loads(base64.b64decode(body, validate=True) if is_base64 else body)
    except (ValueError, RecursionError, binascii.Error) as error:
        raise problems.bad_request("The body is not valid JSON.") from error


def as_problem(error: Exception) -> Problem:
    """The problem that an exception stands for; 500 for one that nobody foresaw."""
    match error:
        case RequestValidationError():
            return _invalid_fields(error)
        case NotFoundError():
            return problems.not_found("such address, or not with this method")
        case _:
            return problems.as_problem(error)


def _invalid_fields(error: RequestValidationError) -> Problem:
    errors = [{"field": _field(one["loc"]), "message": str(one["msg"])} for one in error.errors()]
    in_address = all(one["field"].startswith(("query.", "path.")) for one in errors)
    status = HTTPStatus.BAD_REQUEST if in_address else HTTPStatus.UNPROCESSABLE_ENTITY
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors)
    return Problem(status, "invalid-fields", detail, errors=errors)


def _field(location: Sequence[str | int]) -> str:
    """A field's name; of one in the address without that of the model that it is part of."""
    place, *names = map(str, location)
    return ".".join([place, *(names[-1:] if place == "query" else names)])
