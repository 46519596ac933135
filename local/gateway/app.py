"""API Gateway for one machine: a WSGI application in front of the functions."""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug import Request, Response
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from local.gateway import events, functions, responses, viewer
from local.gateway.authorizer import (
    Forbidden,
    KeyFinder,
    KeysUnavailable,
    Unauthorized,
    authorize,
)
from local.gateway.functions import EventTooLarge
from local.gateway.readers import Readers
from local.gateway.routing import Match, Router
from local.gateway.template import Template

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_HEAD_BYTES = 10_240  # request line and headers
logger = logging.getLogger(__name__)


class HeadTooLarge(Exception):
    """The request line and the headers are larger than API Gateway takes."""


class BadBody(Exception):
    """The body is shorter than the headers say, or not in chunks as it should be."""


# What is refused before, or instead of, the function's answer.
_REFUSALS: dict[type[Exception], HTTPStatus] = {
    BadBody: HTTPStatus.BAD_REQUEST,
    HeadTooLarge: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    EventTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Unauthorized: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    KeysUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


class Gateway:
    """Answers requests by calling the functions that the template's routes name."""

    def __init__(
        self,
        template: Template,
        key_of: KeyFinder,
        first: Callable[[Request], Response | None] = lambda _: None,
    ) -> None:
        """`first` may answer a request before the template's routes are looked at."""
        self._router = Router(template.routes)
        self._key_of = key_of
        self._first = first
        self._readers = Readers()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve one WSGI request."""
        return self.respond(Request(environ))(environ, start_response)

    def respond(self, request: Request) -> Response:
        """The answer to `request`, whatever happens in the function."""
        try:
            _check_head(request)
            _read_body(request)
            return self._first(request) or self._route(request)
        except RequestEntityTooLarge:
            _drain(request)
            return responses.refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except tuple(_REFUSALS) as error:
            return responses.refusal(_REFUSALS[type(error)])
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            return responses.refusal(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _route(self, request: Request) -> Response:
        viewer.lead_to_source(request)
        match = self._router.match(request.method, events.decoded_path(request))
        if match is None:
            return responses.refusal(HTTPStatus.NOT_FOUND)
        event = events.build(request, match, self._authorization(request, match))
        answer = functions.invoke(match.route.function, event)
        return self._readers.note(request, responses.convert(answer, request.method))

    def _authorization(self, request: Request, match: Match) -> dict[str, Any] | None:
        rule = match.route.authorizer
        header = request.headers.get("Authorization", "")
        return authorize(header, rule, self._key_of) if rule else None


def _read_body(request: Request) -> None:
    """Keep the body in `request`, if it came whole; raises BadBody, RequestEntityTooLarge."""
    request.max_content_length = MAX_BODY_BYTES + 1  # of a longer stream this much is kept
    try:
        length = len(request.get_data())
    except (OSError, ParseException, ClientDisconnected) as error:
        raise BadBody from error
    if length > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    if length < (request.content_length or 0):
        raise BadBody


def _check_head(request: Request) -> None:
    """Raise HeadTooLarge if request line and headers, nearly as they came, have too many bytes."""
    line = len(request.method) + len(request.environ.get("RAW_URI", request.full_path)) + 11
    headers = sum(len(name) + len(value) + 4 for name, value in request.headers)
    if line + headers > MAX_HEAD_BYTES:
        raise HeadTooLarge


def _drain(request: Request) -> None:
    """Let the body go past: a client that is still sending would not see the answer."""
    while request.environ["wsgi.input"].read(64 * 1024):
        pass
