"""What the API shows of the things in storage, as JSON and as schemas for its description."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sheaf.pages.drafts import Draft
from sheaf.pages.edit_leases import Lease
from sheaf.pages.reads import Page, PageItem
from sheaf.search.statements import Suggestion


@dataclass(frozen=True)
class PageWithBody(PageItem):
    """A page with its Markdown."""

    body: str


@dataclass(frozen=True)
class Preview:
    """What a page with some text would look like."""

    html: str
    title: str
    tags: list[str]


@dataclass(frozen=True)
class PageLease:
    """Who is editing a page, for how many seconds more; `taken_from` had it before, if anybody."""

    slug: str
    holder: str
    fence: int
    seconds_left: int
    expires_at: datetime
    taken_from: str | None


@dataclass(frozen=True)
class Drafts:
    """The texts of one person that could not be saved, the newest first."""

    items: list[Draft]


@dataclass(frozen=True)
class Suggestions:
    """Some pages, by title."""

    items: list[Suggestion]


@dataclass(frozen=True)
class Health:
    """`ok` or `failing`, for the whole and for each service."""

    status: str
    database: str
    cache: str


def page(found: Page) -> dict[str, Any]:
    """A page as the API shows it: all but its HTML, which has an address of its own."""
    return {name: value for name, value in asdict(found).items() if name != "html"}


def lease(slug: str, found: Lease) -> dict[str, Any]:
    """An edit lease as the API shows it."""
    return {"slug": slug, **asdict(found)}


def answers(model: Any, description: str, status: int = 200) -> dict[int, Any]:
    """The success of a route, for its OpenAPI description."""
    content = {"application/json": {"model": model}}
    return {status: {"description": description, "content": content}}
