"""Uploads: pages get the text of files, other names, or are deleted."""

from collections.abc import Iterable

from sheaf.cli import batches, jobs, survey
from sheaf.cli.batches import Change
from sheaf.cli.client import ApiError, PageItem, SavedItem, Warned
from sheaf.cli.matching import File, Match
from sheaf.cli.planning import IMPORT, Aim, Kind
from sheaf.cli.sides import Sides, Stale
from sheaf.hashing import git_blob_id
from sheaf.rendering.source import SourceWarning

STALE = "somebody changed the page meanwhile; it was not overwritten"


def create(sides: Sides, match: Match, file: File) -> Kind:
    """Make a page of a file; raises Stale, ApiError and folder.Refused."""
    return _upload(sides, match, file, None, IMPORT)


def update(sides: Sides, match: Match, file: File, page: PageItem, aim: Aim) -> Kind:
    """Give a page the text of its file; raises Stale, ApiError and folder.Refused."""
    return _upload(sides, match, file, page, origin(match, page, aim))


def change(sides: Sides, match: Match, file: File, page: PageItem | None, aim: Aim) -> Change:
    """What makes a page of a file, or gives it the text of its file; raises folder.Refused."""
    body = survey.text(sides.folder, file.found)
    new = batches.new_text(page.slug, page.version, body) if page else None
    return told(
        sides,
        match,
        new or batches.creation(match.slug, body),
        origin(match, page, aim) if page else IMPORT,
    )


def told(sides: Sides, match: Match, change: Change, said_origin: str) -> Change:
    """The same with the file that the text is in, and as an import if it is one."""
    named = batches.from_file(change, sides.places.sent_file(match.path, match.slug))
    return batches.imported(named) if said_origin else named


def note_saved(sides: Sides, match: Match, file: File, change: Change, saved: SavedItem) -> None:
    """Note that a page has the text of its file since this change."""
    warn(match, saved.warnings)
    sides.in_step(match, saved, file.found, git_blob_id(change["body"].encode()))


def origin(match: Match, page: PageItem, aim: Aim) -> str:
    """What to say of a text that goes on top of this version of a page.

    One that carries on what a person has saved counts as that person's: an import without a base
    has to leave it alone. So does one that was merged before, and did not arrive, and what a sync
    brings of a file that was changed since: somebody has written it.
    """
    is_merged = match.entry is not None and not match.entry.blob
    is_written = is_merged or (aim.to_folder and match.entry is not None)
    return IMPORT if aim.overwrite or (page.origin == IMPORT and not is_written) else ""


def delete_page(sides: Sides, match: Match, page: PageItem) -> None:
    """Delete this version of a page, as an import; raises ApiError."""
    sides.client.batch([batches.imported(batches.deletion(page.slug, page.version))])
    sides.out_of_step(match)


def move_page(sides: Sides, match: Match, file: File, page: PageItem) -> None:
    """Have a page follow its file; raises ApiError."""
    [moved] = sides.client.batch([batches.move(page.slug, page.version, match.renamed_to)])
    moved_along(sides, match, file, page, moved)


def moved_along(sides: Sides, match: Match, file: File, page: PageItem, moved: SavedItem) -> None:
    """Note that a page has followed its file; what else was changed there is seen next time."""
    if match.entry and page.version == match.entry.version:
        sides.in_step(match, moved, file.found, file.blob)
    else:
        sides.carried_over(match, file.path)


def warn(match: Match, warnings: Iterable[Warned | SourceWarning]) -> None:
    """Report what the site has said of a file that it took, or would say as far as that shows."""
    for warning in warnings:
        jobs.report(f"{match.path}: line {warning.line}: {warning.reason}")


def _upload(
    sides: Sides, match: Match, file: File, page: PageItem | None, said_origin: str
) -> Kind:
    body = survey.text(sides.folder, file.found).encode()
    name = sides.places.sent_file(match.path, match.slug)
    version = page.version if page else None
    try:
        saved = sides.client.save(match.slug, body, version, origin=said_origin, file=name)
    except ApiError as error:
        if not error.is_stale:
            raise
        return _as_it_is(sides, match, file, body)
    sides.in_step(match, saved, file.found, git_blob_id(body))
    warn(match, saved.warnings)
    return Kind.CREATE if saved.is_new else Kind.UPDATE


def _as_it_is(sides: Sides, match: Match, file: File, body: bytes) -> Kind:
    """Perhaps it was us: a save whose answer was lost and that was sent again."""
    sides.known.forget()
    page = sides.client.page(match.slug)
    if page.blob != git_blob_id(body):
        raise Stale(STALE)
    sides.in_step(match, page, file.found, page.blob)
    return Kind.KEEP
