"""Single things from storage, or the Problem of their absence."""

from collections.abc import Callable
from functools import partial

from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from sheaf import redis_client, settings
from sheaf.http import identity, problems
from sheaf.pages import edit_leases, reads, revisions, users
from sheaf.search import statements
from sheaf.sharding import shards
from sheaf.sharding.scattering import Scatter, sources


def page(slug: str) -> reads.Page:
    """The live page; raises a 404 or 410 Problem."""
    found = history(slug)
    if found.state != "live":
        raise problems.gone(slug, found.version)
    return found


@shards.following_moves
def history(slug: str) -> reads.Page:
    """The page, deleted or not, for its history; raises a 404 Problem."""
    with shards.reading(slug) as connection:
        found = reads.find(connection, slug)
    if found is None:
        raise problems.not_found(f"page {slug}")
    return found


@shards.following_moves
def revision(slug: str, version: int) -> revisions.Revision:
    """One version of a page; raises a 404 Problem."""
    with shards.reading(slug) as connection:
        found = revisions.find(connection, slug, version)
    if found is None:
        raise problems.not_found(f"version {version} of page {slug}")
    return found


def two_revisions(
    slug: str, old: int | None, new: int | None
) -> tuple[revisions.Revision, revisions.Revision]:
    """Two versions of a page; raises the Problem of one that is missing or was not named."""
    if old is None or new is None:
        raise problems.bad_request("Name two versions, ?from=…&to=…")
    return revision(slug, old), revision(slug, new)


@shards.following_moves
def lease(slug: str) -> edit_leases.Lease:
    """The lease that somebody has on editing a page; raises a 404 Problem."""
    with shards.reading(slug) as connection:
        found = edit_leases.find(connection, slug)
    if found is None or not found.seconds_left:
        raise problems.not_found(f"lease on {slug}")
    return found


def user(handle: str) -> users.User:
    """Somebody whose edits were counted; raises a 404 Problem."""
    found = find_user(handle)
    if found is None:
        raise problems.not_found("edit by such a user")
    return found


@shards.following_moves
def find_user(handle: str) -> users.User | None:
    """Somebody whose edits were counted (within a minute of the first), or None."""
    if not identity.is_handle(handle):
        return None
    with shards.reading(handle) as connection:
        return users.find(connection, handle)


@shards.following_moves
def suggestions(typed: str, limit: int) -> list[statements.Suggestion]:
    """Pages whose titles begin with what was typed."""
    statement = statements.beginning(typed, limit)
    asks = [partial(source, statement) for source in sources()]
    found = sorted(
        (row for rows in Scatter()(asks) for row in rows), key=lambda row: (row[2], row[0])
    )
    return [statements.Suggestion(slug, title) for slug, title, _ in found[:limit]]


def health() -> dict[str, str]:
    """What each service that we need says: ok or failing."""
    return {"database": _try(_ask_database), "cache": _try(_ask_cache)}


def _try(ask: Callable[[], object]) -> str:
    try:
        ask()
    except (SQLAlchemyError, RedisError):
        return "failing"
    return "ok"


def _ask_database() -> None:
    with shards.home().connect() as connection:
        connection.execute(text("SELECT 1"))


def _ask_cache() -> None:
    redis_client.connect(settings.current().cache_url).ping()
