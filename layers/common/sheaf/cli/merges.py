"""Merges: a file and its page have both changed since they were in step, and become one text.

The site merges, as it does for the editor. The text goes into the file first, and only then to the
site: whoever is interrupted in between has it, and the next call brings it there.
"""

from http import HTTPStatus

from sheaf.cli import documents, survey
from sheaf.cli.client import ApiError, Conflict, Merged, Page, PageItem
from sheaf.cli.folder import Found
from sheaf.cli.matching import File, Match
from sheaf.cli.sides import InConflict, Sides, Stale
from sheaf.hashing import git_blob_id

_SHOWN = 60
# An export needs no token, but for this.
_NO_EDITOR = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def merge(sides: Sides, match: Match, file: File, page: PageItem, *, to_site: bool) -> None:
    """Make one text of a file and its page, in the file and, if wanted, on the site.

    Raises InConflict before anything is written, Stale, ApiError, folder.Refused and OSError.
    """
    now, body = merged(sides, match, file, page)
    found = into_file(sides, match, file, now, body)
    if to_site and body != now.body:
        name = sides.places.sent_file(match.path, match.slug)
        saved = sides.client.save(now.slug, body.encode(), now.version, file=name)
        sides.in_step(match, saved, found, saved.blob)


def merged(sides: Sides, match: Match, file: File, page: PageItem) -> tuple[Page, str]:
    """The page as it is now, and both changes as one text; raises as `merge`."""
    if not match.entry:
        raise InConflict("changed here and on the site, and nobody knows what it was before")
    body = survey.text(sides.folder, file.found)
    answer = _asked(sides, page.slug, match.entry.version, body)
    now = sides.client.page(page.slug)
    if now.version != answer.version:
        raise Stale("somebody changed the page meanwhile")
    if documents.document(now) != now.body:
        raise InConflict("changed here and on the site, where its title or tags are set apart")
    if answer.conflicts:
        raise InConflict("; ".join(_told(each, body) for each in answer.conflicts))
    return now, answer.body


def _asked(sides: Sides, slug: str, base: int, body: str) -> Merged:
    try:
        return sides.client.merge(slug, base, body)
    except ApiError as error:
        if error.status not in _NO_EDITOR:
            raise
        reason = "changed here and on the site: it takes an editor's token to merge them"
        raise InConflict(reason) from error


def into_file(sides: Sides, match: Match, file: File, page: Page, body: str) -> Found:
    """Put a merged text into its file, and say so to the base; raises as `merge`."""
    sides.check_unchanged(file)
    data = body.encode()
    found = file.found if git_blob_id(data) == file.blob else sides.folder.write(match.path, data)
    if body == page.body:
        sides.in_step(match, page, found, page.blob)
    else:
        sides.merged_into_file(match, page, found)
    return found


def _told(conflict: Conflict, body: str) -> str:
    line = _line(conflict, body.splitlines(keepends=True))
    return f"line {line}: {_short(conflict.mine)} here, {_short(conflict.theirs)} on the site"


def _line(conflict: Conflict, lines: list[str]) -> int:
    """Where in the file a conflict is: it is told of the merged text."""
    mine = conflict.mine.splitlines(keepends=True)
    starts = range(len(lines) - len(mine) + 1)
    places = [start + 1 for start in starts if lines[start : start + len(mine)] == mine]
    return min(places, key=lambda place: abs(place - conflict.line), default=conflict.line)


def _short(text: str) -> str:
    if not text:
        return "removed"
    first = text.strip().partition("\n")[0]
    return repr(first if len(first) <= _SHOWN else f"{first[:_SHOWN]}…")
