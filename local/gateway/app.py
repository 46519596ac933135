"""API Gateway for one machine: a WSGI application in front of the functions."""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug import Request, Response
from werkzeug.exceptions import RequestEntityTooLarge

from local.gateway import events, functions, responses
from local.gateway.authorizer import (
    Forbidden,
    KeyFinder,
    KeysUnavailable,
    Unauthorized,
    authorize,
)
from local.gateway.routing import Match, Router
from local.gateway.template import Template

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES = 10 * 1024 * 1024
logger = logging.getLogger(__name__)


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

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve one WSGI request."""
        return self.respond(Request(environ))(environ, start_response)

    def respond(self, request: Request) -> Response:
        """The answer to `request`, whatever happens in the function."""
        try:
            _read_body(request)
            return self._first(request) or self._route(request)
        except RequestEntityTooLarge:
            _drain(request)
            return responses.refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except Unauthorized:
            return responses.refusal(HTTPStatus.UNAUTHORIZED)
        except Forbidden:
            return responses.refusal(HTTPStatus.FORBIDDEN)
        except KeysUnavailable:
            return responses.refusal(HTTPStatus.SERVICE_UNAVAILABLE)
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            return responses.refusal(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _route(self, request: Request) -> Response:
        match = self._router.match(request.method, events.decoded_path(request))
        if match is None:
            return responses.refusal(HTTPStatus.NOT_FOUND)
        event = events.build(request, match, self._authorization(request, match))
        return responses.convert(functions.invoke(match.route.function, event), request.method)

    def _authorization(self, request: Request, match: Match) -> dict[str, Any] | None:
        rule = match.route.authorizer
        header = request.headers.get("Authorization", "")
        return authorize(header, rule, self._key_of) if rule else None


def _read_body(request: Request) -> None:
    """Keep the body in `request`; raises RequestEntityTooLarge."""
    request.max_content_length = MAX_BODY_BYTES + 1  # of a longer stream this much is kept
    if len(request.get_data()) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge


def _drain(request: Request) -> None:
    """Let the body go past: a client that is still sending would not see the answer."""
    while request.environ["wsgi.input"].read(64 * 1024):
        pass
