"""What the API answers: the models of which both its answers and its description are made."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, TypeAlias

from typing_extensions import TypedDict

from sheaf.pages.drafts import Draft, DraftItem
from sheaf.pages.edit_leases import Lease
from sheaf.pages.reads import Page, PageItem
from sheaf.rendering import templates
from sheaf.rendering.metadata import Direction
from sheaf.rendering.source import SourceWarning
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


@dataclass(frozen=True)
class SavedPage(PageWithBody):
    """A page as it was saved, and what its author may not have meant.

    `url` is where it is shown, in this version or a newer one and in no older.
    """

    url: str
    warnings: list[SourceWarning]

    @classmethod
    def with_warnings(cls, page: Page, warnings: Sequence[SourceWarning]) -> "SavedPage":
        """The page, with the warnings about its text."""
        return cls(**vars(PageWithBody.of(page)), url=_url(page), warnings=list(warnings))


@dataclass(frozen=True)
class SavedItem(PageItem):
    """As SavedPage, without the text."""

    url: str
    warnings: list[SourceWarning]

    @classmethod
    def of(cls, page: Page, warnings: Sequence[SourceWarning]) -> "SavedItem":
        """What became of a page."""
        item = {each.name: getattr(page, each.name) for each in fields(PageItem)}
        return cls(**item, url=_url(page), warnings=list(warnings))


@dataclass(frozen=True)
class SavedItems:
    """What came of each change of a batch, in their order."""

    items: list[SavedItem]


# What changed between two versions of a page, as a unified diff.
Difference = TypedDict("Difference", {"from": int, "to": int, "diff": str})


@dataclass(frozen=True)
class Preview:
    """What a page with some text would look like: its HTML says its title, too.

    `lang` and `dir` are for the element around the HTML: as its author says, or else the site's
    language and `auto`.
    """

    html: str
    title: str
    tags: list[str]
    lang: str | None
    dir: Direction
    warnings: list[SourceWarning]


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
    """The texts of one person that are not saved, the newest first."""

    items: list[Draft]


@dataclass(frozen=True)
class DraftItems:
    """The same of all pages, without the texts."""

    items: list[DraftItem]


@dataclass(frozen=True)
class Suggestions:
    """Some pages, by title."""

    items: list[Suggestion]


ServiceState: TypeAlias = Literal["ok", "failing"]
DatabaseState: TypeAlias = Literal["ok", "read-only", "in recovery", "failing"]


@dataclass(frozen=True)
class Health:
    """The whole and each service; a database that is read-only or in recovery takes no changes."""

    status: ServiceState
    database: DatabaseState
    cache: ServiceState


def _url(page: Page) -> str:
    return f"{templates.page_path(page.slug)}?v={page.version}"


def answers(model: Any, description: str, status: int = 200) -> dict[int, Any]:
    """The success of a route, for its OpenAPI description."""
    content = {"application/json": {"model": model}}
    return {status: {"description": description, "content": content}}


def refusals(*statuses: int) -> dict[int, Any]:
    """The problems of a route that not all have, for its OpenAPI description."""
    return {status: {"description": HTTPStatus(status).phrase} for status in statuses}


@cache
def description() -> str:
    """The description of the API, as JSON text."""
    return DESCRIPTION.read_text(encoding="utf-8")


def methods(path: str) -> tuple[str, ...]:
    """The methods of an address of the API, by its description; none if there is no such one."""
    found = next((names for pattern, names in _addresses() if pattern.fullmatch(path)), ())
    return ("GET", "HEAD", *found[1:]) if "GET" in found else found


@cache
def _addresses() -> list[tuple[re.Pattern[str], tuple[str, ...]]]:
    """What each address of the description looks like, and its methods, GET first."""
    return [
        (_pattern(template), tuple(sorted(map(str.upper, operations), key="GET".__ne__)))
        for template, operations in json.loads(description())["paths"].items()
    ]


def _pattern(template: str) -> re.Pattern[str]:
    # Only a slug has slashes.
    escaped = re.escape(template).replace(r"\{slug\}", ".+")
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", escaped), re.DOTALL)
