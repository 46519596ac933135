"""One page's change from lock to cache: acquire, claim, check, commit, publish, release.

The lock keeps editors from getting in each other's way. That no edit is lost does not depend on
it: the claim and the version check in SQL see to that (see docs/architecture.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from math import inf
from uuid import uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from sheaf import redis_client, scripts, settings, telemetry
from sheaf.http import documents, problems
from sheaf.http.conditions import Precondition, version_etag
from sheaf.http.problems import Problem
from sheaf.locks import Lock, LockError, LockNotOwnedError, engines
from sheaf.locks.redis import RedisLock
from sheaf.pages import claims, page_cache, saves
from sheaf.pages.claims import Claim, ClaimRefused
from sheaf.pages.reads import Page, PageItem
from sheaf.pages.saves import EMPTY, Content, Write
from sheaf.sharding import shards
from sheaf.sharding.ownership import Moved
from writes import leases

# Far longer than a save takes. One that outlives it all the same (a connect and two statements
# have up to 5 s each) is stopped by the claim.
_LEASE_SECONDS = 10.0
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


def put(
    slug: str,
    precondition: Precondition,
    author: str,
    comment: str,
    content: Content,
    lease: int | None = None,
    time_left: float = inf,
) -> Saved:
    """Create or update a page; `lease` is the fence of the edit lease that the author names.

    `time_left` is how many seconds the caller has. Raises a 409, 412 or 423 Problem when it changed
    nothing, and 503, or an error of the database, when a service failed: if the connection broke
    during the save, it may have been stored.
    """
    write = Write(uuid4(), author, comment, "live", content)
    return _carry_out(_Change(slug, precondition, write, lease), time_left)


def remove(
    slug: str,
    precondition: Precondition,
    author: str,
    lease: int | None = None,
    time_left: float = inf,
) -> Saved:
    """Delete a page, leaving a tombstone and its history; raises 404, 409, 410, 412, 423, 503."""
    write = Write(uuid4(), author, "", "tombstone", EMPTY)
    return _carry_out(_Change(slug, precondition, write, lease), time_left)


def _carry_out(change: _Change, time_left: float) -> Saved:
    slug, content = change.slug, change.write.content
    with _problems_for(slug):
        lock = engines.current().lock(page_cache.key(slug), _LEASE_SECONDS)
        wait = min(_WAIT_SECONDS, time_left - _SAVE_SECONDS)
        if not lock.acquire(blocking_timeout=wait):
            telemetry.measure(LockBusy=1)
            raise problems.busy(1, f"Somebody else is saving {slug} at this moment.")
        claim, item = _commit(change, lock)
    page = Page(**asdict(item), body=content.body, html=content.html)
    _announce(page, lock)
    return Saved(page, created=not claim.live)


def _commit(change: _Change, lock: Lock) -> tuple[Claim, PageItem]:
    try:
        return _attempt(change, lock)
    except Exception as error:
        if not _may_be_saved(error):
            _release(lock)
        raise


@shards.following_moves
def _attempt(change: _Change, lock: Lock) -> tuple[Claim, PageItem]:
    with shards.owning(change.slug).connect() as connection:
        try:
            return _claim_and_save(connection, change, lock)
        except ClaimRefused as refused:
            telemetry.measure(FenceRejected=1)
            # Our fence may be too low only because the lock service lost its counter, or was
            # exchanged for another. It gives a higher one if the lock is still ours.
            lock.reissue(refused.stored_fence)
        return _claim_and_save(connection, change, lock)


def _claim_and_save(connection: Connection, change: _Change, lock: Lock) -> tuple[Claim, PageItem]:
    slug, write, lease = change.slug, change.write, change.lease
    with leases.respected(connection, slug, write, change.precondition.based_on, lease):
        claim = claims.claim(connection, slug, lock.fence, lock.token)
        leases.check(claim, write.author, lease)
        _check(change.precondition, claim, write)
        return claim, saves.save(connection, claim, write)


def _may_be_saved(error: Exception) -> bool:
    """Whether the answer to a save was lost: then the lock stays until it expires."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _check(precondition: Precondition, claim: Claim, write: Write) -> None:
    if precondition.holds(claim.version, live=claim.live):
        return
    if write.state == "tombstone" and not claim.live:
        if not claim.version:
            raise problems.not_found(f"page {claim.slug}")
        raise problems.gone(claim.slug, claim.version)
    raise problems.precondition_failed(_current(claim))


def _current(claim: Claim) -> dict[str, object] | None:
    if not claim.version:
        return None
    return {
        "version": claim.version,
        "etag": version_etag(claim.version),
        "state": claim.state,
        "author": claim.author,
        "updated_at": claim.updated_at,
    }


def _announce(page: Page, lock: Lock) -> None:
    """Publish the page and give the lock back, in one round trip if both are in one place.

    The page was committed: if this fails, the save has not, and the relay will publish the page.
    """
    client = redis_client.connect(settings.current().cache_url)
    try:
        key, entry = page_cache.key(page.slug), documents.entry(page)
        if isinstance(lock, RedisLock) and lock.client is client:
            lock.release(ahead=page_cache.versioned().publication(key, entry, lock.proof))
            return
        # Only a lock in the same place could prove that nobody has saved the page since.
        scripts.run(client, page_cache.versioned().publication(key, entry))
    except Exception as failure:  # noqa: BLE001 - the save stands, whatever goes wrong now
        telemetry.logger().warning("not published", slug=page.slug, exc_info=failure)
    _release(lock)


def _release(lock: Lock) -> None:
    try:
        lock.release()
    except LockError as failure:
        telemetry.logger().warning("not released", reason=str(failure))


@contextmanager
def _problems_for(slug: str) -> Iterator[None]:
    try:
        yield
    except (LockNotOwnedError, ClaimRefused, saves.LockLost) as error:
        telemetry.measure(LockLost=1)
        detail = f"Somebody else saved {slug} first. Nothing of this change was stored."
        raise Problem(HTTPStatus.CONFLICT, "lock-lost", detail, {"retry-after": "1"}) from error
    except LockError as error:
        raise problems.unavailable("lock service") from error
    except Moved as error:
        raise problems.unavailable("database that has the page") from error
