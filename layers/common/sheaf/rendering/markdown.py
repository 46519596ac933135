"""Markdown to safe HTML, and to what else is read from it: heading, search text, links.

No HTML of a text passes as it is, and nh3 cleans the result once more: two fences, not one. What
rendering costs is bounded, see `work`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from markdown_it.token import Token

from sheaf import slugs
from sheaf.rendering import cleaning, footnotes, linked, links, marks
from sheaf.rendering.footnotes import Footnotes
from sheaf.rendering.highlighting import Highlighter
from sheaf.rendering.parsing import parse, parse_html, parse_inline, parser, render_parts
from sheaf.rendering.raw_html import Elements
from sheaf.rendering.source import Heading
from sheaf.rendering.work import TooMuch, Work

_NOTHING = Token("", "", 0)


@dataclass(frozen=True)
class Rendered:
    """A text as HTML; its first heading, all headings and plain text; the slugs it links to."""

    html: str
    heading: Heading | None
    headings: str
    plain: str
    links: frozenset[str]


@dataclass(frozen=True)
class Skeleton:
    """A text as HTML in which links have no address; those, in their order, as they were written.

    `defined` has the addresses of reference definitions, be they used or not.
    """

    html: str
    hrefs: list[str]
    defined: list[str]


def render(text: str, slug: str, file: str = "") -> Rendered:
    """Render the Markdown of the page at `slug`; links to `x.md` lead to the page x.

    `file` is the page's own, where relative links start, if that is not {slug}.md. Raises TooMuch
    for a text that would make more work, or more HTML, than any may.
    """
    work = Work(text)
    tokens = parse(text, work)
    parts = _Parts(slug, file, work)
    read = [*parts.read(tokens)]
    return Rendered(
        html=cleaning.html(parser(), read, work),
        heading=next((heading for heading in parts.headings if heading.text), None),
        headings="\n".join(heading.text for heading in parts.headings),
        plain="\n".join(parts.plain),
        links=frozenset(parts.links),
    )


def render_stored(text: str, slug: str, file: str = "") -> Rendered:
    """As `render`, and never too much: such a text, which is older than the bounds, as it is."""
    try:
        return render(text, slug, file)
    except TooMuch:
        return Rendered(f"<pre>{escape(text)}</pre>", None, "", text, frozenset())


def skeleton(text: str) -> Skeleton:
    """A text's HTML and its links apart; raises TooMuch as `render` does."""
    work = Work(text)
    tokens, elements = parse(text, work), Elements(work.spend, marks.address)
    hrefs = []
    for token in tokens:
        if token.type == "inline":
            parse_inline(token, work)
        elif token.type == "html_block":
            parse_html(token, elements, work)
        else:
            continue
        openings = (part for part in token.children or () if part.type == "link_open")
        # `[[Name]]` has no address: it leads to the page of that name, wherever it is.
        hrefs += [str(part.attrs.pop("href")) for part in openings if "name" not in part.meta]
        _replace_by_html(token)
    defined = [one["href"] for one in work.environment.get("references", {}).values()]
    return Skeleton(parser().renderer.render(tokens, parser().options, {}), hrefs, defined)


def first_heading(text: str) -> Heading | None:
    """The heading that `render_stored` would find, for a third of its work."""
    try:
        return _first_heading(Work(text), text)
    except TooMuch:
        return None


def _first_heading(work: Work, text: str) -> Heading | None:
    for opening, token in pairwise(footnotes.outside(parse(text, work))):
        if opening.type == "heading_open":
            parse_inline(token, work)
            if (heading := _heading(opening, token)).text:
                return heading
    return None


class _Parts:
    """What is read from a text, block by block: its headings, plain text and links."""

    def __init__(self, slug: str, file: str, work: Work) -> None:
        self.headings: list[Heading] = []
        self.plain: list[str] = []
        self.links: set[str] = set()
        self._page = (slug, file)
        self._work = work
        self._addresses = _Addresses()
        self._long_addresses: list[tuple[Token, str]] = []
        self._elements = Elements(work.spend, self._addresses.given)
        self._notes = Footnotes(work.environment)
        self._highlighter = Highlighter()

    def read(self, tokens: list[Token]) -> Iterator[Token]:
        """Read the tokens of a text; yields those to make HTML of."""
        before = _NOTHING
        for token in self._notes.last(tokens):
            if token.nesting < 0 and self._elements:
                yield from self._closing(token.level)
            self._read(before, token)
            yield token
            before = token
        yield from self._closing(-1)
        self._add_short_addresses()

    def _closing(self, level: int) -> Iterator[Token]:
        """What closes the HTML that was opened within what ends at a level."""
        if closing := [*self._elements.leave(level)]:
            yield self._made_of(Token("html_block", "", 0, children=closing))

    def _made_of(self, token: Token) -> Token:
        token.meta["opens_html"] = bool(self._elements)
        _replace_by_html(token)
        return token

    def _read(self, before: Token, token: Token) -> None:
        if token.type != "heading_open" and (name := token.meta.get("id")):
            token.attrSet("id", self._addresses.given(name))
        if token.type == "inline":
            self._read_inline(before, token)
        elif token.type == "html_block":
            parse_html(token, self._elements, self._work)
            self._collect(token)
            self._made_of(token)
        elif token.type in ("th_open", "td_open"):
            _align_without_style(token)
        elif token.content and token.type != "made":
            self.plain.append(token.content.strip())
            if token.type == "fence":
                token.meta["html"] = self._highlighter.html(token.content, token.info)

    def _read_inline(self, before: Token, token: Token) -> None:
        parse_inline(token, self._work, self._addresses.given)
        self._collect(token)
        if before.type == "heading_open":
            heading = _heading(before, token)
            address = self._addresses.new(heading.text, before.meta.get("id", ""))
            before.attrSet("id", address)
            self._long_addresses += [(before, address)] if "--" in address else []
            # A note's is not one of the page's.
            self.headings += [] if self._notes.at_work else [heading]
        _replace_by_html(token)

    def _add_short_addresses(self) -> None:
        """Where GitHub has `--` for what stood between two words, many generators have one `-`."""
        for heading, address in self._long_addresses:
            if short := self._addresses.unused(re.sub("-+", "-", address)):
                heading.meta["html"] = f'<span id="{escape(short)}"></span>'

    def _collect(self, token: Token) -> None:
        for child in token.children or ():
            if child.type == "link_open":
                self.links.update(_point_at_page(child, *self._page))
        if token.content:
            self.plain.append(_plain(token))


class _Addresses:
    """The addresses of a text's headings: equal ones are numbered."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._used = Counter[str]()

    def new(self, heading: str, given: str = "") -> str:
        """The address of a heading, or the one that it was given, which nothing else has."""
        wanted = address = given or slugs.anchor(heading)
        while address in self._taken:
            self._used[wanted] += 1
            address = f"{wanted}-{self._used[wanted]}"
        self._taken.add(address)
        return address

    def unused(self, address: str) -> str:
        """An address, unless something has it already."""
        if address in self._taken:
            return ""
        self._taken.add(address)
        return address

    def given(self, written: str) -> str:
        """The address that HTML gives, which nothing else has."""
        return self.new("", marks.address(written) or "section")


def _heading(opening: Token, token: Token) -> Heading:
    return Heading(_plain(token), int(opening.tag.removeprefix("h")))


def _plain(token: Token) -> str:
    # Breaks separate words; images speak through their alternative text (their content).
    children = token.children or ()
    parts = ("\n" if child.type.endswith("break") else child.content for child in children)
    return "".join(parts).strip()


def _replace_by_html(token: Token) -> None:
    # The parts of a block take ten times as much room, and are done with.
    html = render_parts(token)
    if token.type == "html_block":
        token.content, token.children = html, None
    else:
        token.children = [Token("made", "", 0, content=html)]


def _align_without_style(cell: Token) -> None:
    # The content security policy refuses style attributes; the old `align` says the same.
    if style := cell.attrs.pop("style", None):
        cell.attrSet("align", str(style).removeprefix("text-align:"))


def _point_at_page(link: Token, slug: str, file: str) -> Iterator[str]:
    """Have a link lead to the page that it most likely means, and say what it may mean else.

    What was written is kept where it has to be looked up (see linked.py).
    """
    href, name = str(link.attrGet("href") or ""), link.meta.get("name")
    if name:
        target = links.target_named(name, slug, file, href.removeprefix("#"))
        link.attrSet(linked.NAME, name)
    else:
        target, *others = links.readings(href, slug, file) or (None,)
        if others:
            link.attrSet(linked.WRITTEN, href)
    if target:
        link.attrSet("href", target.href)
        yield target.slug
    elif href.startswith("#"):
        link.attrSet("href", links.without_dots(href))
