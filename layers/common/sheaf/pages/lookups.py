"""Single things, each from the shard that has it; raises NotFound, Deleted or Unavailable."""

from functools import partial

from sheaf.pages import edit_leases, reads, revisions, users
from sheaf.pages.edit_leases import Lease
from sheaf.pages.errors import Deleted, NotFound
from sheaf.pages.reads import Page
from sheaf.pages.revisions import Revision
from sheaf.pages.users import User
from sheaf.search import statements
from sheaf.search.statements import Suggestion
from sheaf.sharding import scattering, shards
from sheaf.sharding.scattering import Scatter


def page(slug: str) -> Page:
    """The live page."""
    found = history(slug)
    if found.state != "live":
        raise Deleted(slug, found.version)
    return found


def history(slug: str) -> Page:
    """The page, deleted or not, for its history."""
    found = shards.read(slug, reads.find)
    if found is None:
        raise NotFound(f"page {slug}")
    return found


def revision(slug: str, version: int) -> Revision:
    """One version of a page."""
    found = shards.read(slug, revisions.find, version)
    if found is None:
        raise NotFound(f"version {version} of page {slug}")
    return found


def lease(slug: str) -> Lease:
    """The edit lease that somebody has on a page."""
    found = shards.read(slug, edit_leases.find)
    if found is None or not found.seconds_left:
        raise NotFound(f"edit lease on {slug}")
    return found


def user(handle: str) -> User:
    """Somebody whose edits were counted (within a minute of the first)."""
    found = find_user(handle)
    if found is None:
        raise NotFound("edit by such a user")
    return found


def find_user(handle: str) -> User | None:
    """As `user`, or None."""
    return shards.read(handle, users.find) if users.is_handle(handle) else None


def suggestions(typed: str, limit: int) -> list[Suggestion]:
    """Pages whose titles begin with what was typed."""
    return shards.following_moves(_suggestions, typed, limit)


def _suggestions(typed: str, limit: int) -> list[Suggestion]:
    statement = statements.beginning(typed, limit)
    asks = [partial(source, statement) for source in scattering.sources()]
    rows = [row for rows in Scatter()(asks) for row in rows]
    rows.sort(key=lambda row: (row[2], row[0]))
    return [Suggestion(slug, title) for slug, title, _ in rows[:limit]]
