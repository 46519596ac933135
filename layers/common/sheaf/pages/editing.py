"""One page's change from lock to cache: acquire, claim, check, commit, publish, release.

The lock keeps editors from getting in each other's way. That no edit is lost does not depend on
it: the claim and the version check in SQL see to that (see docs/architecture.md).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from time import monotonic, sleep
from uuid import UUID, uuid4

from redis import RedisError
from sqlalchemy import Connection

from sheaf import slugs, telemetry
from sheaf.caching.entry import Entry
from sheaf.hashing import git_blob_id
from sheaf.locks import Lock, LockError, LockNotOwnedError, MultiLock, engines
from sheaf.pages import (
    claims,
    drafts,
    edit_leases,
    events,
    idempotency,
    page_cache,
    preconditions,
    saves,
)
from sheaf.pages.claims import Claim, ClaimRefused
from sheaf.pages.edit_leases import Lease, LeaseHeld
from sheaf.pages.errors import (
    Busy,
    Deleted,
    LeaseLost,
    MovedAway,
    NotFound,
    OtherFile,
    Outdated,
    Overtaken,
    Taken,
    TooComplex,
)
from sheaf.pages.idempotency import Key, KeyUsed, Saved
from sheaf.pages.preconditions import Precondition
from sheaf.pages.reads import Page, PageItem
from sheaf.pages.saves import EMPTY, Content, LockLost, Write
from sheaf.rendering import articles, markdown, source
from sheaf.rendering.work import TooMuch
from sheaf.sharding import shards

# Makes of a page what the cache keeps and readers get.
Document = Callable[[Page], Entry]

# The lock's timeout is far longer than a save takes. One that outlives it all the same (a connect
# and two statements have up to 5 s each) is stopped by the claim.
_LOCK_SECONDS = 10.0
_WAIT_SECONDS = 0.5
# What a save needs once it has the lock, as a rule many times over.
_SAVE_SECONDS = 2.0
# Nothing was done for one of these reasons. (A lost edit lease has the text kept.)
_REFUSALS = (Busy, Deleted, LeaseHeld, LeaseLost, MovedAway, NotFound, Outdated, Overtaken)
# For how long a failed publication is tried again, and the first pause: they double.
_PUBLISH_SECONDS = 2.0
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class _Change:
    """What somebody wants done to a page, and under which conditions."""

    slug: str
    precondition: Precondition
    write: Write
    lease: int | None
    # Where a redirect leads.
    moved_to: str | None = None


def refuse_early(slug: str, precondition: Precondition) -> None:
    """Raise Outdated, if this process has met a newer version, before the text is even rendered.

    The database has the last word: raises Unavailable, too.
    """
    based_on = precondition.based_on
    if based_on is not None and based_on < page_cache.newest(slug):
        preconditions.check(precondition, shards.read(slug, claims.look), deletes=False)


def repeated(slug: str, key: Key) -> Saved | None:
    """What came of the write that had this key first, if it was done.

    Raises KeyReused if that was another request, and Unavailable.
    """
    return shards.read(slug, idempotency.find, key)


def compose(
    slug: str,
    body: str,
    title: str | None = None,
    tags: list[str] | None = None,
    file: str | None = None,
) -> Content:
    """Render the body and derive the rest, title and tags only if they are not given.

    `file` is the page's, if that is not {slug}.md: it says where relative links start.

    Raises TooComplex for a text that is too much for a page.
    """
    parts = source.parse(body)
    try:
        rendered = markdown.render(parts.text, slug, file or "")
    except TooMuch as found:
        lines_before = body.removesuffix(parts.text).count("\n")
        raise TooComplex(found.reason, lines_before + found.line) from found
    name = source.title(parts, rendered.heading, slug, title)
    return Content(
        title=name.text,
        tags=parts.metadata.tags if tags is None else tuple(dict.fromkeys(tags)),
        body=body,
        html=articles.stored(name.headline, rendered.html),
        blob=git_blob_id(body.encode()),
        headings=rendered.headings,
        plain=rendered.plain,
        links=rendered.links,
        warnings=parts.warnings,
        folder=slugs.folder_of(slug, file or ""),
        lang=parts.metadata.lang or "",
    )


def put(
    slug: str,
    precondition: Precondition,
    author: str,
    comment: str,
    content: Content,
    *,
    document: Document,
    origin: str = "",
    file: str | None = None,
    lease: int | None = None,
    key: Key | None = None,
    time_left: float = inf,
) -> Saved:
    """Create or update a page, and publish the `document` that is made of it.

    `origin` says how it comes about, if not by an edit (see events.py), and `file` from which file,
    as a Write does. `lease` is the fence of the edit lease that the author names, `time_left` how
    many seconds the caller has. With a `key`, what comes of it is kept, and if a write with this
    key was done meanwhile, that is returned. Raises Busy, Outdated, MovedAway, Overtaken,
    LeaseLost, LeaseHeld, KeyReused or LockError when it changed nothing, and Unavailable, after
    which it may have changed the page unless that is `undone`.
    """
    write = Write(uuid4(), author, comment, "live", content, key, origin, file)
    carry_out = _once if key else _carry_out
    return carry_out(_Change(slug, precondition, write, lease), document, time_left)


def remove(
    slug: str,
    precondition: Precondition,
    author: str,
    *,
    document: Document,
    lease: int | None = None,
    key: Key | None = None,
    time_left: float = inf,
) -> Saved:
    """Delete a page, leaving a tombstone and its history; raises NotFound and Deleted, too."""
    write = Write(uuid4(), author, "", "tombstone", EMPTY, key)
    carry_out = _once if key else _carry_out
    return carry_out(_Change(slug, precondition, write, lease), document, time_left)


def lead(slug: str, moved_to: str, author: str, *, document: Document) -> None:
    """Have a slug at which nothing ever was lead to a page, of which it is an alias.

    Raises Taken if something was there, and as `put`.
    """
    write = Write(uuid4(), author, "", "redirect", EMPTY, origin=events.ALIAS)
    _carry_out(_Change(slug, Precondition(None), write, None, moved_to), document, inf)


def _once(change: _Change, document: Document, time_left: float) -> Saved:
    """As `_carry_out`; a write with the same key that was done meanwhile is the answer."""
    try:
        return _carry_out(change, document, time_left)
    except _REFUSALS:
        if change.write.key and (first := repeated(change.slug, change.write.key)):
            return first
        raise


def _carry_out(change: _Change, document: Document, time_left: float) -> Saved:
    slug, content = change.slug, change.write.content
    give_up_at = monotonic() + time_left - _SAVE_SECONDS
    with overtaken(slug):
        lock = _locked(change, give_up_at)
        claim, item = _commit(change, lock)
    page = Page.of(item, content.body, content.html, change.moved_to)
    _announce(page, lock, document, min(give_up_at, monotonic() + _PUBLISH_SECONDS))
    return Saved(page, not claim.live, content.warnings)


def _locked(change: _Change, give_up_at: float) -> Lock:
    """The page's lock, taken. Raises Busy, and for a change that is refused in any case, why."""
    lock = engines.current().lock(page_cache.key(change.slug), _LOCK_SECONDS)
    give_up_at = min(give_up_at, monotonic() + _WAIT_SECONDS)
    if lock.acquire(blocking=False):
        return lock
    # Who is too late already need not wait to hear it. (Whose edit lease is lost waits all the
    # same: the text becomes a draft.)
    with suppress(LeaseLost):
        _check(change, shards.read(change.slug, claims.look))
    if not lock.acquire(blocking_timeout=give_up_at - monotonic()):
        telemetry.measure(LockBusy=1)
        raise Busy(change.slug)
    return lock


@contextmanager
def overtaken(slug: str) -> Iterator[None]:
    """Raise Overtaken for what says that somebody else was faster, and Busy for a used key."""
    try:
        yield
    except (LockNotOwnedError, ClaimRefused, LockLost) as error:
        telemetry.measure(LockLost=1)
        raise Overtaken(slug) from error
    except KeyUsed as error:
        raise Busy(slug) from error


def _commit(change: _Change, lock: Lock) -> tuple[Claim, PageItem]:
    try:
        return shards.write(change.slug, _attempt, change, lock)
    except Exception:
        # A save of which no answer came may yet be done. Nobody need wait for that: the next claim
        # finds it done, or leaves it no row to match; the relay publishes what nobody else does.
        release(lock)
        raise


def _attempt(
    connection: Connection, slug: str, change: _Change, lock: Lock
) -> tuple[Claim, PageItem]:
    try:
        return _claim_and_save(connection, slug, change, lock)
    except ClaimRefused as refused:
        telemetry.measure(FenceRejected=1)
        # Our fence may be too low only because the lock service lost its counter, or was
        # exchanged for another. It gives a higher one if the lock is still ours.
        lock.reissue(refused.stored_fence)
    return _claim_and_save(connection, slug, change, lock)


def _claim_and_save(
    connection: Connection, slug: str, change: _Change, lock: Lock
) -> tuple[Claim, PageItem]:
    write = change.write
    with _lease_respected(connection, change):
        claim = claims.claim(connection, slug, lock.fence, lock.token)
        _check(change, claim)
        check_file(claim, write)
        if change.moved_to:
            return claim, saves.redirect(connection, claim, write, change.moved_to)
        return claim, saves.save(connection, claim, write)


def check_file(claim: Claim, write: Write) -> None:
    """Raise OtherFile if the text was composed as that of another file than the page has."""
    file = saves.file_of(claim, write)
    if write.state == "live" and slugs.folder_of(claim.slug, file) != write.content.folder:
        raise OtherFile(file)


def _check(change: _Change, found: Claim) -> None:
    if change.moved_to:
        # It keeps nobody from making a page there, who may have an edit lease.
        if found.version:
            raise Taken(found)
        return
    check_lease(change.slug, found.lease, change.write.author, change.lease)
    write = change.write
    deletes = write.state == "tombstone"
    preconditions.check(change.precondition, found, deletes=deletes, origin=write.origin)


@contextmanager
def _lease_respected(connection: Connection, change: _Change) -> Iterator[None]:
    """Around a write from claim to save: answers for what an edit lease did to it.

    A claim that was lost may have been lost to somebody who took the edit lease meanwhile: that
    is asked once more. The text of a write that lost its lease becomes a draft of its author's.
    """
    slug, write = change.slug, change.write
    try:
        try:
            yield
        except (ClaimRefused, LockLost):
            lease = edit_leases.find(connection, slug)
            check_lease(slug, lease, write.author, change.lease)
            raise
    except LeaseLost as lost:
        raise LeaseLost(slug, lost.holder, _keep(connection, change)) from lost


def check_lease(slug: str, lease: Lease | None, author: str, presented: int | None) -> None:
    """Let a write pass that no edit lease stands against.

    With a lease presented it passes as long as nobody else took that lease, expired or not: else
    LeaseLost is raised. Without one, a live lease of somebody else raises LeaseHeld.
    """
    if presented is not None:
        if lease is None or (lease.holder, lease.fence) != (author, presented):
            raise LeaseLost(slug, lease.holder if lease else None)
    elif lease and lease.seconds_left and lease.holder != author:
        raise LeaseHeld(slug, lease)


def _keep(connection: Connection, change: _Change) -> UUID | None:
    write, based_on = change.write, change.precondition.based_on
    if write.state != "live":
        return None
    return drafts.keep(
        connection, change.slug, write.author, based_on, write.content, write.comment
    )


def _announce(page: Page, lock: Lock, document: Document, give_up_at: float) -> None:
    """Publish the page and give the lock back, in one round trip if both are in one place.

    The page was committed: if this fails, the save has not. It is tried again while there is time,
    and then it is the relay that publishes the page. This process shows nothing older meanwhile.
    """
    try:
        key, entry = lock.name, document(page)
        page_cache.saved(key, entry)
        _publish(lock, key, entry, give_up_at)
    except (RedisError, LockError) as failure:
        why = telemetry.reason(failure)
        telemetry.logger().warning("not published", slug=page.slug, reason=why)
        release(lock)
    except Exception:  # noqa: BLE001 - a fault of ours, and the save stands all the same
        telemetry.logger().exception("not published", slug=page.slug)
        release(lock)


def _publish(lock: Lock, key: str, entry: Entry, give_up_at: float) -> None:
    pause = _PAUSE_SECONDS
    while True:
        try:
            cache = page_cache.versioned()
            try:
                return lock.publish_and_release(cache, key, entry)
            except LockNotOwnedError:
                # It has no proof any more. Nothing is stored then, and what is older is removed.
                cache.publish(key, entry)
                return None
        except (RedisError, LockError):
            if monotonic() + pause > give_up_at:
                raise
        sleep(pause)
        pause *= 2


def release(lock: Lock | MultiLock) -> None:
    """Give a lock back after its work was done; what fails of that is a warning."""
    try:
        lock.release()
    except LockError as failure:
        telemetry.logger().warning("not released", reason=str(failure))
