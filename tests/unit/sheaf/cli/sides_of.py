"""Files, pages and entries for tests of what is decided about them."""

from datetime import UTC, datetime
from typing import Any

from sheaf.cli.base import Entry
from sheaf.cli.client import PageItem
from sheaf.cli.folder import NO_STAMP, Found
from sheaf.cli.matching import File
from sheaf.hashing import git_blob_id

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def blob(text: str) -> str:
    return git_blob_id(text.encode())


def file(
    path: str, text: str = "", spelling: str = "", fault: str = "", *, is_draft: bool = False
) -> File:
    return File(Found(path, spelling or path, NO_STAMP), blob(text), fault, is_draft)


def page(slug: str, text: str = "", *, version: int = 1, of: str = "", **others: Any) -> PageItem:
    given: dict[str, Any] = {
        "id": of or f"id of {slug}",
        "slug": slug,
        "title": "",
        "tags": (),
        "blob": blob(text),
    }
    given |= {"origin": "edit", "file": f"{slug}.md", "version": version, "updated_at": NOW}
    return PageItem(**{**given, **others})


def entry(slug: str, text: str = "", *, version: int = 1, of: str = "") -> Entry:
    return Entry(slug, of or f"id of {slug}", version, blob(text), blob(text))
