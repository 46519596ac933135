"""Merging: what somebody made of an old version, together with what others have made of the page.

Nothing is stored: who asked sees the answer first, and saves it onto the version that it names.
"""

from dataclasses import dataclass

from sheaf import diff3
from sheaf.diff3 import Conflict
from sheaf.pages import lookups, revisions
from sheaf.pages.errors import NotFound, Redirected
from sheaf.pages.revisions import Revision
from sheaf.sharding import shards

# So many moves of a page are followed back.
_MOVES = 8


@dataclass(frozen=True)
class Merged:
    """How many lines others have changed that the merged text has, and who, the last one first."""

    lines: int
    authors: list[str]


@dataclass(frozen=True)
class Merge:
    """A text on top of the page as it is now, which is `version` of `slug`.

    Where both sides changed the same lines it has those of whoever asked, and a conflict says so.
    """

    slug: str
    version: int
    body: str
    merged: Merged
    conflicts: list[Conflict]


def merge(slug: str, base: int | None, body: str) -> Merge:
    """Merge a body that was made of version `base` into the page, None: of nothing.

    The version may be one from before the page moved here. Raises NotFound, Deleted, Unavailable,
    and Redirected, also where the page moved on since that version and another one is here now.
    """
    page = lookups.page(slug)
    if base == page.version:
        return Merge(slug, page.version, body, Merged(0, []), [])
    went_to = shards.read(slug, revisions.went_to, base) if base else None
    if went_to and (there := lookups.destination(went_to)) != slug:
        raise Redirected(slug, there)
    old = _version(slug, base).body if base else ""
    merged = diff3.merge(old, body, page.body)
    authors = shards.read(slug, revisions.authors, base or 0)
    return Merge(slug, page.version, merged.text, Merged(merged.lines, authors), merged.conflicts)


def _version(slug: str, version: int) -> Revision:
    at = slug
    for _ in range(_MOVES):
        found = shards.read(at, revisions.find, version)
        if found:
            return found
        earlier = shards.read(at, revisions.came_from, version)
        if earlier is None:
            break
        at = earlier
    raise NotFound(f"version {version} of page {slug}")
