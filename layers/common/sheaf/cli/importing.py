"""Import: a folder of Markdown becomes pages, and what is there already is left alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path, PurePosixPath

from sheaf import slugs
from sheaf.cli import folder, jobs
from sheaf.cli.client import ApiError, Client, PageItem, Warned
from sheaf.cli.jobs import PageFailed
from sheaf.hashing import git_blob_id

CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"
# No request may be larger, so no page is: such a file need not be read and sent.
_MAX_BYTES = 1024 * 1024
STALE = "somebody changed the page meanwhile; it was not overwritten"


@dataclass(frozen=True)
class Upload:
    """A file, the slug of its page, and that page if the site has it."""

    file: PurePosixPath
    slug: str
    page: PageItem | None


@dataclass(frozen=True)
class Plan:
    """What to bring to the site, and the files that cannot be pages."""

    uploads: tuple[Upload, ...]
    failures: tuple[PageFailed, ...]


def import_folder(client: Client, root: Path, threads: int) -> Counter[str]:
    """Bring every Markdown file below `root` to the site; count what was done.

    Raises ClientError if the site cannot be reached or does not let us write.
    """
    listing = {page.slug: page for page in client.pages()}
    todo = plan(folder.markdown_files(root), listing)
    for failure in todo.failures:
        jobs.report(failure)
    counts = jobs.run(partial(_upload, client, root), todo.uploads, threads)
    counts[jobs.FAILED] += len(todo.failures)
    return counts


def plan(files: Iterable[PurePosixPath], listing: Mapping[str, PageItem]) -> Plan:
    """Give each file its page. Of two files with one slug (é in two spellings) the first wins."""
    uploads: dict[str, Upload] = {}
    failures = []
    for file in files:
        try:
            slug = folder.slug_of(file)
        except slugs.BadSlug as error:
            failures.append(PageFailed(f"{file}: {error}"))
            continue
        if slug in uploads:
            failures.append(PageFailed(f"{file}: {uploads[slug].file} is the same page"))
        else:
            uploads[slug] = Upload(file, slug, listing.get(slug))
    return Plan(tuple(uploads.values()), tuple(failures))


def read(root: Path, upload: Upload) -> str:
    """The text of a file; raises PageFailed if it can be none of a page."""
    file = root / upload.file
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise PageFailed(f"{upload.file}: larger than 1 MiB")
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise PageFailed(f"{upload.file}: not UTF-8") from error
    except OSError as error:
        raise PageFailed(f"{upload.file}: {error.strerror}") from error


def warn(upload: Upload, warnings: Iterable[Warned]) -> None:
    """Report what the site has said of a file that it took."""
    for warning in warnings:
        jobs.report(f"{upload.file}: line {warning.line}: {warning.reason}")


def _upload(client: Client, root: Path, upload: Upload) -> str:
    try:
        return _bring(client, upload, read(root, upload))
    except ApiError as error:
        if error.is_general:
            raise
        raise PageFailed(f"{upload.file}: {error}") from error


def _bring(client: Client, upload: Upload, body: str) -> str:
    blob, page = git_blob_id(body.encode()), upload.page
    if page and page.blob == blob:
        return UNCHANGED
    try:
        saved = client.save(upload.slug, body.encode(), page.version if page else None)
    except ApiError as error:
        if error.status != HTTPStatus.PRECONDITION_FAILED:
            raise
        # Perhaps it was us: a save whose answer was lost and that was sent again.
        if client.page(upload.slug).blob != blob:
            raise PageFailed(f"{upload.file}: {STALE}") from error
        return UNCHANGED
    warn(upload, saved.warnings)
    return CREATED if saved.is_new else UPDATED
