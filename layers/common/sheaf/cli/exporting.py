"""Export: every live page becomes a file, byte for byte what its author saved.

Only if a page's title or tags were set apart from its text do they go into front matter, so
that an import gives the same page again.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path

from sheaf.cli import folder, jobs
from sheaf.cli.client import ApiError, Client, Page, PageItem
from sheaf.cli.jobs import PageFailed
from sheaf.hashing import git_blob_id
from sheaf.rendering import front_matter, markdown, source

WRITTEN, UNCHANGED, DELETED = "written", "unchanged", "deleted meanwhile"


def export_pages(client: Client, root: Path, threads: int) -> Counter[str]:
    """Write every live page below `root` and count what was done; other files stay.

    Raises ClientError if the site cannot be reached, and OSError if `root` cannot be made.
    """
    root.mkdir(parents=True, exist_ok=True)
    pages = sorted(client.pages(), key=lambda page: page.slug)
    refused = clashes([page.slug for page in pages]) if folder.folds_case(root) else frozenset()
    return jobs.run(partial(_download, client, root, refused), pages, threads)


def clashes(slugs: Sequence[str]) -> frozenset[str]:
    """The slugs that differ from an earlier one only by case."""
    first: dict[str, str] = {}
    return frozenset(slug for slug in slugs if first.setdefault(slug.casefold(), slug) != slug)


def document(page: Page) -> str:
    """The file for a page: its body, with front matter if the body alone would not give it.

    Raises front_matter.Unreadable if that would be longer than front matter may be.
    """
    if _says(page.body, page):
        return page.body
    parsed = source.parse(page.body)
    said = parsed.data | {"title": page.title, "tags": list(page.tags)}
    return front_matter.write(said) + parsed.text


def _download(client: Client, root: Path, refused: Collection[str], item: PageItem) -> str:
    if item.slug in refused:
        raise PageFailed(f"{item.slug}: another page has this name in other capitals")
    try:
        return _write(client, root, item)
    except folder.Refused as error:
        raise PageFailed(f"{item.slug}: {error}") from error
    except OSError as error:
        raise PageFailed(f"{item.slug}: {error.strerror}") from error
    except ApiError as error:
        if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return DELETED
        if error.is_general:
            raise
        raise PageFailed(f"{item.slug}: {error}") from error


def _write(client: Client, root: Path, item: PageItem) -> str:
    path = folder.path_of(item.slug)
    existing = (root / path).read_bytes() if (root / path).is_file() else None
    if existing is not None and _is_current(existing, item):
        return UNCHANGED
    page = client.page(item.slug)
    try:
        data = document(page).encode()
    except front_matter.Unreadable as why:
        folder.write(root, path, page.body.encode())
        message = f"{item.slug}: title and tags are not in the file: as front matter, {why.reason}"
        raise PageFailed(message) from why
    if data == existing:
        return UNCHANGED
    folder.write(root, path, data)
    return WRITTEN


def _is_current(existing: bytes, item: PageItem) -> bool:
    return git_blob_id(existing) == item.blob and _says(existing.decode(), item)


def _says(body: str, item: PageItem) -> bool:
    """Whether a body alone gives the page its title and tags."""
    parsed = source.parse(body)
    if parsed.tags != item.tags:
        return False
    heading = None if parsed.title else markdown.first_heading(parsed.text)
    return item.title == source.title(parsed, heading, item.slug).text
