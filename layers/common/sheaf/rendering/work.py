"""Work: what a text costs to render, counted while it is parsed, and the most that any may cost.

What Markdown costs hangs on its marks more than on its length. It is counted, not timed, so that
the same text is refused everywhere.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

# A unit of work stands for 1 to 2.5 microseconds. A megabyte of a manual takes 270,000 of them, one
# of short links 4 million, and one of brackets alone 29 million.
MAX_WORK = 400_000
# At once: the blocks of a text, or the parts of one block. A token has 350 bytes, a line 100.
MAX_TOKENS = 90_000
MAX_LINES = 250_000
# What references may add to any text, however short it is: as much as in cmark.
MIN_REFERENCED = 100_000

_BLOCK, _BLOCK_AHEAD, _TOKEN, _LINK = 8, 3, 2, 8
_INLINE, _INLINE_BRACKET, _INLINE_AHEAD, _INLINE_KNOWN = 1, 3, 5, 1
# What it takes to make a page's name of one that no page may have.
_RENAMED, _LETTERS_A_UNIT = 16, 4
_NAME = re.compile(r"[\w.-]*")


class TooMuch(ValueError):
    """A text makes more work, or becomes more, than any may. `line` is where, counted from 1."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class Work:
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
        self.add_path(str(token.attrGet("href") or "").split("#")[0])
        if "label" in token.meta:
            self._referenced -= sum(len(str(value)) for value in token.attrs.values())
            if self._referenced < 0:
                raise self.too_much("has references that add more than the text itself")

    def add_path(self, path: str) -> None:
        """Count what it takes to find a page by a path; raises TooMuch."""
        renamed = (name for name in path.split("/") if not _NAME.fullmatch(name))
        self.spend(sum(_RENAMED + len(name) // _LETTERS_A_UNIT for name in renamed))

    def too_much(self, reason: str) -> TooMuch:
        """What to raise at the line that is at work."""
        return TooMuch(reason, self.line + 1)


class Tokens(list[Token]):
    """Tokens that are counted: of a text as much as of one block, no more than can be kept."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work = work

    def append(self, token: Token) -> None:
        """Append a token; raises TooMuch."""
        self._work.spend(_TOKEN)
        if len(self) >= MAX_TOKENS:
            raise self._work.too_much("has more marks than can be rendered")
        super().append(token)


def counted(parser: MarkdownIt) -> None:
    """Have a parser count what it does, in the Work that is in its environment."""
    begins_nothing = ["paragraph", "reference", "blockquote", "list"]
    parser.core.ruler.at("block", _parse_blocks)
    parser.block.ruler.before("table", "work", _count_block, {"alt": begins_nothing})
    parser.inline.ruler.before("text", "work", _count_inline)
    parser.inline.skipToken = partial(_skip, parser.inline.skipToken)  # type: ignore[method-assign]
    parser.options["store_labels"] = True


def _parse_blocks(state: StateCore) -> None:
    state.tokens = Tokens(state.env["work"])
    state.md.block.parse(state.src, state.md, state.env, state.tokens)


def _count_block(state: StateBlock, line: int, _end: int, ahead: bool) -> bool:
    work: Work = state.env["work"]
    work.line = line
    work.spend(_BLOCK_AHEAD if ahead else _BLOCK)
    return False


def _count_inline(state: StateInline, ahead: bool) -> bool:
    units = _INLINE_BRACKET if state.src[state.pos] == "[" else _INLINE
    state.env["work"].spend(_INLINE_AHEAD if ahead else units)
    return False


def _skip(ahead: Callable[[StateInline], None], state: StateInline) -> None:
    """Go behind the next part: brackets in brackets ask for the same one again and again."""
    end = state.cache.get(state.pos)
    if end is None:
        ahead(state)
    else:
        state.env["work"].spend(_INLINE_KNOWN)
        state.pos = end
