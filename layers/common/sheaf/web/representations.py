"""What the API shows of the things in storage, as JSON and as schemas for its description."""

from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from sheaf.storage.pages import Page, PageItem

T = TypeVar("T")


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
class Health:
    """`ok` or `failing`, for the whole and for each service."""

    status: str
    database: str
    cache: str


@dataclass(frozen=True)
class Listed(Generic[T]):
    """A page of a list, and the cursors of the pages around it (null at an end)."""

    items: list[T]
    next: str | None
    prev: str | None


def page(found: Page) -> dict[str, Any]:
    """A page as the API shows it: all but its HTML, which has an address of its own."""
    return {name: value for name, value in asdict(found).items() if name != "html"}


def answers(model: Any, description: str, status: int = 200) -> dict[int, Any]:
    """The success of a route, for its OpenAPI description."""
    content = {"application/json": {"model": model}}
    return {status: {"description": description, "content": content}}
