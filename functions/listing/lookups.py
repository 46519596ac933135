"""Single things from storage, or the Problem of their absence."""

from collections.abc import Callable

from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from sheaf import redis_client, settings
from sheaf.storage import leases, pages, revisions, search, shards, users
from sheaf.web import identity, problems


def page(slug: str) -> pages.Page:
    """The live page; raises a 404 or 410 Problem."""
    found = history(slug)
    if found.state != "live":
        raise problems.gone(slug, found.version)
    return found


def history(slug: str) -> pages.Page:
    """The page, deleted or not, for its history; raises a 404 Problem."""
    with shards.owning(slug).connect() as connection:
        found = pages.find(connection, slug)
    if found is None:
        raise problems.not_found(f"page {slug}")
    return found


def revision(slug: str, version: int) -> revisions.Revision:
    """One version of a page; raises a 404 Problem."""
    with shards.owning(slug).connect() as connection:
        found = revisions.find(connection, slug, version)
    if found is None:
        raise problems.not_found(f"version {version} of page {slug}")
    return found


def lease(slug: str) -> leases.Lease:
    """The lease that somebody has on editing a page; raises a 404 Problem."""
    with shards.owning(slug).connect() as connection:
        found = leases.find(connection, slug)
    if found is None or not found.seconds_left:
        raise problems.not_found(f"lease on {slug}")
    return found


def user(handle: str) -> users.User:
    """Somebody whose edits were counted; raises a 404 Problem."""
    found = find_user(handle)
    if found is None:
        raise problems.not_found("edit by such a user")
    return found


def find_user(handle: str) -> users.User | None:
    """Somebody whose edits were counted (within a minute of the first), or None."""
    if not identity.is_handle(handle):
        return None
    with shards.owning(handle).connect() as connection:
        return users.find(connection, handle)


def suggestions(typed: str, limit: int) -> list[search.Suggestion]:
    """Pages whose titles begin with what was typed."""
    with shards.home().connect() as connection:
        return search.suggest(connection, typed, limit)


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
