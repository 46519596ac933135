"""Restoring: what a version held becomes the content of an ordinary write, at its slug or another.

The row at a slug keeps the history of all that was there: of a page that was deleted, and of one
that has moved away since.
"""

from sheaf.pages import editing, lookups
from sheaf.pages.errors import NotOffered
from sheaf.pages.saves import Content
from sheaf.rendering import source


def content(slug: str, kept_at: str, version: int, file: str | None = None) -> Content:
    """What a page at `slug` has with the text, title and tags of a version in a slug's history.

    `file` is the page's, as `editing.compose` has it. Raises NotFound, NotOffered for a version
    without a text, TooComplex for a text that is older than the bounds of today, and Unavailable.
    """
    kept = lookups.revision(kept_at, version)
    if kept.state != "live":
        what = f"leads to {kept.moved_to}" if kept.moved_to else "is its deletion"
        raise NotOffered(f"Version {version} of page {kept_at} {what}: it has no text to restore.")
    title, tags = source.names(kept.title, kept.tags)
    return editing.compose(slug, kept.body, title, tags, file)
