"""A client of a site's API: typed pages and typed errors, bounded retries.

One client serves several threads at once: its connection pool has a place for each.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from pydantic import BaseModel, ValidationError
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import DecodeError, LocationParseError, ProtocolError
from urllib3.util import Retry, Timeout, parse_url

from sheaf.http.conditions import version_etag

_PAGES_PER_LIST = 200
# A database that was asleep needs about 15 s to wake, and says Retry-After meanwhile. A write
# whose answer was lost is not sent again (read=0): nobody knows yet whether it was done.
_RETRY = Retry(
    total=8,
    connect=2,
    read=0,
    other=0,
    redirect=False,
    backoff_factor=0.5,
    backoff_max=5,
    retry_after_max=10,
    status_forcelist=(HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE),
    raise_on_status=False,
)

_SUCCESSES = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)
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


class ApiError(ClientError):
    """The site refused. `type` is the problem's stable name, such as urn:sheaf:problem:gone."""

    def __init__(self, status: int, type_: str, detail: str) -> None:
        super().__init__(f"{detail} ({status})")
        self.status = status
        self.type = type_
        self.detail = detail

    @property
    def is_general(self) -> bool:
        """Whether other pages would meet the same: no right to write, or a site that is down."""
        return self.status in (
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.SERVICE_UNAVAILABLE,
        )


class PageItem(BaseModel, frozen=True):
    """A page as the list of pages shows it; `blob` is git's id of its source."""

    slug: str
    title: str
    tags: tuple[str, ...]
    version: int
    blob: str


class Page(PageItem, frozen=True):
    """A page with its source."""

    body: str


class Pages(BaseModel):
    """A page of a list of pages, and the cursor of the next one."""

    items: list[PageItem]
    next: str | None


class Problem(BaseModel):
    """Why the site refused; `detail` is for people."""

    type: str = "about:blank"
    detail: str = ""


_Model = TypeVar("_Model", bound=BaseModel)


class Client:
    """A site, reached at `url`; writes need a token."""

    def __init__(self, url: str, token: str | None = None, connections: int = 1) -> None:
        self._connection = Connection(url, token, places=connections, retries=_RETRY)

    def pages(self) -> Iterator[PageItem]:
        """All live pages. By age, so that a page saved meanwhile does not change its place."""
        query = {"limit": str(_PAGES_PER_LIST), "sort": "created", "order": "asc"}
        while True:
            listing = self._read(Pages, f"/api/pages?{urlencode(query)}")
            yield from listing.items
            if listing.next is None:
                return
            query["cursor"] = listing.next

    def page(self, slug: str) -> Page:
        """The page at this slug; raises ApiError, with status 404 or 410 if there is none."""
        return self._read(Page, f"/api/pages/{quote(slug)}")

    def save(self, slug: str, body: bytes, based_on: int | None) -> bool:
        """Replace version `based_on` of a page, or (None) create it; return whether it is new.

        Raises ApiError, with status 412 if the page is not in that state any more, and
        UnicodeDecodeError if the body is not UTF-8.
        """
        condition = (
            {"If-None-Match": "*"} if based_on is None else {"If-Match": version_etag(based_on)}
        )
        answer = self._ask("PUT", f"/api/pages/{quote(slug)}", condition, {"body": body.decode()})
        return answer.status == HTTPStatus.CREATED

    def delete(self, slug: str, version: int) -> None:
        """Delete this version of a page; raises ApiError, with status 412 if it is another one."""
        self._ask("DELETE", f"/api/pages/{quote(slug)}", {"If-Match": version_etag(version)})

    def _read(self, model: type[_Model], path: str) -> _Model:
        answer = self._ask("GET", path)
        try:
            return model.model_validate_json(answer.data)
        except ValidationError as error:
            message = f"{self._connection.url}{path} does not answer as a Sheaf site does"
            raise UnexpectedAnswer(message) from error

    def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> BaseHTTPResponse:
        asked = {"Accept": "application/json", **(headers or {})}
        answer = self._connection.ask(method, path, asked, json)
        if answer.status not in _SUCCESSES:
            raise _api_error(answer)
        return answer


def _api_error(answer: BaseHTTPResponse) -> ApiError:
    try:
        problem = Problem.model_validate_json(answer.data)
    except ValidationError:
        problem = Problem()
    if answer.status == HTTPStatus.UNAUTHORIZED:
        # API Gateway's own answer says no more than "Unauthorized".
        problem.detail = "the token has expired or is not for this site"
    detail = problem.detail or answer.reason or "no reason given"
    return ApiError(answer.status, problem.type, detail)
