"""Markdown to safe HTML, and to what else is read from it: heading, search text, links.

Raw HTML is off in the parser, and nh3 cleans the result once more: two fences, not one.

What Markdown costs hangs on its marks more than on its length. It is counted, not timed, so that
the same text is refused everywhere.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from html import escape
from itertools import pairwise
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore, text_join
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from sheaf import slugs
from sheaf.rendering import links
from sheaf.rendering.links import Target
from sheaf.rendering.source import Heading

# A unit of work stands for 1 to 2.5 microseconds. A megabyte of a manual takes 250,000 of them, one
# of lines that are mostly links 700,000, and one of brackets alone 7 million.
MAX_WORK = 400_000
# At once: the blocks of a text, or the parts of one block. A token has 350 bytes, a line 100.
MAX_TOKENS = 90_000
MAX_LINES = 250_000
MAX_HTML_BYTES = 4_000_000
# What references may add to any text, however short it is: as much as in cmark.
MIN_REFERENCED = 100_000

_BLOCK, _BLOCK_AHEAD, _INLINE, _INLINE_AHEAD, _TOKEN, _LINK = 8, 1, 1, 6, 2, 8
# What it takes to make a page's name of one that no page may have.
_RENAMED = 16
_NAME = re.compile(r"[\w.-]*")
# The parser looks for the end of each address until white space or the 33rd bracket.
_ADDRESS = re.compile(r"\]\((?=((?:[^\x00-\x20(]*+\(){0,32}+[^\x00-\x20(]*+))")
_ADDRESS_LETTERS = 32

_CLEANER = nh3.Cleaner(
    attributes={
        **nh3.ALLOWED_ATTRIBUTES,
        **{f"h{level}": {"id"} for level in range(1, 7)},
        "code": {"class"},
    }
)
# How many tokens are made HTML and cleaned at a time: the tree for it takes much room.
_PIECE = 1000
_NOTHING = Token("", "", 0)


class TooMuch(ValueError):
    """A text makes more work, or becomes more, than any may. `line` is where, counted from 1."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


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


class _Work:
    """The work that one text has made so far. `line` is the one at work, counted from 0."""

    def __init__(self, text: str) -> None:
        self.line = 0
        # What a parser shares with its rules.
        self.environment: dict[str, Any] = {"work": self}
        self._left = MAX_WORK
        self._referenced = max(MIN_REFERENCED, len(text))
        self._check_lines(text.count("\n") + 1)

    def _check_lines(self, lines: int) -> None:
        if lines > MAX_LINES:
            self.line = MAX_LINES
            raise self.too_much(f"has more than {MAX_LINES:,} lines")

    def spend(self, units: int) -> None:
        """Count work; raises TooMuch when it is more than any text may make."""
        self._left -= units
        if self._left < 0:
            raise self.too_much("has more marks than can be rendered")

    def add_link(self, token: Token) -> None:
        """Count a link or an image, and what it adds that is said elsewhere; raises TooMuch."""
        self.spend(_LINK)
        names = str(token.attrGet("href") or "").split("#")[0].split("/")
        self.spend(_RENAMED * sum(not _NAME.fullmatch(name) for name in names))
        if "label" in token.meta:
            self._referenced -= sum(len(str(value)) for value in token.attrs.values())
            if self._referenced < 0:
                raise self.too_much("has references that add more than the text itself")

    def too_much(self, reason: str) -> TooMuch:
        """What to raise at the line that is at work."""
        return TooMuch(reason, self.line + 1)


def render(text: str, slug: str, file: str = "") -> Rendered:
    """Render the Markdown of the page at `slug`; links to `x.md` lead to the page x.

    `file` is the page's own, where relative links start, if that is not SLUG.md. Raises TooMuch for
    a text that would make more work, or more HTML, than any may.
    """
    work = _Work(text)
    tokens = _parser().parse(text, work.environment)
    parts = _Parts(partial(links.target, slug=slug, file=file), work)
    for opening, token in pairwise([_NOTHING, *tokens]):
        parts.read(opening, token)
    return Rendered(
        html=_html(tokens, work),
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
    work, parser = _Work(text), _parser()
    tokens = parser.parse(text, work.environment)
    hrefs = []
    for token in tokens:
        if token.type == "inline":
            _parse_inline(token, work)
            openings = (part for part in token.children or () if part.type == "link_open")
            hrefs += [str(part.attrs.pop("href")) for part in openings]
            _replace_by_html(token)
    defined = [one["href"] for one in work.environment.get("references", {}).values()]
    return Skeleton(parser.renderer.render(tokens, parser.options, {}), hrefs, defined)


def first_heading(text: str) -> Heading | None:
    """The heading that `render_stored` would find, for a third of its work."""
    try:
        return _first_heading(_Work(text), text)
    except TooMuch:
        return None


def _first_heading(work: _Work, text: str) -> Heading | None:
    for opening, token in pairwise(_parser().parse(text, work.environment)):
        if opening.type == "heading_open":
            _parse_inline(token, work)
            if (heading := _heading(opening, token)).text:
                return heading
    return None


@cache
def _parser() -> MarkdownIt:
    """Takes texts apart into blocks; what is in a block is parsed when its turn comes."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.core.ruler.disable(["inline", "text_join"])
    return parser.use(_counted)


class _Parts:
    """What is read from a text, block by block: its headings, plain text and links."""

    def __init__(self, target: Callable[[str], Target | None], work: _Work) -> None:
        self.headings: list[Heading] = []
        self.plain: list[str] = []
        self.links: set[str] = set()
        self._target = target
        self._work = work
        self._addresses = _Addresses()

    def read(self, opening: Token, token: Token) -> None:
        """Read one of a text's tokens, which stands behind `opening`."""
        if token.type == "inline":
            _parse_inline(token, self._work)
            self.links.update(_point_links_at_pages(token, self._target))
        if token.content:
            self.plain.append(_plain(token))
        if opening.type == "heading_open":
            self.headings.append(_heading(opening, token))
            opening.attrSet("id", self._addresses.new(self.headings[-1].text))
        if token.type == "inline":
            _replace_by_html(token)
        elif token.type in ("th_open", "td_open"):
            _align_without_style(token)


def _parse_inline(token: Token, work: _Work) -> None:
    parser = _parser()
    work.line = token.map[0] if token.map else 0
    for address in _ADDRESS.finditer(token.content):
        work.spend(2 + len(address[1]) // _ADDRESS_LETTERS)
    parts = parser.inline.parse(token.content, parser, work.environment, _Tokens(work))
    for part in parts:
        if part.type in ("link_open", "image"):
            work.add_link(part)
    token.children = parts
    text_join(StateCore("", parser, {}, [token]))


class _Addresses:
    """The addresses of a text's headings: equal ones are numbered."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._used = Counter[str]()

    def new(self, heading: str) -> str:
        """The address of a heading, which no other has."""
        wanted = address = slugs.anchor(heading)
        while address in self._taken:
            self._used[wanted] += 1
            address = f"{wanted}-{self._used[wanted]}"
        self._taken.add(address)
        return address


def _heading(opening: Token, token: Token) -> Heading:
    return Heading(_plain(token), int(opening.tag.removeprefix("h")))


def _plain(token: Token) -> str:
    if not token.children:
        return token.content.strip()
    # Breaks separate words; images speak through their alternative text (their content).
    parts = ("\n" if child.type.endswith("break") else child.content for child in token.children)
    return "".join(parts).strip()


def _replace_by_html(token: Token) -> None:
    # The parts of a block take ten times as much room, and are done with.
    parser = _parser()
    html = parser.renderer.render([token], parser.options, {})
    token.children = [Token("html_inline", "", 0, content=html)]


def _align_without_style(cell: Token) -> None:
    # The content security policy refuses style attributes; the old `align` says the same.
    if style := cell.attrs.pop("style", None):
        cell.attrSet("align", str(style).removeprefix("text-align:"))


def _html(tokens: list[Token], work: _Work) -> str:
    # The addresses of headings are left out before a text is refused.
    try:
        return _cleaned(tokens, work)
    except TooMuch:
        openings = [token for token in tokens if token.attrs.pop("id", None)]
        if not openings:
            raise
        return _cleaned(tokens, work)


def _cleaned(tokens: list[Token], work: _Work) -> str:
    pieces: list[str] = []
    size = 0
    for block in _in_pieces(tokens):
        html = _parser().renderer.render(block, _parser().options, {})
        pieces.append(_CLEANER.clean(html))
        size += len(pieces[-1].encode())
        if size > MAX_HTML_BYTES:
            work.line = max(token.map[1] for token in block if token.map) - 1
            raise work.too_much("becomes more than 4 MB of HTML")
    return "".join(pieces)


def _in_pieces(tokens: list[Token]) -> Iterator[list[Token]]:
    """Whole blocks, a few at a time."""
    piece: list[Token] = []
    for token in tokens:
        piece.append(token)
        if len(piece) >= _PIECE and token.level == 0 and token.nesting < 1:
            yield piece
            piece = []
    yield piece


def _point_links_at_pages(token: Token, target: Callable[[str], Target | None]) -> Iterator[str]:
    for child in token.children or ():
        if child.type == "link_open":
            found = target(str(child.attrGet("href") or ""))
            if found:
                child.attrSet("href", found.href)
                yield found.slug


def _counted(parser: MarkdownIt) -> None:
    """Have a parser count what it does, in the Work that is in its environment."""
    begins_nothing = ["paragraph", "reference", "blockquote", "list"]
    parser.core.ruler.at("block", _parse_blocks)
    parser.block.ruler.before("table", "work", _count_block, {"alt": begins_nothing})
    parser.inline.ruler.before("text", "work", _count_inline)
    parser.options["store_labels"] = True


class _Tokens(list[Token]):
    def __init__(self, work: _Work) -> None:
        super().__init__()
        self._work = work

    def append(self, token: Token) -> None:
        self._work.spend(_TOKEN)
        if len(self) >= MAX_TOKENS:
            raise self._work.too_much("has more marks than can be rendered")
        super().append(token)


def _parse_blocks(state: StateCore) -> None:
    state.tokens = _Tokens(state.env["work"])
    state.md.block.parse(state.src, state.md, state.env, state.tokens)


def _count_block(state: StateBlock, line: int, _end: int, ahead: bool) -> bool:
    work: _Work = state.env["work"]
    work.line = line
    work.spend(_BLOCK_AHEAD if ahead else _BLOCK)
    return False


def _count_inline(state: StateInline, ahead: bool) -> bool:
    state.env["work"].spend(_INLINE_AHEAD if ahead else _INLINE)
    return False
