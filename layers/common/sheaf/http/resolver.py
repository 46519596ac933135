"""The resolver of the functions that Powertools routes: problems instead of exceptions.

Every error leaves as a problem; only the log sees the text of an unexpected one.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler import Response as PowertoolsResponse
from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver, Route
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import (
    OpenAPIRequestValidationMiddleware,
)
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from sheaf import settings, telemetry
from sheaf.http import origin, problems, representations, responses, validation
from sheaf.http.problems import Problem
from sheaf.http.requests import Request
from sheaf.http.responses import Response

# Of JSON. As text of an event it may take up to twice as much: Lambda takes six. A text of which
# nearly all is escaped in six bytes for one is the only one of a page that is kept out by this.
MAX_BODY_BYTES = 4 * 1024 * 1024
# Bounds of what is said of a wrong request, and so of the work for it.
MAX_ERRORS = 20
_MAX_NAME = 100
# No object or list that is sent has as many members: each could be an error.
_MAX_MEMBERS = 100


class Api(APIGatewayHttpResolver):
    """A resolver that validates what it routes.

    `show` answers a problem at a path. `guard` sees each event first: it raises the Problem of one
    that may not pass, and what it returns is `admitted` for the time of the request.
    """

    def __init__(
        self,
        show: Callable[[Problem, str], Response] = lambda problem, _path: responses.problem(
            problem
        ),
        guard: Callable[[Mapping[str, Any]], object] = lambda _event: None,
    ) -> None:
        super().__init__(enable_validation=True)
        self._request_validation_middleware = _Validation()  # type: ignore[no-untyped-call]
        self._show = show
        self._guard = guard
        self.exception_handler(Exception)(self._answer_error)
        self.not_found(self._answer_error)

    def resolve(self, event: Any, context: LambdaContext) -> dict[str, Any]:
        """The answer to an event, in payload format 2.0."""
        headers = Request(event).headers
        try:
            if not origin.is_ours(headers, settings.current().origin_keys):
                raise problems.wrong_door()
            self.append_context(admitted=self._guard(event))  # type: ignore[no-untyped-call]
            answer = super().resolve(_as_get(event), context)
        except Problem as error:
            answer = responses.problem(error).payload()
        return responses.finish(answer, headers.get("accept-encoding", ""))

    @property
    def admitted(self) -> Any:
        """What the guard has said of the request."""
        return self.context["admitted"]

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = r"^{}\Z") -> re.Pattern[str]:
        # An address matches whole: before "$" there may be a line break. A slug may hold slashes,
        # which other parameters may not: it stands last, takes the rest.
        if not rule.endswith("<slug>"):
            pattern: re.Pattern[str] = APIGatewayHttpResolver._compile_regex(rule, base_regex)
            return pattern
        before = re.escape(rule.removesuffix("<slug>"))
        return re.compile(base_regex.format(f"{before}(?P<slug>.+)"), re.DOTALL)

    def _convert_matches_into_route_keys(self, match: re.Match[str]) -> dict[str, str]:
        # It is called for the route that was found, and before it.
        if self.current_event.path.startswith("/api/"):
            query = self.current_event.get("rawQueryString")
            _check_parameters(query or "", _parameters(self.context["_route"]))
        keys: dict[str, str] = super()._convert_matches_into_route_keys(match)
        return keys

    def _answer_error(self, error: Exception) -> PowertoolsResponse[str]:
        problem = as_problem(error)
        if isinstance(error, NotFoundError):
            methods = self._methods(self.current_event.path)
            if methods and self.current_event.http_method not in methods:
                problem = problems.method_not_allowed(", ".join(methods))
        if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            telemetry.logger().error(problem.detail, exc_info=error)
        elif problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
            telemetry.logger().warning("unavailable", reason=telemetry.reason(error))
        return send(self._show(problem, self.current_event.path))

    def _methods(self, path: str) -> tuple[str, ...]:
        """The methods of an address, in any function for the API; none if there is no such one."""
        if path.startswith("/api/"):
            return representations.methods(path)
        routes = (*self._static_routes, *self._dynamic_routes)
        return ("GET", "HEAD") if any(route.rule.match(path) for route in routes) else ()


class _Validation(OpenAPIRequestValidationMiddleware):
    """The same with a stricter reading of bodies, those of routes that take one."""

    def _get_body(self, app: ApiGatewayResolver) -> dict[str, Any] | None:  # type: ignore[override]
        return _object(app.current_event.raw_event, app.current_event.headers)


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
    answer = PowertoolsResponse(
        status_code=response.status, headers=dict(response.headers), body=response.body
    )
    answer.base64_encoded = response.is_base64
    return answer


def _object(event: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any] | None:
    """The JSON object that is the body of an event; None if there is no body, or null.

    Raises the Problem of one that is too large, of another media type, no JSON, or no object.
    """
    body = event.get("body")
    if not body:
        return None
    data = _bytes(body, is_base64=bool(event.get("isBase64Encoded")))
    if len(data) > MAX_BODY_BYTES:
        mebibytes = MAX_BODY_BYTES // 1024**2
        raise problems.too_large(f"This is too long: a request may have {mebibytes} MiB of JSON.")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Send the body as application/json.",
        )
    value = _json(data)
    if value is not None and not isinstance(value, dict):
        raise invalid_fields(HTTPStatus.UNPROCESSABLE_ENTITY, [("body", "must be an object")])
    _check_members("body", value)
    return value


def _bytes(body: str, *, is_base64: bool) -> bytes:
    try:
        return base64.b64decode(body, validate=True) if is_base64 else body.encode()
    except ValueError as error:
        raise problems.bad_request("The body is not valid UTF-8.") from error


def _json(data: bytes) -> Any:
    """What UTF-8 text says as JSON, and not as what Python takes for it: NaN is none.

    An object with a member twice may be read in two ways, and is refused. Some programs put a byte
    order mark before it, which says nothing here.
    """
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_members)
    except UnicodeDecodeError as error:
        raise problems.bad_request("The body is not valid UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise problems.bad_request("The body is not valid JSON.") from error


def _check_members(name: str, value: Any) -> None:
    if not isinstance(value, dict | list):
        return
    if len(value) > _MAX_MEMBERS:
        raise invalid_fields(HTTPStatus.UNPROCESSABLE_ENTITY, [(name, "has too many members")])
    for part, member in value.items() if isinstance(value, dict) else enumerate(value):
        _check_members(f"{name}.{part}", member)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise problems.bad_request(f"The body has the member {name[:_MAX_NAME]!r} twice.")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


@cache
def _parameters(route: Route) -> frozenset[str]:
    """The names that a route takes in the query of its address."""
    names: set[str] = set()
    for parameter in route.dependant.query_params:
        model = parameter.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            names |= {field.alias or name for name, field in model.model_fields.items()}
        else:
            names.add(parameter.alias)
    return frozenset(names)


def _check_parameters(query: str, known: frozenset[str]) -> None:
    """Raise a 400 Problem of parameters that an address does not take, or takes once."""
    if not query:
        return
    given = Counter(name for name, _ in parse_qsl(query, keep_blank_values=True))
    errors = [
        (f"query.{name}", "is there twice" if name in known else "is no parameter of this address")
        for name, times in given.items()
        if times > 1 or name not in known
    ]
    if errors:
        raise invalid_fields(HTTPStatus.BAD_REQUEST, errors)


def as_problem(error: Exception) -> Problem:
    """The problem that an exception stands for; 500 for one that nobody foresaw."""
    match error:
        case RequestValidationError():
            return _invalid_fields(error)
        case NotFoundError():
            return problems.not_found("such address")
        case _:
            return problems.as_problem(error)


def invalid_fields(status: HTTPStatus, errors: Iterable[tuple[str, str]]) -> Problem:
    """400 or 422: what is wrong, each a field's name and a message; the first few are told."""
    found = [{"field": field[:_MAX_NAME], "message": message} for field, message in errors]
    told, more = found[:MAX_ERRORS], len(found) - MAX_ERRORS
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in told)
    if more > 0:
        detail += f"; and {more} more"
    return Problem(status, "invalid-fields", detail, errors=told)


def _invalid_fields(error: RequestValidationError) -> Problem:
    errors = [(_field(one["loc"]), validation.message(one)) for one in error.errors()]
    in_address = all(field.startswith(("query.", "path.")) for field, _ in errors)
    status = HTTPStatus.BAD_REQUEST if in_address else HTTPStatus.UNPROCESSABLE_ENTITY
    return invalid_fields(status, errors)


def _field(location: Sequence[str | int]) -> str:
    """A field's name; of one in the address without that of the model that it is part of."""
    place, *names = map(str, location)
    return ".".join([place, *(names[-1:] if place == "query" else names)])
