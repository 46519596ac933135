"""Single things, each from the shard that has it; raises NotFound, Deleted or Unavailable."""

from dataclasses import replace

from sheaf.pages import claims, edit_leases, reads, revisions, users
from sheaf.pages.edit_leases import Lease
from sheaf.pages.errors import Deleted, NotFound, Redirected
from sheaf.pages.reads import Page
from sheaf.pages.revisions import Revision
from sheaf.pages.users import User
from sheaf.search import statements
from sheaf.search.statements import Suggestion
from sheaf.sharding import scattering, shards

# So many redirects are followed, and the next one is left to the reader.
_REDIRECTS = 8


def page(slug: str) -> Page:
    """The live page; raises Redirected, too."""
    found = history(slug)
    if found.moved_to:
        raise Redirected(slug, destination(found.moved_to))
    if found.state != "live":
        raise Deleted(slug, found.version)
    return found


def at(slug: str) -> Page | None:
    """What is at a slug, for people to see; a redirect leads to where the page is now.

    Raises Unavailable as `reads.read` does.
    """
    found = shards.read(slug, reads.read)
    if found and found.moved_to:
        return replace(found, moved_to=destination(found.moved_to))
    return found


def destination(slug: str) -> str:
    """Where one gets to from a slug over redirects."""
    for _ in range(_REDIRECTS - 1):
        further = shards.read(slug, reads.redirect)
        if further is None:
            break
        slug = further
    return slug


def history(slug: str) -> Page:
    """The page, deleted or not, for its history."""
    found = shards.read(slug, reads.find)
    if found is None:
        raise NotFound(f"page {slug}")
    return found


def is_deleted(slug: str) -> bool:
    """Whether the page was deleted, and not made again since."""
    found = shards.read(slug, claims.look)
    if not found.version:
        raise NotFound(f"page {slug}")
    return found.state == "tombstone"


def titled(slug: str) -> Page:
    """As `history`; a page that is not there any more has the title that it had."""
    found = history(slug)
    return replace(found, title=found.title or shards.read(slug, revisions.last_title) or slug)


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
        raise NotFound("edit by such a person")
    return found


def find_user(handle: str) -> User | None:
    """As `user`, or None."""
    return shards.read(handle, users.find) if users.is_handle(handle) else None


def suggestions(typed: str, limit: int) -> list[Suggestion]:
    """Pages whose titles begin with what was typed, and then those with a word that does."""
    rows = scattering.rows(statements.suggested(typed, limit))
    rows.sort(key=lambda row: (row[2], row[3], row[0]))
    found = {slug: Suggestion(slug, title) for slug, title, *_ in rows}
    return list(found.values())[:limit]
