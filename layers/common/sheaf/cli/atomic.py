"""Atomic import: all that a folder of Markdown would change on the site, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sheaf.cli import batches, merges, sync, uploads
from sheaf.cli.batches import Change
from sheaf.cli.client import BatchRefused, Client, Page, Refusal, SavedItem
from sheaf.cli.connection import ClientError
from sheaf.cli.folder import Refused
from sheaf.cli.matching import File, Match
from sheaf.cli.planning import Kind, Step
from sheaf.cli.reports import Done, Report
from sheaf.cli.sides import Sides
from sheaf.cli.sync import UPLOADS, Task
from sheaf.hashing import git_blob_id


class TooLarge(ClientError):
    """What is to be brought in at once is more than a batch may be."""

    def __init__(self, pages: int, size: int) -> None:
        super().__init__(
            f"{pages:,} pages are to be created or changed, which is {size:,} bytes of JSON."
            f" All at once there may be {batches.MAX_CHANGES:,} pages and {batches.MAX_BYTES:,}"
            " bytes. Nothing was sent."
        )


@dataclass(frozen=True)
class _Part:
    """A change of the batch, and of what. A text that was merged comes with its page."""

    done: Done
    match: Match
    change: Change
    under: Page | None = None


def run(client: Client, task: Task) -> Report:
    """Bring every Markdown file to the site, all or none.

    What keeps one file from being a page is reported and keeps all from it. Raises TooLarge before
    anything is sent, and as `sync.run`.
    """
    sides, steps, report = sync.prepare(client, task)
    try:
        parts = _parts(sides, task, steps, report)
        if report.has_failed:
            done = [_held_back(part) for part in parts]
        else:
            _check_size(parts)
            done = _foreseen(parts) if task.dry or not parts else _send(sides, parts)
        for each in done:
            report.note(each)
    finally:
        sync.keep(sides, task)
    return report


def _parts(sides: Sides, task: Task, steps: Sequence[Step], report: Report) -> list[_Part]:
    """What to send; of all the rest the report is told."""
    parts = []
    for step in steps:
        done = sync.planned(step)
        try:
            part = _part(sides, task, step, done)
        except sync.EXPECTED as error:
            report.note(sync.ended(done, error))
            continue
        if part:
            parts.append(part)
        else:
            report.note(sync.carry_out(sides, task, step))
    return parts


def _part(sides: Sides, task: Task, step: Step, done: Done) -> _Part | None:
    """What to send for a step, if anything; raises what is in sync.EXPECTED."""
    match, file, page = step.match, step.match.file, step.match.page
    if task.dry and step.kind == Kind.CREATE and (there := sides.client.moved_to(match.slug)):
        raise Refused(f"the page is at {there} now")
    if step.kind in UPLOADS and file:
        return _Part(done, match, uploads.change(sides, match, file, page, task.aim))
    if step.kind == Kind.MERGE and file and page:
        now, body = merges.merged(sides, match, file, page)
        change = batches.new_text(now.slug, now.version, body)
        return _Part(done, match, uploads.told(sides, match, change, ""), now)
    if step.kind == Kind.DELETE_PAGE and page:
        change = batches.imported(batches.deletion(page.slug, page.version))
        return _Part(done, match, change)
    if step.kind == Kind.MOVE_PAGE and page:
        return _Part(done, match, batches.move(page.slug, page.version, match.renamed_to))
    return None


def _check_size(parts: Sequence[_Part]) -> None:
    """Raise TooLarge for what fits into no batch."""
    batch = [part.change for part in parts]
    if not batches.fits(batch):
        raise TooLarge(len(batch), len(batches.document(batch)))


def _foreseen(parts: Sequence[_Part]) -> list[Done]:
    """What would come of each, once people know what the site would warn of."""
    for part in parts:
        if part.match.file and part.done.kind in UPLOADS:
            uploads.warn(part.match, part.match.file.warnings)
    return [part.done for part in parts]


def _send(sides: Sides, parts: Sequence[_Part]) -> list[Done]:
    """Send them in one batch; says what came of each."""
    batch = [part.change for part in parts]
    parts = [_with_file(sides, part) for part in parts]
    try:
        saved = sides.client.batch(batch)
    except BatchRefused as error:
        sides.known.forget()
        refused = {one.change: one for one in error.refused}
        return [
            _refused(part.done, refused[number]) if number in refused else _held_back(part)
            for number, part in enumerate(parts)
        ]
    for part, item in zip(parts, saved, strict=True):
        _note_saved(sides, part, item)
    return [part.done for part in parts]


def _with_file(sides: Sides, part: _Part) -> _Part:
    """The same, once its file has what was merged."""
    file = part.match.file
    if not (part.under and file):
        return part
    body = part.change["body"]
    found = merges.into_file(sides, part.match, file, part.under, body)
    file = File(found, git_blob_id(body.encode()))
    return replace(part, match=replace(part.match, file=file, kept_at=found.path))


def _note_saved(sides: Sides, part: _Part, saved: SavedItem) -> None:
    match, file = part.match, part.match.file
    if "body" in part.change and file:
        uploads.note_saved(sides, match, file, part.change, saved)
    elif match.renamed and match.page:
        uploads.moved_along(sides, match, match.renamed, match.page, saved)
    else:
        sides.out_of_step(match)


def _held_back(part: _Part) -> Done:
    return replace(part.done, kind=Kind.LEAVE, reason="held back by what failed")


def _refused(done: Done, refusal: Refusal) -> Done:
    reason = uploads.STALE if refusal.is_stale else refusal.reason
    return replace(done, kind=Kind.FAIL, reason=reason)
