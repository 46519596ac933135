"""What is on both sides: the files of a folder, and the pages of a site that belong to them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sheaf.cli import documents
from sheaf.cli.base import Entry
from sheaf.cli.client import Client, PageItem
from sheaf.cli.edits import Reader
from sheaf.cli.folder import Folder, Found, Refused
from sheaf.cli.listing import Known
from sheaf.cli.matching import File, Match
from sheaf.cli.planning import Deleted, changed_here, changed_there, is_based
from sheaf.hashing import git_blob_id
from sheaf.rendering import source

# Liquid, Jinja, Hugo's shortcodes and mdBook's includes; PyMdown's snippets.
_TEMPLATES = ("{{", "{%", "--8<--")


def files(
    folder: Folder, found: Sequence[Found], entries: Mapping[str, Entry], *, drafts: bool
) -> list[File]:
    """The files with what they hold. Those are not read that are as the base has them.

    With `drafts` those that say that they are drafts are files like others.
    """
    return [_file(folder, each, entries.get(each.path), drafts=drafts) for each in found]


def text(folder: Folder, found: Found) -> str:
    """The text of a file; raises Refused, saying why, if it can be none of a page."""
    try:
        return folder.read(found).decode()
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8") from error
    except OSError as error:
        raise Refused(str(error.strerror)) from error


def _file(folder: Folder, found: Found, entry: Entry | None, *, drafts: bool) -> File:
    if entry and found.stamp == entry.stamp:
        return File(Found(found.path, found.spelling, entry.stamp), entry.blob)
    if not _is_text(found.path):
        return File(found, "", "its name is not UTF-8")
    try:
        body = text(folder, found)
    except Refused as error:
        return File(found, "", str(error))
    parts = source.parse(body)
    said = parts.metadata
    return File(
        found,
        git_blob_id(body.encode()),
        is_draft=said.is_draft and not drafts,
        unused=said.unused,
        has_templates=any(mark in body for mark in _TEMPLATES),
        warnings=parts.warnings,
    )


def _is_text(path: str) -> bool:
    """Whether the bytes of a name, which may be any, are UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def pages(
    client: Client, prefix: str, known: Known, entries: Mapping[str, Entry]
) -> Sequence[PageItem]:
    """The live pages of a site, or those below a prefix with the page of that name."""
    if not prefix:
        return known.pages(client, entries)
    return [page for page in client.pages_below(prefix) if _is_below(page, prefix)]


def deleted(client: Client, prefix: str, matches: Sequence[Match]) -> Deleted:
    """The pages that were deleted, if there is a file without a page."""
    if all(match.page or not match.file for match in matches):
        return Deleted()
    return Deleted(page for page in client.deleted(prefix) if _is_below(page, prefix))


def _is_below(page: PageItem, prefix: str) -> bool:
    return not prefix or page.slug == prefix or page.slug.startswith(f"{prefix}/")


def compared(client: Client, folder: Folder, matches: Sequence[Match], threads: int) -> list[Match]:
    """The matches, of which each says whether its file is what its page is as a file."""
    doubtful = [match for match in matches if _is_doubtful(match)]
    reader = Reader(client, threads)
    in_step = reader.each(lambda match: _is_in_step(reader, folder, match), doubtful)
    known = {match.path: is_so for match, is_so in zip(doubtful, in_step, strict=True)}
    return [replace(match, in_step=True) if known.get(match.path) else match for match in matches]


def _is_doubtful(match: Match) -> bool:
    """Whether both have changed, or nobody knows: perhaps to the same."""
    if not (match.file and match.page) or match.file.fault:
        return False
    return not is_based(match) or (changed_here(match) and changed_there(match))


def _is_in_step(reader: Reader, folder: Folder, match: Match) -> bool:
    file, page = match.file, match.page
    if not (file and page):
        return False
    try:
        body = text(folder, file.found)
    except Refused:
        return False
    is_source = file.blob == page.blob
    if not (is_source or documents.has_front_matter(body)) or not documents.says(body, page):
        return False
    return is_source or any(documents.document(now) == body for now in reader.pages([page.slug]))
