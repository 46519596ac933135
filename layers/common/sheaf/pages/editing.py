"""One page's change from lock to cache: acquire, claim, check, commit, publish, release.

The lock keeps editors from getting in each other's way. That no edit is lost does not depend on
it: the claim and the version check in SQL see to that (see docs/architecture.md).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import inf
from uuid import UUID, uuid4

from sqlalchemy import Connection

from sheaf import telemetry
from sheaf.caching.entry import Entry
from sheaf.database.outages import Unavailable
from sheaf.hashing import git_blob_id
from sheaf.locks import Lock, LockError, LockNotOwnedError, engines
from sheaf.pages import claims, drafts, edit_leases, page_cache, preconditions, saves
from sheaf.pages.claims import Claim, ClaimRefused
from sheaf.pages.edit_leases import Lease, LeaseHeld
from sheaf.pages.errors import Busy, LeaseLost, Overtaken
from sheaf.pages.preconditions import Precondition
from sheaf.pages.reads import Page, PageItem
from sheaf.pages.saves import EMPTY, Content, LockLost, Write
from sheaf.rendering import markdown, source
from sheaf.sharding import shards

# Makes of a page what the cache keeps and readers get.
Document = Callable[[Page], Entry]

# The lock's timeout is far longer than a save takes. One that outlives it all the same (a connect
# and two statements have up to 5 s each) is stopped by the claim.
_LOCK_SECONDS = 10.0
_WAIT_SECONDS = 0.5
# What a save needs once it has the lock, as a rule many times over.
_SAVE_SECONDS = 2.0


@dataclass(frozen=True)
class Saved:
    """A change that was committed."""

    page: Page
    created: bool


@dataclass(frozen=True)
class _Change:
    """What somebody wants done to a page, and under which conditions."""

    slug: str
    precondition: Precondition
    write: Write
    lease: int | None


def compose(
    slug: str, body: str, title: str | None = None, tags: list[str] | None = None
) -> Content:
    """Render the body and derive the rest: title and tags if not given, search text, links."""
    parts = source.parse(body)
    rendered = markdown.render(parts.text, slug)
    return Content(
        title=title or source.title(parts, rendered.title, slug),
        tags=parts.tags if tags is None else tuple(dict.fromkeys(tags)),
        body=body,
        html=rendered.html,
        blob=git_blob_id(body.encode()),
        headings=rendered.headings,
        plain=rendered.plain,
        links=rendered.links,
    )


def put(
    slug: str,
    precondition: Precondition,
    author: str,
    comment: str,
    content: Content,
    *,
    document: Document,
    lease: int | None = None,
    time_left: float = inf,
) -> Saved:
    """Create or update a page, and publish the `document` that is made of it.

    `lease` is the fence of the edit lease that the author names, `time_left` how many seconds the
    caller has. Raises Busy, Outdated, Overtaken, LeaseLost, LeaseHeld or LockError when it changed
    nothing, and Unavailable, after which it may have changed the page if that is `in_doubt`.
    """
    write = Write(uuid4(), author, comment, "live", content)
    return _carry_out(_Change(slug, precondition, write, lease), document, time_left)


def remove(
    slug: str,
    precondition: Precondition,
    author: str,
    *,
    document: Document,
    lease: int | None = None,
    time_left: float = inf,
) -> Saved:
    """Delete a page, leaving a tombstone and its history; raises NotFound and Deleted, too."""
    write = Write(uuid4(), author, "", "tombstone", EMPTY)
    return _carry_out(_Change(slug, precondition, write, lease), document, time_left)


def _carry_out(change: _Change, document: Document, time_left: float) -> Saved:
    slug, content = change.slug, change.write.content
    with _overtaken(slug):
        lock = engines.current().lock(page_cache.key(slug), _LOCK_SECONDS)
        wait = min(_WAIT_SECONDS, time_left - _SAVE_SECONDS)
        if not lock.acquire(blocking_timeout=wait):
            telemetry.measure(LockBusy=1)
            raise Busy(slug)
        claim, item = _commit(change, lock)
    page = Page(**asdict(item), body=content.body, html=content.html)
    _announce(page, lock, document)
    return Saved(page, created=not claim.live)


@contextmanager
def _overtaken(slug: str) -> Iterator[None]:
    try:
        yield
    except (LockNotOwnedError, ClaimRefused, LockLost) as error:
        telemetry.measure(LockLost=1)
        raise Overtaken(slug) from error


def _commit(change: _Change, lock: Lock) -> tuple[Claim, PageItem]:
    try:
        return shards.write(change.slug, _attempt, change, lock)
    except Exception as error:
        # If the answer to a save was lost, the lock stays until it expires.
        if not (isinstance(error, Unavailable) and error.in_doubt):
            _release(lock)
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
        _check_lease(slug, claim.lease, write.author, change.lease)
        preconditions.check(change.precondition, claim, deletes=write.state == "tombstone")
        return claim, saves.save(connection, claim, write)


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
            _check_lease(slug, lease, write.author, change.lease)
            raise
    except LeaseLost as lost:
        raise LeaseLost(slug, lost.holder, _keep(connection, change)) from lost


def _check_lease(slug: str, lease: Lease | None, author: str, presented: int | None) -> None:
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


def _announce(page: Page, lock: Lock, document: Document) -> None:
    """Publish the page and give the lock back, in one round trip if both are in one place.

    The page was committed: if this fails, the save has not, and the relay will publish the page.
    """
    try:
        key, cache = page_cache.key(page.slug), page_cache.versioned()
        lock.publish_and_release(cache, key, document(page))
    except Exception as failure:  # noqa: BLE001 - the save stands, whatever goes wrong now
        why = telemetry.reason(failure)
        telemetry.logger().warning("not published", slug=page.slug, reason=why)
        _release(lock)


def _release(lock: Lock) -> None:
    try:
        lock.release()
    except LockError as failure:
        telemetry.logger().warning("not released", reason=str(failure))
