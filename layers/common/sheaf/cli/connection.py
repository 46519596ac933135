"""A connection to a site: requests and answers, with a time for each and errors of its own."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import DecodeError, LocationParseError, ProtocolError
from urllib3.util import Retry, Timeout, parse_url

_CONNECT_SECONDS = 5
# API Gateway gives up a request after 30 s, so an answer comes before 35.
READ_SECONDS = 35


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
