"""Links: which page of the site an address in a page's text leads to."""

import posixpath
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, quote, unquote, urlsplit

from sheaf import settings, slugs

# What links may begin with. Other addresses do nothing in most browsers, or harm.
_SCHEMES = (
    "bitcoin ftp ftps geo http https im irc ircs magnet mailto mms mx news nntp openpgp4fpr sip "
    "sms smsto ssh tel url webcal wtai xmpp"
)
SCHEMES = frozenset(_SCHEMES.split())
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
# What browsers leave out before they look for a scheme.
_IGNORED = re.compile("[\0- ]+")
_HTML = re.compile(r"\.html?\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """A page that a link leads to, and the address that readers follow."""

    slug: str
    href: str

    def to(self, slug: str) -> Self:
        """The same place in another page."""
        return type(self)(slug, f"/{quote(slug)}{self.href.removeprefix(f'/{quote(self.slug)}')}")


def readings(href: str, slug: str, file: str = "") -> tuple[Target, ...]:
    """The pages of this site that a link on `slug` may lead to, the likeliest first.

    It is read as in a folder of files, where `file` is the page's own if that is not {slug}.md: in
    `x/index.md`, which is the page x, relative links start in the folder x. Then as a URL, below
    the page's own with a slash behind it, as generators of sites have it. An `.html` at the end may
    be left out, and `x/index` be the page x. Names become what they become of files (see slugs.py),
    query and fragment stay. Nothing if it leads elsewhere.

    >>> [reading.href for reading in readings("../tea/#pot", "a/b/c")]
    ['/a/tea#pot', '/a/b/tea#pot']
    """
    parts, path = _split(href), path_of(href, slug, file)
    if parts is None or path is None or _is_of_the_site(parts.path, path):
        return ()
    own = "" if slug == settings.start_page() else slug
    paths = dict.fromkeys((path, _joined(own, parts.path)))
    return tuple(_targets((page for path in paths for page in _pages(path)), _behind(parts)))


def target(href: str, slug: str, file: str = "") -> Target | None:
    """The first of the `readings`, if there is any."""
    found = readings(href, slug, file)
    return found[0] if found else None


def named(name: str, slug: str, file: str = "", fragment: str = "") -> tuple[Target, ...]:
    """The pages that `[[name]]` on `slug` may lead to by its path, the likeliest first.

    They are in the same folder, and from the top, for a name with a slash. Others have the name or
    the title and may be anywhere. `fragment` is what is to stand behind the `#`.

    >>> [reading.slug for reading in named("kettles/Whistling", "tea/pots")]
    ['tea/kettles/Whistling', 'kettles/Whistling']
    """
    return tuple(_named(name, slug, file, fragment))


def target_named(name: str, slug: str, file: str = "", fragment: str = "") -> Target | None:
    """The first of those `named`, if there is any."""
    return next(_named(name, slug, file, fragment), None)


def _named(name: str, slug: str, file: str, fragment: str) -> Iterator[Target]:
    file_name = name if slugs.is_markdown(name) else f"{name}.md"
    folder = slugs.folder_of(slug, file)
    starts = (folder, "") if "/" in name else (folder,)
    pages = (page for start in starts for page in _pages(_joined(start, file_name)))
    return _targets(pages, f"#{fragment}" if fragment else "")


def without_dots(href: str) -> str:
    """The same with a fragment as `marks.address` makes it; Obsidian's `#^name` is a block's."""
    path, sign, fragment = href.partition("#")
    return f"{path}{sign}{fragment.removeprefix('%5E').replace('.', '-')}"


def alias(written: str, slug: str, file: str = "") -> str:
    """The slug that an alias of the page at `slug` stands for: an address, or a name as of a file.

    Without a slash at its beginning it starts where the page's relative links do. Raises
    slugs.BadSlug for what no page can be called.

    >>> alias("/posts/old/", "tea"), alias("Green tea", "drinks/tea")
    ('posts/old', 'drinks/Green-tea')
    """
    path = _joined(slugs.folder_of(slug, file), written)
    if _is_of_the_site(f"/{path}", path):
        raise slugs.Reserved(f"The name {path!r} is reserved.")
    if not path:
        return settings.start_page()
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
    return _joined(slugs.folder_of(slug, file), parts.path)


def _joined(start: str, path: str) -> str:
    whole = posixpath.join("/", start, unquote(path))
    return posixpath.normpath(whole).lstrip("/")


def _targets(pages: Iterable[str], behind: str) -> Iterator[Target]:
    seen = set[str]()
    for page in pages:
        if page not in seen:
            seen.add(page)
            yield Target(page, without_dots(f"/{quote(page)}{behind}"))


def _behind(parts: SplitResult) -> str:
    query = f"?{parts.query}" if parts.query else ""
    return f"{query}#{parts.fragment}" if parts.fragment else query


def _pages(path: str) -> Iterator[str]:
    """The slugs of the pages that may be meant by a path."""
    if not path:
        yield settings.start_page()
        yield slugs.HOME  # as the file at the top of a folder
    elif path not in slugs.RESERVED:
        with suppress(slugs.BadSlug):
            yield _page(path)
        stem = _HTML.sub("", path)
        if stem != path or stem.rpartition("/")[2].casefold() in slugs.OF_FOLDER:
            with suppress(slugs.BadSlug):
                yield slugs.from_file(f"{stem}.md")


def _page(path: str) -> str:
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
