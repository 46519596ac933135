"""Import, export, or both: both sides are looked at, a plan is made, and carried out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sheaf.cli import batches, downloads, jobs, matching, merges, planning, survey, uploads
from sheaf.cli.base import Base, Entry
from sheaf.cli.client import ApiError, Client, PageItem
from sheaf.cli.folder import DRAFT, Folder, Found, Refused
from sheaf.cli.listing import Known
from sheaf.cli.matching import Clash, File, Match, Matches
from sheaf.cli.pace import Pace
from sheaf.cli.places import Places
from sheaf.cli.planning import Aim, Kind, Step
from sheaf.cli.reports import Done, Report
from sheaf.cli.sides import InConflict, Left, Sides, Stale

# What asks nothing of the site.
_IDLE = (Kind.KEEP, Kind.LEAVE, Kind.CONFLICT, Kind.FAIL)
# What sends the text of a file: several can go together.
UPLOADS = (Kind.CREATE, Kind.UPDATE)
# What brings the text of a file to the site.
_SENT = (*UPLOADS, Kind.MERGE)
# How a step may end that leaves the others to go on.
EXPECTED = (Left, InConflict, Stale, Refused, ApiError, OSError)


@dataclass(frozen=True)
class Task:
    """What to bring into step, and how. With `dry` nothing is written, to neither side.

    Without `drafts` files that say that they are drafts are left as they are, and so are their
    pages, if they have any.
    """

    root: Path
    aim: Aim
    prefix: str = ""
    threads: int = 4
    dry: bool = False
    drafts: bool = False


def run(client: Client, task: Task) -> Report:
    """Do what the task says, one file or page at a time; what was done is kept if it is ended.

    Raises ClientError if the site cannot be reached or does not let us write, BadBase, and OSError
    for a folder that cannot be read.
    """
    sides, steps, report = prepare(client, task)
    # Of most files nothing is to be done: they need no threads.
    at_once = [step for step in steps if step.kind in _IDLE]
    others = [step for step in steps if step.kind not in _IDLE]
    try:
        for step in at_once:
            report.note(carry_out(sides, task, step))
        _run(sides, task, others, report)
    finally:
        keep(sides, task)
    return report


def _run(sides: Sides, task: Task, steps: Sequence[Step], report: Report) -> None:
    pace = Pace(batches.MAX_CHANGES, batches.MAX_BYTES // 2)
    jobs.run(
        partial(_carry_out_together, sides, task, pace),
        steps,
        take=lambda waiting: pace.portion(waiting, _upload_size),
        at_once=lambda: 1 if pace.has_readers else task.threads,
        note=report.note,
    )


def _upload_size(step: Step) -> int | None:
    """How long the text is that a step sends to the site; None if it is none of these."""
    file = step.match.file
    return file.found.stamp.size if file and step.kind in UPLOADS else None


def keep(sides: Sides, task: Task) -> None:
    """Keep the base for the next call, which overwrites nobody without it either."""
    if task.dry:
        return
    try:
        sides.base.save()
        if sides.base.entries:
            sides.known.save()
    except OSError as error:
        jobs.report(f"{sides.base.file} cannot be written ({error.strerror}): there is no base")


def prepare(client: Client, task: Task) -> tuple[Sides, list[Step], Report]:
    """Look at both sides, and decide. The report has what can be no page; raises as `run`."""
    if task.aim.to_folder and not task.dry:
        task.root.mkdir(parents=True, exist_ok=True)
    folder = Folder(task.root, dry=task.dry)
    known = Known(task.root, client.url)
    sides = Sides(client, folder, Places(task.prefix), _base(client, task), known)
    report, entries = Report(task.dry), sides.base.entries
    files = _files(folder, entries, report, drafts=task.drafts)
    pages = survey.pages(client, task.prefix, known, entries)
    found = matching.match(files, entries, pages, sides.places, folder.key)
    for path in found.forgotten:
        sides.base.forget(path)
    for fault in _faults(found, task.aim):
        report.note(fault)
    steps = _decided(sides, found, task)
    if task.aim.to_site:
        report.passed_over += _drafts(files, found)
        sent = _sent(steps)
        report.unused = Counter(key for file in sent for key in file.unused)
        report.templates = sum(file.has_templates for file in sent)
    return sides, steps, report


def _files(
    folder: Folder, entries: Mapping[str, Entry], report: Report, *, drafts: bool
) -> list[File]:
    contents = folder.contents()
    report.passed_over = contents.passed_over
    return survey.files(folder, contents.files, entries, drafts=drafts)


def _base(client: Client, task: Task) -> Base:
    return Base.load(task.root, client.url, task.prefix)


def _decided(sides: Sides, found: Matches, task: Task) -> list[Step]:
    deleted = survey.deleted(sides.client, task.prefix, found.matches)
    matches = survey.compared(sides.client, sides.folder, found.matches, task.threads)
    has_base = any(map(planning.is_based, found.matches))
    steps = (planning.decide(each, deleted, task.aim, has_base=has_base) for each in matches)
    return [step for step in steps if step]


def _drafts(files: Sequence[File], found: Matches) -> Counter[str]:
    """How many drafts there are that hold no page."""
    drafts = sum(file.is_draft for file in files)
    held = sum(bool(one.page and one.file and one.file.is_draft) for one in found.matches)
    return Counter({DRAFT: drafts - held})


def _sent(steps: Iterable[Step]) -> list[File]:
    """The files that go to the site."""
    files = (step.match.file for step in steps if step.kind in _SENT)
    return [file for file in files if file]


def _faults(found: Matches, aim: Aim) -> Iterable[Done]:
    for clash in found.clashes:
        if aim.to_folder if clash.of_page else aim.to_site:
            yield _fault(clash)


def _fault(clash: Clash) -> Done:
    return Done(Kind.FAIL, "" if clash.of_page else clash.path, clash.slug, clash.reason)


def carry_out(sides: Sides, task: Task, step: Step) -> Done:
    """Do one step, and say what came of it; raises ApiError if others would meet the same."""
    done = planned(step)
    try:
        return _try(sides, step, done) if task.dry else _do(sides, task, step, done)
    except EXPECTED as error:
        if isinstance(error, Stale) or (isinstance(error, ApiError) and error.is_surprise):
            sides.known.forget()
        return ended(done, error)


def _carry_out_together(
    sides: Sides, task: Task, pace: Pace, steps: Sequence[Step]
) -> Iterable[Done]:
    """Do some steps in one request, if that can be; else each by itself, as `carry_out` does."""
    if task.dry or steps[0].kind not in UPLOADS or not _upload(sides, task, pace, steps):
        return [carry_out(sides, task, step) for step in steps]
    return [planned(step) for step in steps]


def _upload(sides: Sides, task: Task, pace: Pace, steps: Sequence[Step]) -> bool:
    """Whether all these texts are on the site; if not none is. Raises as `carry_out`."""
    try:
        parts = [
            (step.match, file, uploads.change(sides, step.match, file, step.match.page, task.aim))
            for step in steps
            if (file := step.match.file)
        ]
        changes = [change for _, _, change in parts]
        if not batches.fits(changes):
            return False
        size = sum(len(change["body"].encode()) for change in changes)
        saved, timing = sides.client.timed_batch(changes)
        pace.hear(timing, len(changes), size)
    except (Refused, OSError):
        return False
    except ApiError as error:
        if error.is_general:
            raise
        return False
    for (match, file, change), item in zip(parts, saved, strict=True):
        uploads.note_saved(sides, match, file, change, item)
    return True


def planned(step: Step) -> Done:
    """What will have been done, if nothing comes between."""
    match = step.match
    file = match.path if match.file or match.entry else ""
    size = match.file.found.stamp.size if match.file else 0
    return Done(step.kind, file, match.slug, step.reason, size)


def ended(done: Done, error: Exception) -> Done:
    """What came of a step that ended so; raises ApiError if others would meet the same."""
    match error:
        case Left():
            return replace(done, kind=Kind.LEAVE, reason=str(error))
        case InConflict():
            return replace(done, kind=Kind.CONFLICT, reason=str(error))
        case OSError():
            return replace(done, kind=Kind.FAIL, reason=str(error.strerror))
        case ApiError(moved_to=str(there)):
            return replace(done, kind=Kind.LEAVE, reason=f"the page is at {there} now")
        case ApiError(is_general=True):
            raise error
    return replace(done, kind=Kind.FAIL, reason=str(error))


def _try(sides: Sides, step: Step, done: Done) -> Done:
    """What would come of a step, as far as that can be known."""
    one, file, page = step.match, step.match.file, step.match.page
    if step.kind == Kind.MERGE and file and page:
        merges.merged(sides, one, file, page)
    if step.kind == Kind.CREATE and (there := sides.client.moved_to(one.slug)):
        raise Left(f"the page is at {there} now")
    if step.kind in UPLOADS and file:
        uploads.warn(one, file.warnings)
    return done


def _do(sides: Sides, task: Task, step: Step, done: Done) -> Done:
    one, file, page = step.match, step.match.file, step.match.page
    if file and page:
        return _with_both(sides, task, one, file, page, done)
    if page:
        return _with_page(sides, one, page, done)
    if file and step.kind == Kind.CREATE:
        return replace(done, kind=uploads.create(sides, one, file))
    if file and step.kind == Kind.DELETE_FILE:
        downloads.delete_file(sides, one, file)
    return done


def _with_both(
    sides: Sides, task: Task, one: Match, file: File, page: PageItem, done: Done
) -> Done:
    if done.kind == Kind.UPDATE:
        return replace(done, kind=uploads.update(sides, one, file, page, task.aim))
    if done.kind == Kind.WRITE:
        return _written(done, downloads.write(sides, one, page))
    if done.kind == Kind.MOVE_FILE:
        moved = _written(done, downloads.move_file(sides, one, file, page))
        return replace(moved, file=done.file)
    if done.kind == Kind.MERGE:
        merges.merge(sides, one, file, page, to_site=task.aim.to_site)
    elif done.kind == Kind.KEEP and planning.is_in_step(one):
        sides.in_step(one, page, file.found, file.blob)
    return done


def _with_page(sides: Sides, one: Match, page: PageItem, done: Done) -> Done:
    if done.kind == Kind.WRITE:
        return _written(done, downloads.write(sides, one, page))
    if done.kind == Kind.DELETE_PAGE:
        uploads.delete_page(sides, one, page)
    elif done.kind == Kind.MOVE_PAGE and one.renamed:
        uploads.move_page(sides, one, one.renamed, page)
    return done


def _written(done: Done, found: Found | None) -> Done:
    if found is None:
        return replace(done, kind=Kind.KEEP)
    return replace(done, file=found.path, size=found.stamp.size)
