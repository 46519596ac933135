"""Where links lead when pages get other names: before the move, and after it."""

import posixpath
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from sheaf import slugs
from sheaf.cli import relinking
from sheaf.cli.relinking import Relinked
from sheaf.rendering import links

_SUFFIX = ".md"


@dataclass(frozen=True)
class Renaming:
    """A page's new slug; or with a slash at both ends that of all pages below a folder."""

    source: str
    target: str

    @property
    def of_folder(self) -> bool:
        """Whether it is one of all pages below a folder."""
        return self.source.endswith("/")

    def covers(self, slug: str) -> bool:
        """Whether this page gets another name."""
        return slug.startswith(self.source) if self.of_folder else slug == self.source

    def new(self, slug: str) -> str:
        """What the page is called then."""
        return self.target + slug.removeprefix(self.source) if self.covers(slug) else slug

    def old(self, slug: str) -> str:
        """What a page was called that is at one of the new names."""
        return self.source + slug.removeprefix(self.target)


def pinned(body: str, slug: str, renaming: Renaming, file: str = "") -> Relinked:
    """A page's text in which relative links lead where they do, before its move and after it.

    `file` is the page's, which says where they start, and which it has no more when it has moved.
    Those that would not become absolute. What moves as well is found from the new name, too.
    """
    return relinking.relink(body, lambda href: _pinned(href, slug, file, renaming))


def astray(body: str, slug: str, renaming: Renaming, file: str = "") -> list[str]:
    """The addresses of a page's relative links that lead elsewhere after its move."""
    addresses = dict.fromkeys(relinking.addresses(body))
    return [href for href in addresses if _pinned(href, slug, file, renaming) is not None]


def followed(
    body: str, slug: str, moved: Collection[str], renaming: Renaming, file: str = ""
) -> Relinked:
    """A page's text in which links to pages that moved lead straight to their new names.

    `moved` has their old names. Relative links stay relative.
    """
    return relinking.relink(body, lambda href: _followed(href, slug, file, moved, renaming))


def _pinned(href: str, slug: str, file: str, renaming: Renaming) -> str | None:
    there = renaming.new(slug)
    before, after = links.path_of(href, slug, file), links.path_of(href, there)
    if before is None or _is_absolute(href) or after in (before, _new_path(before, renaming)):
        return None
    return f"/{before}{_slash(href)}"


def _followed(
    href: str, slug: str, file: str, moved: Collection[str], renaming: Renaming
) -> str | None:
    found = links.target(href, slug, file)
    if found is None or found.slug not in moved:
        return None
    wanted, home = renaming.new(found.slug) + _suffix(href), renaming.new(slug)
    if _is_absolute(href):
        return f"/{wanted}{_slash(href)}"
    if home == slug:
        return _relative(wanted, slugs.folder_of(slug, file)) + _slash(href)
    # The page is to move as well, and then the link may be right as it is.
    return None if links.path_of(href, home) == wanted else f"/{wanted}{_slash(href)}"


def _new_path(path: str, renaming: Renaming) -> str:
    slug = path.removesuffix(_SUFFIX)
    return renaming.new(slug) + path[len(slug) :]


def _suffix(href: str) -> str:
    return _SUFFIX if urlsplit(href).path.endswith(_SUFFIX) else ""


def _relative(path: str, folder: str) -> str:
    up = posixpath.relpath(posixpath.dirname(f"/{path}"), f"/{folder}")
    return posixpath.normpath(posixpath.join(up, posixpath.basename(path)))


def _is_absolute(href: str) -> bool:
    return urlsplit(href).path.startswith("/")


def _slash(href: str) -> str:
    path = urlsplit(href).path
    return "/" if path.endswith("/") and path.strip("/") else ""
