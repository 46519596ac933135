"""Links: which page of the site an address in a page's text leads to."""

import posixpath
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit

from sheaf import slugs

_SUFFIX = ".md"


@dataclass(frozen=True)
class Target:
    """The page that a link leads to, and the address that readers follow."""

    slug: str
    href: str


def target(href: str, slug: str) -> Target | None:
    """The page that a link on `slug` leads to, if it leads to a page of this site."""
    parts, path = _split(href), path_of(href, slug)
    if parts is None or path is None:
        return None
    try:
        found = slugs.parse(path.removesuffix(_SUFFIX))
    except slugs.BadSlug:
        return None
    if not parts.path.endswith(_SUFFIX):
        return Target(found, href)
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return Target(found, f"/{quote(found)}{fragment}")


def path_of(href: str, slug: str) -> str | None:
    """Where on the site a link on `slug` leads, without the first slash; None if elsewhere."""
    parts = _split(href)
    if parts is None or parts.scheme or parts.netloc or not parts.path:
        return None
    start = posixpath.join("/", posixpath.dirname(slug))
    return posixpath.normpath(posixpath.join(start, unquote(parts.path))).lstrip("/")


def _split(href: str) -> SplitResult | None:
    try:
        return urlsplit(href)
    except ValueError:
        return None
