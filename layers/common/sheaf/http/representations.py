"""What the API answers: the models of which both its answers and its description are made."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from sheaf.pages.drafts import Draft
from sheaf.pages.edit_leases import Lease
from sheaf.pages.reads import Page, PageItem
from sheaf.search.statements import Suggestion

# The description of the API: made of these models and the routes by `make openapi`.
DESCRIPTION = Path(__file__).with_name("openapi.json")


@dataclass(frozen=True)
class PageWithBody(PageItem):
    """A page with its Markdown."""

    body: str

    @classmethod
    def of(cls, page: Page) -> "PageWithBody":
        """All of a page but its HTML, which has an address of its own."""
        return cls(**{each.name: getattr(page, each.name) for each in fields(cls)})


# What changed between two versions of a page, as a unified diff.
Difference = TypedDict("Difference", {"from": int, "to": int, "diff": str})


@dataclass(frozen=True)
class Preview:
    """What a page with some text would look like."""

    html: str
    title: str
    tags: list[str]


@dataclass(frozen=True)
class PageLease:
    """An edit lease, for `seconds_left` more; `taken_from` had it before the holder, if anybody."""

    slug: str
    holder: str
    fence: int
    seconds_left: int
    expires_at: datetime
    taken_from: str | None

    @classmethod
    def of(cls, slug: str, lease: Lease) -> "PageLease":
        """The edit lease of a page."""
        return cls(slug, **asdict(lease))


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


def answers(model: Any, description: str, status: int = 200) -> dict[int, Any]:
    """The success of a route, for its OpenAPI description."""
    content = {"application/json": {"model": model}}
    return {status: {"description": description, "content": content}}
