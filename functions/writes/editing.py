"""One page's change from lock to cache: acquire, claim, check, commit, publish, release.

The lock keeps editors from getting in each other's way. That no edit is lost does not depend on
it: the claim and the version check in SQL see to that (see docs/architecture.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from uuid import uuid4

from redis import RedisError
from sqlalchemy.exc import DBAPIError

from sheaf import redis_client, settings, telemetry
from sheaf.caching import PageCache
from sheaf.locks import Lock, LockError
from sheaf.locks.redis import RedisLock
from sheaf.rendering import documents
from sheaf.storage import claims, saves, shards
from sheaf.storage.claims import Claim
from sheaf.storage.pages import Page, PageItem
from sheaf.storage.saves import EMPTY, Content, Write
from sheaf.web import problems
from sheaf.web.conditions import Precondition, version_etag
from sheaf.web.problems import Problem
from writes import leases

# Far longer than a save takes. One that outlives it all the same (a connect and two statements
# have up to 5 s each) is stopped by the claim.
_LEASE_SECONDS = 10.0
_WAIT_SECONDS = 0.5


@dataclass(frozen=True)
class Saved:
    """A change that was committed."""

    page: Page
    created: bool


def put(
    slug: str,
    precondition: Precondition,
    author: str,
    comment: str,
    content: Content,
    lease: int | None = None,
) -> Saved:
    """Create or update a page; `lease` is the fence of the edit lease that the author names.

    Raises a 409, 412 or 423 Problem when it changed nothing, and 503, or an error of the database,
    when a service failed: if the connection broke during the save, it may have been stored.
    """
    write = Write(uuid4(), author, comment, "live", content)
    return _change(slug, precondition, write, lease)


def remove(slug: str, precondition: Precondition, author: str, lease: int | None = None) -> Saved:
    """Delete a page, leaving a tombstone and its history; raises 404, 409, 410, 412, 423, 503."""
    write = Write(uuid4(), author, "", "tombstone", EMPTY)
    return _change(slug, precondition, write, lease)


def _change(slug: str, precondition: Precondition, write: Write, lease: int | None) -> Saved:
    lock: Lock = RedisLock(
        redis_client.connect(settings.current().cache_url), f"page:{slug}", _LEASE_SECONDS
    )
    with _problems_for(slug):
        if not lock.acquire(blocking_timeout=_WAIT_SECONDS):
            raise problems.busy(1, f"Somebody else is saving {slug} at this moment.")
        claim, item = _commit(slug, precondition, write, lock, lease)
    page = Page(**asdict(item), body=write.content.body, html=write.content.html)
    _announce(page, lock)
    return Saved(page, created=not claim.live)


def _commit(
    slug: str, precondition: Precondition, write: Write, lock: Lock, lease: int | None
) -> tuple[Claim, PageItem]:
    try:
        with (
            shards.owning(slug).connect() as connection,
            leases.respected(connection, slug, write, precondition.based_on, lease),
        ):
            claim = claims.claim(connection, slug, lock.fence, lock.token)
            leases.check(claim, write.author, lease)
            _check(precondition, claim, write)
            return claim, saves.save(connection, claim, write)
    except Exception as error:
        if not _may_be_saved(error):
            _release(lock)
        raise


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
    try:
        cache = PageCache(redis_client.connect(settings.current().cache_url))
        cache.publish(page.slug, documents.entry(page))
    except RedisError as failure:
        # The outbox row was committed with the page: the relay will publish it.
        telemetry.logger().warning("not published", slug=page.slug, reason=str(failure))
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
    except LockError as error:
        raise problems.unavailable("lock service") from error
    except (claims.ClaimRefused, saves.LockLost) as error:
        detail = f"Somebody else saved {slug} first. Nothing of this change was stored."
        raise Problem(HTTPStatus.CONFLICT, "lock-lost", detail, {"retry-after": "1"}) from error
