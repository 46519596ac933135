"""Downloads: files get the text of pages, go where their pages have gone, or are removed."""

from http import HTTPStatus

from sheaf.cli import documents
from sheaf.cli.client import ApiError, Page, PageItem
from sheaf.cli.folder import Found, Refused
from sheaf.cli.matching import File, Match
from sheaf.cli.sides import Left, Sides
from sheaf.hashing import git_blob_id
from sheaf.rendering import front_matter

_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.PERMANENT_REDIRECT)


def write(sides: Sides, match: Match, page: PageItem) -> Found | None:
    """Give a file the text of its page; None if it has that already.

    Raises Left, Stale, folder.Refused, ApiError and OSError.
    """
    now = _page(sides, page)
    data, fault = _document(now)
    if match.file:
        sides.check_unchanged(match.file)
        if not fault and git_blob_id(data) == match.file.blob:
            sides.in_step(match, now, match.file.found, match.file.blob)
            return None
    found = _put(sides, match, now, match.path, data)
    if fault:
        raise Refused(fault)
    return found


def move_file(sides: Sides, match: Match, file: File, page: PageItem) -> Found:
    """Have a file follow its page; raises as `write`."""
    now = _page(sides, page)
    data, fault = _document(now)
    sides.check_unchanged(file)
    found = _put(sides, match, now, match.belongs, data)
    sides.folder.remove(file.found)
    if fault:
        raise Refused(fault)
    return found


def delete_file(sides: Sides, match: Match, file: File) -> None:
    """Remove a file whose page was deleted; raises Left, Stale, folder.Refused and OSError."""
    sides.check_unchanged(file)
    sides.folder.remove(file.found)
    sides.out_of_step(match)


def _put(sides: Sides, match: Match, page: Page, path: str, data: bytes) -> Found:
    is_new = match.file is None or path != match.path
    found = sides.folder.write(path, data, is_new=is_new)
    sides.in_step(match, page, found, git_blob_id(data))
    return found


def _page(sides: Sides, page: PageItem) -> Page:
    try:
        return sides.client.page(page.slug)
    except ApiError as error:
        if error.status in _GONE:
            raise Left("the page was deleted or moved meanwhile") from error
        raise


def _document(page: Page) -> tuple[bytes, str]:
    """A page as a file, and what the file does not say of it."""
    try:
        return documents.document(page).encode(), ""
    except front_matter.Unreadable as why:
        fault = f"title and tags are not in the file: as front matter, {why.reason}"
        return page.body.encode(), fault
