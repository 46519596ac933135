"""Files, pages and entries for tests of what is decided about them."""

from sheaf.cli.base import Entry
from sheaf.cli.client import PageItem
from sheaf.cli.folder import NO_STAMP, Found
from sheaf.cli.matching import File
from sheaf.hashing import git_blob_id


def blob(text: str) -> str:
    return git_blob_id(text.encode())


def file(
    path: str, text: str = "", spelling: str = "", fault: str = "", *, is_draft: bool = False
) -> File:
    return File(Found(path, spelling or path, NO_STAMP), blob(text), fault, is_draft)


def page(slug: str, text: str = "", *, version: int = 1, of: str = "", **others: str) -> PageItem:
    given = {"origin": "edit", "file": f"{slug}.md", **others}
    return PageItem(
        **{"id": of or f"id of {slug}", "slug": slug, "title": "", "tags": (), **given},
        version=version,
        blob=blob(text),
    )


def entry(slug: str, text: str = "", *, version: int = 1, of: str = "") -> Entry:
    return Entry(slug, of or f"id of {slug}", version, blob(text), blob(text))
