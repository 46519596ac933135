"""Merging: what somebody made of an old version, together with what others have made of the page.

Nothing is stored: who asked sees the answer first, and saves it onto the version that it names.
"""

from dataclasses import dataclass

from sheaf import diff3
from sheaf.diff3 import Conflict
from sheaf.pages import lookups, revisions
from sheaf.pages.errors import NotFound
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
    """A text on top of the page as it is now, which is `version`.

    Where both sides changed the same lines it has those of whoever asked, and a conflict says so.
    """

    version: int
    body: str
    merged: Merged
    conflicts: list[Conflict]


def merge(slug: str, base: int | None, body: str) -> Merge:
    """Merge a body that was made of version `base` into the page, None: of nothing.

    The version may be one from before the page moved here. Raises NotFound, Deleted, Redirected
    and Unavailable.
    """
    page = lookups.page(slug)
    if base == page.version:
        return Merge(page.version, body, Merged(0, []), [])
    old = _version(slug, base).body if base else ""
    merged = diff3.merge(old, body, page.body)
    authors = shards.read(slug, revisions.authors, base or 0)
    return Merge(page.version, merged.text, Merged(merged.lines, authors), merged.conflicts)


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
