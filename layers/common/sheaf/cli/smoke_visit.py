"""A visit to a site: what checks ask of it, and what it answers."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from string import ascii_lowercase
from typing import Any, Self, TypeVar
from urllib.parse import quote, urljoin

from pydantic import ValidationError
from urllib3 import HTTPHeaderDict

from sheaf.cli.client import Page, Pages, parsed
from sheaf.cli.connection import Connection

_Model = TypeVar("_Model")
FIRST_OF_LIST = "/api/pages?limit=1&sort=created&order=asc"
_NO_TOKEN = "needs a token"  # noqa: S105 - it says that there is none


class CheckFailed(Exception):
    """The site does not do what it should; the message says what it did instead."""


class CheckSkipped(Exception):
    """There is no way, or no need, to check this here; the message says why."""


def require(condition: object, otherwise: str) -> None:
    """Raise CheckFailed, with this message, unless the condition holds."""
    if not condition:
        raise CheckFailed(otherwise)


@dataclass(frozen=True)
class Answer:
    """An answer to `request`, such as `GET /`. `size` is what its body had on the way, in bytes."""

    request: str
    status: int
    headers: HTTPHeaderDict
    body: bytes
    size: int

    @property
    def text(self) -> str:
        """The body; bytes that are no UTF-8 are replaced."""
        return self.body.decode(errors="replace")

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters."""
        return self.header("content-type").partition(";")[0].strip()

    def header(self, name: str) -> str:
        """A header's value, empty if it was not sent."""
        return self.headers.get(name, "")

    def expect(self, *statuses: int) -> Self:
        """This answer; raises CheckFailed if it has another status."""
        wanted = " or ".join(map(str, statuses))
        require(self.status in statuses, f"{self.request} is answered {self.status}, not {wanted}")
        return self

    def expect_type(self, media_type: str) -> Self:
        """This answer; raises CheckFailed if it has another media type."""
        sent = self.media_type or "of no type"
        require(sent == media_type, f"{self.request} is {sent}, not {media_type}")
        return self

    def read(self, model: type[_Model]) -> _Model:
        """The body, JSON of this model; raises CheckFailed if it is something else."""
        try:
            return parsed(model, self.body)
        except ValidationError as error:
            reason = f"{self.request} is answered {self.status}, but not as by a Sheaf site"
            raise CheckFailed(reason) from error


class Visit:
    """A walk through the site at `url`, on which one page may be written, at `slug`.

    `seconds` is how long each answer may take. `word` stands in that page and nowhere else, and
    `version` is what the page was last brought to.
    """

    def __init__(self, url: str, token: str | None, seconds: float) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self.seconds = seconds
        self.word = "".join(secrets.choice(ascii_lowercase) for _ in range(12))
        self.slug = f"smoke/{self.word}"
        self.version = 0
        self.wrote = False
        self._reader = self.connect(None)
        self._editor = self.connect(token)

    def connect(self, token: str | None) -> Connection:
        """A connection of somebody else, who has this token."""
        return Connection(self.url, token, seconds=self.seconds)

    def get(self, path: str, **headers: str) -> Answer:
        """What a reader is answered; header names are given with underscores."""
        return ask(self._reader, "GET", path, headers)

    def head(self, path: str, **headers: str) -> Answer:
        """As `get`, for HEAD."""
        return ask(self._reader, "HEAD", path, headers)

    def write(self, method: str, body: str | None = None, **headers: str) -> Answer:
        """What an editor that writes the page is answered; raises CheckSkipped without a token."""
        if self.token is None:
            raise CheckSkipped(_NO_TOKEN)
        self.wrote = True
        return ask(self._editor, method, self.page, headers, body)

    @cached_property
    def article(self) -> Page:
        """A page that is there to be read: `home`, or else the oldest.

        Raises CheckSkipped if the site has none, and CheckFailed.
        """
        found = self.get("/api/pages/home").expect(200, 404, 410)
        if found.status != 200:
            items = self.get(FIRST_OF_LIST).expect(200).read(Pages).items
            if not items:
                raise CheckSkipped("the site has no pages")
            found = self.get(f"/api/pages/{quote(items[0].slug)}").expect(200)
        return found.read(Page)

    @property
    def page(self) -> str:
        """The address of the page for programs."""
        return f"/api/pages/{self.slug}"

    def path(self, reference: str) -> str:
        """Where a link of the site's leads; raises CheckFailed if that is out of the site."""
        address = urljoin(f"{self.url}/", reference)
        require(address.startswith(f"{self.url}/"), f"{reference} leads out of the site")
        return address.removeprefix(self.url)

    def saved_page(self) -> Answer:
        """The page as people see it, as the editor asks for it after a save.

        No CDN can have an older version at this address, and no function answers from memory.
        """
        return self.get(f"/{self.slug}?v={self.saved()}")

    def saved(self) -> int:
        """The version that the page was brought to; raises CheckSkipped if there is no page."""
        if self.version == 0:
            raise CheckSkipped(_NO_TOKEN if self.token is None else "the page was not created")
        return self.version


def ask(
    connection: Connection,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
) -> Answer:
    """An answer; `body` is a page's text, and header names are given with underscores.

    Raises Unreachable, UnexpectedAnswer.
    """
    named = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
    value: dict[str, Any] | None = None if body is None else {"body": body}
    answer = connection.ask(method, path, named, value)
    return Answer(f"{method} {path}", answer.status, answer.headers, answer.data, answer.tell())
