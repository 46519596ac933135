"""A client of a site's API: typed pages and typed errors, bounded retries.

One client serves several threads at once: its connection pool has a place for each.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import Any, Literal, TypeVar, cast
from urllib.parse import quote, unquote, urlencode, urlsplit
from uuid import uuid4

from pydantic import BaseModel, TypeAdapter, ValidationError
from urllib3 import BaseHTTPResponse

from sheaf.cli.batches import Change
from sheaf.cli.connection import RETRY, ClientError, Connection, UnexpectedAnswer
from sheaf.http.conditions import version_etag

_ITEMS_PER_LIST = 200
_CHANGES = "/api/changes"
_Model = TypeVar("_Model")


# How the type of a problem ends that is one page's alone, though it is a 503.
_HELD = ":held"
_JSON = {"Accept": "application/json"}
_NOT_AS_LISTED = (
    HTTPStatus.PERMANENT_REDIRECT,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.GONE,
    HTTPStatus.PRECONDITION_FAILED,
)
_SUCCESSES = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)


class ApiError(ClientError):
    """The site refused. `type` is the problem's stable name, such as urn:sheaf:problem:gone.

    `moved_to` is where the page is now that an import would have brought back to its old slug.
    """

    def __init__(self, status: int, type_: str, detail: str, moved_to: str | None = None) -> None:
        super().__init__(f"{detail} ({status})")
        self.status = status
        self.type = type_
        self.detail = detail
        self.moved_to = moved_to

    @property
    def is_stale(self) -> bool:
        """Whether the page is not in the state that the write builds on."""
        return self.status == HTTPStatus.PRECONDITION_FAILED

    @property
    def is_surprise(self) -> bool:
        """Whether the page is not as a list of pages has said."""
        return self.status in _NOT_AS_LISTED and not self.moved_to

    @property
    def is_general(self) -> bool:
        """Whether other pages would meet the same: no right to write, or a site that is down."""
        return not self.type.endswith(_HELD) and self.status in (
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.SERVICE_UNAVAILABLE,
        )


class Refusal(BaseModel, frozen=True):
    """Why a change of a batch, by its place there, cannot be done."""

    change: int
    status: int
    detail: str = ""
    moved_to: str | None = None

    @property
    def is_stale(self) -> bool:
        """Whether the page is not in the state that the change builds on."""
        return self.status == HTTPStatus.PRECONDITION_FAILED

    @property
    def reason(self) -> str:
        """What people are told."""
        return f"{self.detail} ({self.status})"


class BatchRefused(ApiError):
    """Some changes of a batch cannot be done, so none was."""

    def __init__(self, error: ApiError, refused: Sequence[Refusal]) -> None:
        super().__init__(error.status, error.type, error.detail)
        self.refused = refused


Origin = Literal["edit", "import", "restore", "alias"]


@dataclass(frozen=True, slots=True)
class PageItem:
    """A page as the list of pages shows it; `blob` is git's id of its source.

    `origin` says how it got its text, and `file` is its path below the folder of all pages.
    """

    id: str
    slug: str
    title: str
    tags: tuple[str, ...]
    version: int
    blob: str
    origin: Origin
    file: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Page(PageItem):
    """A page with its source."""

    body: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the page at a slug, which then had this version."""

    id: str
    kind: Literal["created", "edited", "deleted", "moved", "restored"]
    slug: str
    version: int
    created_at: datetime
    moved_from: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What time it was where a site is, and what had happened there last, if anything."""

    time: datetime
    newest: Event | None


class Pages(BaseModel):
    """A page of a list of pages, and the cursor of the next one."""

    items: list[PageItem]
    next: str | None


class FoundPage(BaseModel):
    """A page that a search has found; `snippet` is HTML.

    `matched` says which words it has: `all`, as they were typed, or something else where few pages
    have those. Pages come by that, then by their `place`, where the words are; by their `rank`,
    what the words weigh there; and by how many pages link to it.
    """

    slug: str
    title: str
    snippet: str
    updated_at: datetime
    author: str
    matched: str
    place: str
    rank: float
    links: int


class FoundPages(BaseModel):
    """What a search has found, the best first.

    `meant` is what the words were taken for, if pages were found by that, and `optional` has words
    that a page need not have, as too many have them. If it `ends_early`, more pages have the words
    than are put in order.
    """

    meant: str | None
    optional: list[str]
    ends_early: bool
    items: list[FoundPage]


class Version(BaseModel):
    """A version of a page, as its history shows it."""

    origin: Origin


class Versions(BaseModel):
    """A page's history, the newest version first."""

    items: list[Version]


class Events(BaseModel):
    """The same of a list of events."""

    items: list[Event]
    next: str | None


_List = TypeVar("_List", Pages, Events)


class Warned(BaseModel):
    """Something in a page's source that its author may not have meant: the line, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class SavedItem(PageItem):
    """A page as it is after a change of it, and warnings of its text."""

    warnings: tuple[Warned, ...] = ()
    is_new: bool = False


class Conflict(BaseModel, frozen=True):
    """Lines that two people have changed: where they are in the text, and what they are there."""

    line: int
    mine: str
    theirs: str


class Merged(BaseModel, frozen=True):
    """A text on top of what others have made of a page, which is at `version` now."""

    version: int
    body: str
    conflicts: tuple[Conflict, ...]


class SavedItems(BaseModel):
    """What came of a batch."""

    items: list[SavedItem]


class Problem(BaseModel):
    """Why the site refused; `detail` is for people, and `refused` is of a batch."""

    type: str = "about:blank"
    detail: str = ""
    moved_to: str | None = None
    refused: list[Refusal] = []


class Client:
    """A site, reached at `url`; writes need a token."""

    def __init__(self, url: str, token: str | None = None, connections: int = 1) -> None:
        self._connection = Connection(url, token, places=connections, retries=RETRY)
        self.url = self._connection.url

    def pages(self) -> Iterator[PageItem]:
        """All live pages. By age, so that a page saved meanwhile does not change its place."""
        return self._list("/api/pages", sort="created", order="asc")

    def pages_by_update(self) -> Iterator[PageItem]:
        """All live pages, those first that were changed last."""
        return self._list("/api/pages", sort="updated")

    def events(self) -> Iterator[Event]:
        """What has happened to pages, the newest first."""
        for some in self._in_parts(Events, _CHANGES, imports="1"):
            yield from some.items

    def mark(self) -> Mark:
        """The site's time, and the newest event. A site that tells no time has that of 1970."""
        path = f"{_CHANGES}?{urlencode({'imports': '1', 'limit': '1'})}"
        answer = self._ask("GET", path)
        newest = self._parsed(Events, path, answer).items
        return Mark(_time(answer.headers.get("date", "")), newest[0] if newest else None)

    def pages_below(self, prefix: str) -> Iterator[PageItem]:
        """The live pages whose slugs begin so."""
        return self._list("/api/pages", prefix=prefix, sort="slug")

    def backlinks(self, slug: str) -> Iterator[PageItem]:
        """The live pages that link to this slug, whether a page is there or not."""
        return self._list(f"/api/backlinks/{quote(slug)}")

    def search(self, words: str, limit: int, **narrowing: str) -> FoundPages:
        """The pages that a search finds, so many at most, `in` a folder, by `tag` or `author`."""
        query = {"q": words, "limit": str(limit), **narrowing}
        return self._read(FoundPages, f"/api/search?{urlencode(query)}")

    def moved_to(self, slug: str) -> str | None:
        """Where the page at this slug has gone, if it was moved away.

        An alias leads to a page as well, and no page was moved away from it.
        """
        answer = self._connection.ask("GET", f"/api/pages/{quote(slug)}", _JSON)
        if answer.status != HTTPStatus.PERMANENT_REDIRECT or self._is_alias(slug):
            return None
        path = urlsplit(answer.headers.get("location", "")).path
        return unquote(path.partition("/api/pages/")[2])

    def _is_alias(self, slug: str) -> bool:
        versions = self._read(Versions, f"/api/revisions/{quote(slug)}?limit=1").items
        return bool(versions) and versions[0].origin == "alias"

    def page(self, slug: str) -> Page:
        """The page at this slug; raises ApiError, with status 404 or 410 if there is none."""
        return self._read(Page, f"/api/pages/{quote(slug)}")

    def deleted(self, prefix: str) -> Iterator[PageItem]:
        """The pages that were deleted, of those whose slugs begin so."""
        query = {"prefix": prefix} if prefix else {}
        return self._list("/api/pages", state="tombstone", sort="slug", **query)

    def save(
        self, slug: str, body: bytes, based_on: int | None, *, origin: str = "", file: str = ""
    ) -> SavedItem:
        """Replace version `based_on` of a page, or (None) create it.

        Raises ApiError, with status 412 if the page is not in that state any more, and
        UnicodeDecodeError if the body is not UTF-8.
        """
        condition = (
            {"If-None-Match": "*"} if based_on is None else {"If-Match": version_etag(based_on)}
        )
        path = f"/api/pages/{quote(slug)}"
        said = {name: value for name, value in (("origin", origin), ("file", file)) if value}
        answer = self._ask("PUT", path, _keyed(condition), {"body": body.decode(), **said})
        is_new = answer.status == HTTPStatus.CREATED
        return replace(self._parsed(SavedItem, path, answer), is_new=is_new)

    def merge(self, slug: str, base: int, body: str) -> Merged:
        """What was made of version `base` of a page, with what others made of it since."""
        path = f"/api/merges/{quote(slug)}"
        answer = self._ask("POST", path, json={"base": base, "body": body})
        return self._parsed(Merged, path, answer)

    def delete(self, slug: str, version: int) -> None:
        """Delete this version of a page; raises ApiError, with status 412 if it is another one."""
        headers = _keyed({"If-Match": version_etag(version)})
        self._ask("DELETE", f"/api/pages/{quote(slug)}", headers)

    def batch(self, changes: Sequence[Change]) -> list[SavedItem]:
        """Do all these changes or none; raises BatchRefused with those that cannot be done."""
        return self.timed_batch(changes)[0]

    def timed_batch(self, changes: Sequence[Change]) -> tuple[list[SavedItem], str]:
        """As `batch`, and what Server-Timing says of the work."""
        path = "/api/batches"
        answer = self._ask("POST", path, _keyed({}), {"changes": list(changes)})
        items = self._parsed(SavedItems, path, answer).items
        return items, answer.headers.get("server-timing", "")

    def _list(self, path: str, **query: str) -> Iterator[PageItem]:
        for some in self._in_parts(Pages, path, **query):
            yield from some.items

    def _in_parts(self, model: type[_List], path: str, **query: str) -> Iterator[_List]:
        query = {"limit": str(_ITEMS_PER_LIST), **query}
        while True:
            listing = self._read(model, f"{path}?{urlencode(query)}")
            yield listing
            if listing.next is None:
                return
            query["cursor"] = listing.next

    def _read(self, model: type[_Model], path: str) -> _Model:
        return self._parsed(model, path, self._ask("GET", path))

    def _parsed(self, model: type[_Model], path: str, answer: BaseHTTPResponse) -> _Model:
        try:
            return parsed(model, answer.data)
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
        asked = {**_JSON, **(headers or {})}
        answer = self._connection.ask(method, path, asked, json)
        if answer.status not in _SUCCESSES:
            raise _api_error(answer)
        return answer


def parsed(model: type[_Model], data: bytes) -> _Model:
    """What an answer says; raises pydantic's ValidationError."""
    adapter: TypeAdapter[_Model] = _adapter(cast("Hashable", model))
    return adapter.validate_json(data)


@cache
def _adapter(model: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def _time(date: str) -> datetime:
    try:
        return parsedate_to_datetime(date)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def _keyed(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a write that may be sent again."""
    return {**headers, "Idempotency-Key": f'"{uuid4()}"'}


def _api_error(answer: BaseHTTPResponse) -> ApiError:
    try:
        problem = Problem.model_validate_json(answer.data)
    except ValidationError:
        problem = Problem()
    if answer.status == HTTPStatus.UNAUTHORIZED:
        # API Gateway's own answer says no more than "Unauthorized".
        problem.detail = "the token has expired or is not for this site"
    elif problem.type.endswith(_HELD):
        # Of a writer who has died the site's upkeep clears up, later than we go on asking.
        problem.detail = "the page is held by a change that has not ended: try again in two minutes"
    detail = problem.detail or answer.reason or "no reason given"
    error = ApiError(answer.status, problem.type, detail, problem.moved_to)
    return BatchRefused(error, problem.refused) if problem.refused else error
