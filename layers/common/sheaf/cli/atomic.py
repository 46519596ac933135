"""Atomic import: all that a folder of Markdown would change on the site, or nothing."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from sheaf.cli import batches, folder, importing, jobs
from sheaf.cli.batches import Change
from sheaf.cli.client import BatchRefused, Client, ClientError, Refusal
from sheaf.cli.importing import Upload
from sheaf.cli.jobs import PageFailed
from sheaf.hashing import git_blob_id


class TooLarge(ClientError):
    """What is to be brought in at once is more than a batch may be."""

    def __init__(self, pages: int, size: int) -> None:
        super().__init__(
            f"{pages:,} pages are to be created or changed, which is {size:,} bytes of JSON."
            f" All at once there may be {batches.MAX_CHANGES:,} pages and {batches.MAX_BYTES:,}"
            " bytes. Nothing was sent."
        )


def import_at_once(client: Client, root: Path) -> Counter[str]:
    """Bring every Markdown file below `root` to the site, all or none; count what was done.

    What keeps one file from being a page is reported and keeps all from it. Raises TooLarge before
    anything is sent, and ClientError if the site cannot be reached or does not let us write.
    """
    listing = {page.slug: page for page in client.pages()}
    todo = importing.plan(folder.markdown_files(root), listing)
    changes, unreadable = _changes(root, todo.uploads)
    failures = [*todo.failures, *unreadable]
    if changes and not failures:
        failures = _send(client, changes)
    for failure in failures:
        jobs.report(failure)
    done = [] if failures else [_outcome(upload) for upload in changes]
    unchanged = len(todo.uploads) - len(changes) - len(unreadable)
    return Counter(done) + Counter({importing.UNCHANGED: unchanged, jobs.FAILED: len(failures)})


def _changes(
    root: Path, uploads: tuple[Upload, ...]
) -> tuple[dict[Upload, Change], list[PageFailed]]:
    """What to send for the files of which the pages are others, and the files that cannot be."""
    changes: dict[Upload, Change] = {}
    failures = []
    for upload in uploads:
        try:
            body = importing.read(root, upload)
        except PageFailed as failure:
            failures.append(failure)
            continue
        if upload.page is None:
            changes[upload] = batches.imported(batches.creation(upload.slug, body))
        elif upload.page.blob != git_blob_id(body.encode()):
            new_text = batches.new_text(upload.slug, upload.page.version, body)
            changes[upload] = batches.imported(new_text)
    return changes, failures


def _send(client: Client, changes: Mapping[Upload, Change]) -> list[PageFailed]:
    """Send them in one batch; says which were refused. Raises TooLarge."""
    uploads, batch = list(changes), list(changes.values())
    if not batches.fits(batch):
        raise TooLarge(len(batch), len(batches.document(batch)))
    try:
        saved = client.batch(batch)
    except BatchRefused as error:
        return [PageFailed(f"{uploads[one.change].file}: {_reason(one)}") for one in error.refused]
    for upload, item in zip(uploads, saved, strict=True):
        importing.warn(upload, item.warnings)
    return []


def _reason(refusal: Refusal) -> str:
    return importing.STALE if refusal.is_stale else refusal.reason


def _outcome(upload: Upload) -> str:
    return importing.UPDATED if upload.page else importing.CREATED
