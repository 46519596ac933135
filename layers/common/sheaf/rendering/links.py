"""Links: which page of the site an address in a page's text leads to."""

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit

from sheaf import slugs

# What links may begin with. Other addresses do nothing in most browsers, or harm.
_SCHEMES = (
    "bitcoin ftp ftps geo http https im irc ircs magnet mailto mms mx news nntp openpgp4fpr sip "
    "sms smsto ssh tel url webcal wtai xmpp"
)
SCHEMES = frozenset(_SCHEMES.split())
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
# What browsers leave out before they look for a scheme.
_IGNORED = re.compile("[\0- ]+")


@dataclass(frozen=True)
class Target:
    """The page that a link leads to, and the address that readers follow."""

    slug: str
    href: str


def target(href: str, slug: str, file: str = "") -> Target | None:
    """The page that a link on `slug` leads to, if it leads to a page of this site.

    `file` is the page's own file, if that is not {slug}.md: in `x/index.md`, which is the page x,
    relative links start in the folder x. Names become what they become of files (see slugs.py).
    """
    parts, path = _split(href), path_of(href, slug, file)
    if parts is None or path is None or _is_of_the_site(parts.path, path):
        return None
    try:
        found = _page(path)
    except slugs.BadSlug:
        return None
    query = f"?{parts.query}" if parts.query else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return Target(found, f"/{quote(found)}{query}{fragment}")


def alias(written: str, slug: str, file: str = "") -> str:
    """The slug that an alias of the page at `slug` stands for: an address, or a name as of a file.

    Without a slash at its beginning it starts where the page's relative links do. Raises
    slugs.BadSlug for what no page can be called.

    >>> alias("/posts/old/", "tea"), alias("Green tea", "drinks/tea")
    ('posts/old', 'drinks/Green-tea')
    """
    path = _from(slugs.folder_of(slug, file), written)
    if _is_of_the_site(f"/{path}", path):
        raise slugs.Reserved(f"The name {path!r} is reserved.")
    if not path:
        return slugs.HOME
    if not any(map(str.isalnum, path.rpartition("/")[2])):
        raise slugs.BadSlug("Nothing is left of its name.")
    return slugs.from_file(path) if slugs.is_markdown(path) else slugs.from_path(path)


def is_allowed(href: str) -> bool:
    """Whether a link may have this address: one within the site, or with one of the SCHEMES.

    >>> is_allowed("../tea.md"), is_allowed("HTTPS://example.org"), is_allowed("javascript:x()")
    (True, True, False)
    """
    scheme = _SCHEME.match(_IGNORED.sub("", href))
    return not scheme or scheme[1].lower() in SCHEMES


def path_of(href: str, slug: str, file: str = "") -> str | None:
    """Where on the site a link on `slug` leads, without the first slash; None if elsewhere."""
    parts = _split(href)
    if parts is None or parts.scheme or parts.netloc or not parts.path:
        return None
    return _from(slugs.folder_of(slug, file), parts.path)


def _from(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join("/", folder, unquote(path))).lstrip("/")


def _page(path: str) -> str:
    if not path:
        return slugs.HOME
    if slugs.is_markdown(path):
        return slugs.from_file(path)
    try:
        return slugs.parse(path)
    except slugs.BadSlug:
        return slugs.from_path(path)


def _is_of_the_site(written: str, path: str) -> bool:
    """Whether it leads to what the site itself has at an address, and no page is."""
    is_first = written.startswith("/") and path.partition("/")[0] in slugs.RESERVED_FIRST
    return is_first or path in slugs.RESERVED


def _split(href: str) -> SplitResult | None:
    try:
        return urlsplit(href)
    except ValueError:
        return None
