"""Markdown to safe HTML, and to what else is read from it: heading, search text, links.

Raw HTML is off in the parser, and nh3 cleans the result once more: two fences, not one.
"""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from urllib.parse import quote, unquote, urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

from sheaf import slugs

_ATTRIBUTES = {
    **nh3.ALLOWED_ATTRIBUTES,
    **{f"h{level}": {"id"} for level in range(1, 7)},
    "code": {"class"},
}


@dataclass(frozen=True)
class Rendered:
    """A text as HTML; its first heading, all headings and plain text; the slugs it links to."""

    html: str
    title: str | None
    headings: str
    plain: str
    links: frozenset[str]


def render(text: str, slug: str) -> Rendered:
    """Render the Markdown of the page at `slug`; relative links to `x.md` lead to the page x."""
    parser = _parser()
    environment: dict[str, object] = {}
    tokens = parser.parse(text, environment)
    links = frozenset(_point_links_at_pages(tokens, slug))
    _align_without_style(tokens)
    html = nh3.clean(
        parser.renderer.render(tokens, parser.options, environment), attributes=_ATTRIBUTES
    )
    headings = [_plain(inline) for inline in _headings(tokens)]
    return Rendered(
        html=html,
        title=next((heading for heading in headings if heading), None),
        headings="\n".join(headings),
        plain="\n".join(_plain(token) for token in tokens if token.content),
        links=links,
    )


def first_heading(text: str) -> str | None:
    """The title that `render` would find, for a third of its work: only headings are parsed."""
    environment: dict[str, object] = {}
    blocks = _block_parser().parse(text, environment)
    for heading in _headings(blocks):
        (inline,) = _parser().parseInline(heading.content, environment)
        if plain := _plain(inline):
            return plain
    return None


@cache
def _block_parser() -> MarkdownIt:
    parser = _dialect()
    parser.core.ruler.disable("inline")
    return parser


@cache
def _parser() -> MarkdownIt:
    return _dialect().use(anchors_plugin, max_level=6)


def _dialect() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _headings(tokens: Sequence[Token]) -> Iterator[Token]:
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            yield inline


def _plain(token: Token) -> str:
    if not token.children:
        return token.content.strip()
    # Breaks separate words; images speak through their alternative text (their content).
    parts = ("\n" if child.type.endswith("break") else child.content for child in token.children)
    return "".join(parts).strip()


def _point_links_at_pages(tokens: Sequence[Token], slug: str) -> Iterator[str]:
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                target = _target(str(child.attrGet("href") or ""), slug)
                if target:
                    child.attrSet("href", target.href)
                    yield target.slug


@dataclass(frozen=True)
class _Target:
    slug: str
    href: str


def _target(href: str, slug: str) -> _Target | None:
    """The page that a link on `slug` leads to, if it leads to a page of this site."""
    try:
        parts = urlsplit(href)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not parts.path:
        return None
    path = posixpath.normpath(posixpath.join("/", posixpath.dirname(slug), unquote(parts.path)))
    try:
        target = slugs.parse(path.lstrip("/").removesuffix(".md"))
    except slugs.BadSlug:
        return None
    if not parts.path.endswith(".md"):
        return _Target(target, href)
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return _Target(target, f"/{quote(target)}{fragment}")


def _align_without_style(tokens: Sequence[Token]) -> None:
    # The content security policy refuses style attributes; the old `align` says the same.
    for token in tokens:
        style = token.attrs.pop("style", None) if token.type in ("th_open", "td_open") else None
        if style:
            token.attrSet("align", str(style).removeprefix("text-align:"))
