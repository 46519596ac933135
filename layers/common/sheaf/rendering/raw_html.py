"""HTML in Markdown: the tags that a page may have, each made anew, and closed where it has to be.

No HTML passes as it was written. Of each tag that is allowed, name and attributes are read, and a
token is made of them, as of a mark of Markdown; a comment, a script and a style are left out, and
of any other tag what it encloses stays. What is opened is closed by the end of the list, quotation
or paragraph that it was opened in, so no tag reaches beyond what a reader sees it in.
"""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.common.utils import isLinkClose, isLinkOpen
from markdown_it.rules_block import StateBlock, html_block
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from sheaf.rendering import links

_NOT_CLOSED = {"br", "col", "hr", "img", "source", "wbr"}
# A second one ends the first, as in HTML.
_IMPLIED = {"dd", "dt", "li", "p", "td", "th", "tr"}
_UNSEEN = {"script", "style"}
_FORMATTING = {"a", "b", "code", "em", "i", "s", "small", "strike", "strong", "tt", "u"}
_PLAIN = (
    "abbr b bdi blockquote br caption center cite code dd del dfn dl dt em figcaption figure "
    "i ins kbd li mark picture pre q rp rt ruby s samp small span strike strong sub summary "
    "sup tbody tfoot thead tt u ul var wbr"
)
_ALIGNED = "div h1 h2 h3 h4 h5 h6 hr p table tr"
# By tag, the attributes that it may have besides those that all may have.
_ATTRIBUTES: dict[str, frozenset[str]] = {
    **dict.fromkeys(_PLAIN.split(), frozenset[str]()),
    **dict.fromkeys(_ALIGNED.split(), frozenset({"align"})),
    **dict.fromkeys(("td", "th"), frozenset({"align", "colspan", "rowspan", "scope"})),
    **dict.fromkeys(("col", "colgroup"), frozenset({"align", "span"})),
    "a": frozenset({"href"}),
    "bdo": frozenset({"dir"}),
    "details": frozenset({"open"}),
    "img": frozenset({"src", "alt", "width", "height", "align"}),
    "ol": frozenset({"start"}),
    "source": frozenset({"media", "srcset"}),
    "time": frozenset({"datetime"}),
}
# What a picture may go by.
COLOUR_SCHEMES = frozenset(f"(prefers-color-scheme: {name})" for name in ("dark", "light"))
_OF_ALL = {"id", "lang", "dir", "title"}

# As CommonMark has them. The parser's own patterns need 300 bytes for each attribute.
_ONE_TAG = (
    r"<[A-Za-z][A-Za-z0-9-]*"
    r"""(?:\s+[a-zA-Z_:][a-zA-Z0-9:._-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?)*+\s*/?>"""
    r"|</[A-Za-z][A-Za-z0-9-]*\s*>"
)
_ANY_TAG = re.compile(rf"{_ONE_TAG}|<![A-Za-z][^<>]*+>")
# What was begun and is not ended is what CommonMark makes a block of: it ends with the block.
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<![A-Za-z][^>]*(?:>|\Z)"
    rf"|{_ONE_TAG}",
    re.DOTALL,
)
# What begins otherwise, how it ends, and how far behind its beginning at the earliest.
_UNSEEN_MARKUP = (("<!--", "-->", 2), ("<?", "?>", 2), ("<![CDATA[", "]]>", 9))
_LONGEST_LINE = 80_000
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)")
_ATTRIBUTE = re.compile(
    r"""\s([a-zA-Z_:][\w:.-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?""", re.ASCII
)
_UNITS, _CHARACTERS_A_UNIT = 4, 16
# The deeper HTML is, the longer each tag takes to be put into its place.
_DEEPEST = 20


def plugin(parser: MarkdownIt) -> None:
    """Have a parser find HTML."""
    parser.options["html"] = True
    parser.block.ruler.at("html_block", _block, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.inline.ruler.at("html_inline", _inline)


def _block(state: StateBlock, line: int, end: int, ahead: bool) -> bool:
    start = state.bMarks[line] + state.tShift[line]
    if not state.src.startswith("<", start) or state.eMarks[line] - start > _LONGEST_LINE:
        return False
    state.env["work"].spend(_UNITS)
    return html_block(state, line, end, ahead)


def _inline(state: StateInline, silent: bool) -> bool:
    end = _end(state) if state.src[state.pos] == "<" else 0
    if not state.pos < end <= state.posMax:
        return False
    if not silent:
        token = state.push("html_inline", "", 0)
        token.content = state.src[state.pos : end]
        state.linkLevel += isLinkOpen(token.content) - isLinkClose(token.content)
    state.pos = end
    return True


def _end(state: StateInline) -> int:
    """Where the HTML ends that begins here; 0 if none does."""
    for begins, ends, least in _UNSEEN_MARKUP:
        if state.src.startswith(begins, state.pos):
            # The parser knows whether there is such an end at all, and need not look each time.
            is_there = state.html_terminator_last(ends) >= state.pos + least
            return state.src.index(ends, state.pos + least) + len(ends) if is_there else 0
    found = _ANY_TAG.match(state.src, state.pos, state.posMax)
    return found.end() if found else 0


Attributes = dict[str, str | int | float]


class _Open(NamedTuple):
    tag: str
    type: str
    level: int


class Elements:
    """The elements of HTML that are open, in a text or in one block of it.

    `spend` counts work, and `address` makes an id of what was written as one.
    """

    def __init__(self, spend: Callable[[int], None], address: Callable[[str], str]) -> None:
        self._open: list[_Open] = []
        self._unseen = ""
        self._spend = spend
        self._address = address

    def __bool__(self) -> bool:
        return bool(self._open)

    def block(self, html: str, level: int) -> Iterator[Token]:
        """The tokens of a block of HTML."""
        at = 0
        for markup in _MARKUP.finditer(html):
            yield from self._text(html[at : markup.start()], level)
            yield from self.tag(markup[0], level)
            at = markup.end()
        yield from self._text(html[at:], level)
        yield from self._leave_formatting()
        self._unseen = ""

    def parts(self, children: list[Token]) -> Iterator[Token]:
        """The parts of a paragraph with tokens in place of its HTML, none left open."""
        in_links = 0
        for child in children:
            if child.type == "html_inline":
                yield from self.tag(child.content, child.level, in_link=in_links > 0)
            elif not self._unseen:
                if child.nesting < 0:
                    yield from self.leave(child.level)
                in_links += child.nesting if child.tag == "a" else 0
                yield child
        yield from self.leave(-1)

    def leave(self, level: int) -> Iterator[Token]:
        """Close what was opened within what ends at a level."""
        while self._open and self._open[-1].level > level:
            yield self._close()

    def _leave_formatting(self) -> Iterator[Token]:
        """Close what a parser of HTML would open again in each paragraph that follows."""
        while any(each.tag in _FORMATTING for each in self._open):
            yield self._close()

    def tag(self, html: str, level: int, *, in_link: bool = False) -> Iterator[Token]:
        """What comes of a tag, or of a comment, which is nothing."""
        self._spend(_UNITS + len(html) // _CHARACTERS_A_UNIT)
        found = _TAG.match(html)
        if not found:
            return
        name, closes = found[2].lower(), bool(found[1])
        if self._unseen:
            self._unseen = "" if closes and name == self._unseen else self._unseen
        elif name in _UNSEEN:
            self._unseen = "" if closes else name
        elif closes:
            yield from self._closed(name, level)
        elif name in _ATTRIBUTES and not (name == "a" and (in_link or self._has("a"))):
            yield from self._opened(name, html[found.end() :], level)

    def _text(self, html: str, level: int) -> Iterator[Token]:
        if html and not self._unseen:
            yield Token("text", "", 0, content=unescape(html), level=level)

    def _opened(self, name: str, rest: str, level: int) -> Iterator[Token]:
        attributes: Attributes = dict(self._attributes(name, rest))
        if name == "a" and not _leads_or_is_led_to(attributes):
            return
        if name == "source" and not (self._has("picture") and _is_for_colours(attributes)):
            return
        if name in _NOT_CLOSED:
            yield _empty(name, attributes, level)
            return
        if name in _IMPLIED and self._open and self._open[-1][::2] == (name, level):
            yield self._close()
        if len(self._open) >= _DEEPEST:
            return
        kind = "link" if name == "a" and "href" in attributes else "raw"
        self._open.append(_Open(name, kind, level))
        yield Token(f"{kind}_open", name, 1, attributes, level=level)

    def _closed(self, name: str, level: int) -> Iterator[Token]:
        """Close an element and all in it, if it was opened in the same part of the text."""
        within = [each.tag for each in self._open if each.level == level]
        while name in within:
            yield self._close()
            if within.pop() == name:
                return

    def _close(self) -> Token:
        tag, kind, level = self._open.pop()
        return Token(f"{kind}_close", tag, -1, level=level)

    def _has(self, name: str) -> bool:
        return any(each.tag == name for each in self._open)

    def _attributes(self, tag: str, html: str) -> Iterator[tuple[str, str]]:
        for found in _ATTRIBUTE.finditer(html):
            name, value = found[1].lower(), unescape(found[2] or found[3] or found[4] or "")
            if name == "id" or (name == "name" and tag == "a"):
                yield "id", self._address(value)
            elif name in _OF_ALL or name in _ATTRIBUTES[tag]:
                yield name, value


def _leads_or_is_led_to(link: Attributes) -> bool:
    if not links.is_allowed(str(link.get("href", ""))):
        del link["href"]
    return "href" in link or "id" in link


def _is_for_colours(source: Attributes) -> bool:
    """Whether it is one image, for light or for dark windows."""
    image = str(source.get("srcset", ""))
    is_one = image and not re.search(r"[\s,]", image)
    return bool(is_one and links.is_allowed(image) and source.get("media") in COLOUR_SCHEMES)


def _empty(name: str, attributes: Attributes, level: int) -> Token:
    if name == "br":
        return Token("hardbreak", "br", 0, level=level)
    if name == "img":
        words = str(attributes.setdefault("alt", ""))
        shown = [Token("text", "", 0, content=words)] if words else []
        return Token("image", "img", 0, attributes, children=shown, content=words, level=level)
    return Token("raw", name, 0, attributes, level=level)
