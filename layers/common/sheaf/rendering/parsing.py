"""The parser of Markdown: which marks it knows, and what is in a block, when its turn comes."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore, text_join
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin

from sheaf.rendering import autolinks, footnotes, links, marks, notices, raw_html, work
from sheaf.rendering.work import Tokens, Work

# The parser looks for the end of each address until white space or the 33rd bracket.
_ADDRESS = re.compile(r"\]\((?=((?:[^\x00-\x20(]*+\(){0,32}+[^\x00-\x20(]*+))")
_ADDRESS_LETTERS = 32


@cache
def parser() -> MarkdownIt:
    """Takes texts apart into blocks; what is in a block is parsed when its turn comes."""
    made = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    made.core.ruler.disable(["inline", "text_join"])
    made.options["tasklists"] = made.options["strikethrough_single_tilde"] = True
    # What no link may lead to is a link for the parser, and text for the reader.
    made.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005
    made.add_render_rule("heading_open", _render_heading)
    made.add_render_rule("list_item_open", _render_item)
    made.add_render_rule("made", _render_made)
    made.add_render_rule("fence", _render_fence)
    made.use(deflist_plugin)
    for plugin in (raw_html.plugin, footnotes.plugin, notices.plugin, marks.plugin, work.counted):
        made.use(plugin)
    return made


def parse(text: str, at_work: Work) -> list[Token]:
    """The blocks of a text; raises TooMuch."""
    return parser().parse(text, at_work.environment)


def parse_inline(
    token: Token, at_work: Work, address: Callable[[str], str] = marks.address
) -> None:
    """Give a block its parts, and ids in its HTML as `address` makes them; raises TooMuch."""
    at_work.line = token.map[0] if token.map else at_work.line
    if _is_plain(token.content):
        at_work.spend(1)
        token.children = _counted([Token("text", "", 0, content=token.content)], at_work)
    else:
        parse_marked(token, at_work, address)


def _is_plain(text: str) -> bool:
    """Whether a block is text alone, as most are: nothing in it may begin a mark."""
    begins_mark = parser().inline.terminator_re.search
    return bool(text) and not begins_mark(text) and not autolinks.may_be_in(text)


def parse_marked(token: Token, at_work: Work, address: Callable[[str], str]) -> None:
    """As `parse_inline`, of any block."""
    for found in _ADDRESS.finditer(token.content):
        at_work.spend(2 + len(found[1]) // _ADDRESS_LETTERS)
    parts = Tokens(at_work)
    parser().inline.parse(token.content, parser(), at_work.environment, parts)
    token.children = parts
    text_join(StateCore("", parser(), {}, [token]))
    elements = raw_html.Elements(at_work.spend, address)
    token.children = [*_links_counted(_read(token, elements, at_work), at_work)]


def parse_html(token: Token, elements: raw_html.Elements, at_work: Work) -> None:
    """Give a block of HTML its parts; raises TooMuch."""
    at_work.line = token.map[0] if token.map else at_work.line
    parts = _counted(elements.block(token.content, token.level), at_work)
    token.children = [*_links_counted(_allowed(parts), at_work)]


def render_parts(token: Token) -> str:
    """The HTML of a block's parts."""
    html: str = parser().renderer.renderInline(token.children or [], parser().options, {})  # type: ignore[attr-defined]
    return html


def _read(token: Token, elements: raw_html.Elements, at_work: Work) -> Iterable[Token]:
    """The parts of a block, with HTML read, bare addresses found, and bad links as text."""
    parts: list[Token] = token.children or []
    types = {part.type for part in parts}
    if "html_inline" in types:
        parts = _counted(elements.parts(parts), at_work)
        types |= {part.type for part in parts}
    if autolinks.may_be_in(token.content):
        parts = _counted(autolinks.linked(parts, at_work.spend), at_work)
    return _allowed(parts) if {"link_open", "image"} & types else parts


def _counted(parts: Iterable[Token], at_work: Work) -> Tokens:
    tokens = Tokens(at_work)
    for part in parts:
        tokens.append(part)
    return tokens


def _links_counted(parts: Iterable[Token], at_work: Work) -> Iterator[Token]:
    for part in parts:
        if part.type in ("link_open", "image"):
            at_work.add_link(part)
        yield part


def _allowed(parts: Iterable[Token]) -> Iterator[Token]:
    """The same parts, but with words where a link or an image may not lead where it does."""
    is_kept: list[bool] = []
    for part in parts:
        if part.type == "link_open":
            is_kept.append(links.is_allowed(str(part.attrGet("href") or "")))
            if is_kept[-1]:
                yield part
        elif part.type == "link_close":
            # A link of HTML, which leads where it may, can have begun in an earlier block.
            if not is_kept or is_kept.pop():
                yield part
        elif part.type == "image" and not links.is_allowed(str(part.attrGet("src") or "")):
            yield Token("text", "", 0, content=_words(part), level=part.level)
        else:
            yield part


def _words(image: Token) -> str:
    """What stands in for an image."""
    words: str = parser().renderer.renderInlineAsText(image.children, parser().options, {})  # type: ignore[attr-defined]
    return words


def _render_heading(renderer: RendererHTML, tokens: list[Token], index: int, *more: Any) -> str:
    html: str = renderer.renderToken(tokens, index, *more)
    return html + str(tokens[index].meta.get("html", ""))


def _render_item(renderer: RendererHTML, tokens: list[Token], index: int, *more: Any) -> str:
    html = renderer.renderToken(tokens, index, *more)
    if "checked" not in tokens[index].meta:
        return html
    state = 'aria-label="Done" checked' if tokens[index].meta["checked"] else 'aria-label="To do"'
    return f'{html}<input type="checkbox" {state} disabled> '


def _render_fence(renderer: RendererHTML, tokens: list[Token], index: int, *more: Any) -> str:
    html: str | None = tokens[index].meta.get("html")
    return html or RendererHTML.fence(renderer, tokens, index, *more)


def _render_made(_: object, tokens: list[Token], index: int, *_more: object) -> str:
    return tokens[index].content
