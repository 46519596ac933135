"""A connection to a site: requests and answers, with a time for each and errors of its own."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import DecodeError, LocationParseError, ProtocolError
from urllib3.util import Retry, Timeout, parse_url

_CONNECT_SECONDS = 5
# API Gateway gives up a request after 30 s, so an answer comes before 35.
READ_SECONDS = 35


class _Retry(Retry):
    """Of conflicts only those that say when they will be over are worth another try."""

    def is_retry(
        self,
        method: str,
        status_code: int,
        has_retry_after: bool = False,
    ) -> bool:
        over = status_code == HTTPStatus.CONFLICT and not has_retry_after
        return not over and super().is_retry(method, status_code, has_retry_after)


# A database that was asleep needs about 15 s to wake, and says Retry-After meanwhile. A write
# whose answer was lost is sent again, too: by its key the site knows whether it was done.
RETRY = _Retry(
    total=8,
    connect=2,
    read=2,
    other=0,
    redirect=False,
    # What is posted has a key, too.
    allowed_methods={*Retry.DEFAULT_ALLOWED_METHODS, "POST"},
    backoff_factor=0.5,
    backoff_max=5,
    retry_after_max=10,
    status_forcelist=(HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE),
    raise_on_status=False,
)


class ClientError(Exception):
    """The site could not do what it was asked; the message is one line for people."""


class Unreachable(ClientError):
    """No answer came from the site."""


class UnexpectedAnswer(ClientError):
    """Something answered, but not as a Sheaf site does."""


class Connection:
    """A site, reached at `url`: answers come as they are, whatever their status.

    One connection serves `places` threads at once. `seconds` is how long each answer may take.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        places: int = 1,
        seconds: float = READ_SECONDS,
        retries: Retry | bool = False,
    ) -> None:
        self.url = url.rstrip("/")
        self._path = urlsplit(self.url).path
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        timeout = Timeout(connect=min(seconds, _CONNECT_SECONDS), read=seconds)
        self._pool = urllib3.connection_from_url(
            self.url, maxsize=places, timeout=timeout, retries=retries
        )

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """The answer, read and without its Content-Encoding.

        Raises Unreachable, and UnexpectedAnswer if it is not in the encoding that it names.
        """
        try:
            return self._pool.request(
                method,
                self._path + path,
                headers={**self._headers, **(headers or {})},
                json=json,
                redirect=False,
            )
        except DecodeError as error:
            raise UnexpectedAnswer(f"{self.url}{path} is not encoded as it says") from error
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"cannot reach {self.url}: {_reason(error)}") from error


def is_address(url: str) -> bool:
    """Whether a site can be at this address."""
    try:
        parts = parse_url(url)
    except LocationParseError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.host)


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    cause = getattr(error, "reason", None) or error
    said = str(cause.args[-1] if isinstance(cause, ProtocolError) else cause)
    # Each layer of urllib3 puts its own name and a colon before what happened.
    return said.rpartition(": ")[2]
