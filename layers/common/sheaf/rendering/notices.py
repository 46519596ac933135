"""Notices: paragraphs that are set apart, such as warnings, in all the ways that people write them.

GitHub's `> [!NOTE]`, and Obsidian's `> [!tip]- Title`; Docusaurus' `:::note Title` and PyMdown's
`/// note | Title`, to a line of the same signs; MkDocs' `!!! note "Title"`, `???` for what is
folded, and `=== "Title"`, before lines that are indented by four. They all become the same HTML.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

# How each kind is shown, and by which other names it goes.
_NAMES = {
    "note": "info abstract summary tldr todo example quote cite question help faq seealso",
    "tip": "hint success check done",
    "important": "",
    "warning": "attention",
    "caution": "danger error failure fail missing bug",
}
_KINDS = {name: kind for kind, more in _NAMES.items() for name in (kind, *more.split())}
# Names that say nothing about the kind.
_PLAIN = ("admonition", "details")
_FENCED = {*_KINDS, *_PLAIN}
CLASSES = {"notice", *_NAMES}

_COLONS = re.compile(
    r"(?P<fence>:{3,})[ \t]*(?P<name>[A-Za-z]+)(?:[ \t]*\[(?P<label>.*)\])?"
    r"(?:[ \t]*\{[^}]*\})?(?:[ \t]+(?P<title>.*))?\Z"
)
_SLASHES = re.compile(
    r"(?P<fence>/{3,})[ \t]+(?P<name>[A-Za-z]+)(?:[ \t]*\|[ \t]*(?P<title>.*))?\Z"
)
_INDENTED = re.compile(
    r"(?P<mark>!!!|\?\?\?\+?)[ \t]+(?P<name>[\w-]+)"
    r'(?:[ \t]+(?:inline(?:[ \t]+end)?|[\w -]+?(?=[ \t]*")))?'
    r'(?:[ \t]*"(?P<title>.*)")?\Z|===[!+]?[ \t]+"(?P<tab>.*)"\Z'
)
_QUOTED = re.compile(
    r"\[!(?P<name>[A-Za-z]+)\](?P<fold>[+-]?)(?:[ \t]+(?P<title>[^\n]*))?(?:\n|\Z)"
)
_OPTION = re.compile(r"([a-z]+):[ \t]*(.*)")
_LONGEST = 400
_INDENT = 4
_LINES_A_UNIT = 2
_UNITS, _UNITS_OF_INNER, _UNITS_OF_SIGN = 20, 4, 1
_INTERRUPTED = ["paragraph", "reference", "blockquote", "list"]


@dataclass
class _Notice:
    """What the first line of a notice says; `title` is None if it has the kind's name."""

    name: str
    title: str | None = None
    is_folded: bool = False
    is_open: bool = False
    kind: str = ""

    def tag(self) -> str:
        return "details" if self.is_folded else "div"

    def attributes(self) -> dict[str, str | int | float]:
        kind = self.kind or _KINDS.get(self.name, "note")
        opened = {"open": ""} if self.is_open else {}
        return {"class": f"notice {kind}", **opened}

    def heading(self) -> str:
        is_named = self.title is None or (self.is_folded and not self.title)
        return self.name.capitalize() if is_named else self.title or ""


def plugin(parser: MarkdownIt) -> None:
    """Have a parser know notices."""
    parser.core.ruler.after("block", "quoted_notices", _find_quoted)
    parser.block.ruler.before("fence", "fenced_notice", _fenced, {"alt": _INTERRUPTED})
    parser.block.ruler.before("fence", "indented_notice", _indented, {"alt": _INTERRUPTED})


def _fenced(state: StateBlock, line: int, end: int, ahead: bool) -> bool:
    found = _fence(state, line)
    if not found:
        return False
    if not ahead:
        open_fences = [len(found["fence"])]
        last = _last(state, line, end, lambda each: _ends_fence(state, each, found, open_fences))
        notice = _of_fence(found)
        first = _read_options(state, line + 1, last, notice)
        _push(state, notice, (line, first, last), 0)
        # The line that ends it, if there is one.
        state.line = last + (not open_fences)
    return True


def _fence(state: StateBlock, line: int) -> re.Match[str] | None:
    found = _match(state, line, ":", _COLONS) or _match(state, line, "/", _SLASHES)
    return found if found and found["name"].lower() in _FENCED else None


def _ends_fence(state: StateBlock, line: int, begun: re.Match[str], open_: list[int]) -> bool:
    """Whether a notice ends here; `open_` has the lengths of its fence and of those in it."""
    start, sign = state.bMarks[line] + state.tShift[line], begun["fence"][0]
    if not state.src.startswith(sign * 3, start) or state.is_code_block(line):
        return False
    text = _text(state, line)
    if not text.strip(sign):
        open_[:] = open_[:-1] if len(text) >= open_[-1] else open_
    elif inner := _fence(state, line):
        state.env["work"].spend(_UNITS_OF_INNER)
        open_.append(len(inner["fence"]))
    return not open_


def _of_fence(found: re.Match[str]) -> _Notice:
    label = found["label"] if found["fence"][0] == ":" else None
    title = label if label is not None else (found["title"] or "").strip() or None
    name = found["name"].lower()
    return _Notice(name, title, is_folded=name == "details")


def _read_options(state: StateBlock, line: int, last: int, notice: _Notice) -> int:
    """Lines such as `    type: warning` below the first; returns the number of the next one."""
    while line < last and state.is_code_block(line):
        found = _OPTION.match(_text(state, line))
        if not found:
            break
        if found[1] == "type":
            notice.kind = _KINDS.get(found[2].lower(), "")
        notice.is_open |= found[1] == "open" and found[2].lower() == "true"
        line += 1
    return line


def _indented(state: StateBlock, line: int, end: int, ahead: bool) -> bool:
    found = _match(state, line, "!?=", _INDENTED)
    if not found:
        return False
    if not ahead:
        indent = state.blkIndent + _INDENT
        last = _last(state, line, end, lambda each: _is_left_of(state, each, indent))
        _push(state, _of_mark(found), (line, line + 1, last), _INDENT)
        state.line = last
    return True


def _of_mark(found: re.Match[str]) -> _Notice:
    if found["mark"] is None:
        return _Notice("", found["tab"])
    mark, name = found["mark"], found["name"].lower()
    return _Notice(name, found["title"], is_folded=mark[0] == "?", is_open=mark == "???+")


def _match(
    state: StateBlock, line: int, signs: str, pattern: re.Pattern[str]
) -> re.Match[str] | None:
    start = state.bMarks[line] + state.tShift[line]
    begins = start < state.eMarks[line] and state.src[start] in signs
    if not begins or state.is_code_block(line):
        return None
    state.env["work"].spend(_UNITS_OF_SIGN)
    return pattern.match(_text(state, line))


def _text(state: StateBlock, line: int) -> str:
    start = state.bMarks[line] + state.tShift[line]
    # Longer ones are something else.
    return state.src[start : min(state.eMarks[line], start + _LONGEST)].rstrip()


def _last(state: StateBlock, line: int, end: int, is_end: Callable[[int], bool]) -> int:
    """The first line that is not of the notice which begins at a line."""
    last = line + 1
    while last < end and not is_end(last) and not _is_left_of(state, last, state.blkIndent):
        last += 1
    state.env["work"].spend(_UNITS + (last - line) // _LINES_A_UNIT)
    return last


def _is_left_of(state: StateBlock, line: int, indent: int) -> bool:
    return not state.isEmpty(line) and state.sCount[line] < indent


def _push(state: StateBlock, notice: _Notice, lines: tuple[int, int, int], indent: int) -> None:
    line, first, last = lines
    opening = state.push("notice_open", notice.tag(), 1)
    opening.attrs, opening.map = notice.attributes(), [line, last]
    for token in _title(notice, line, state.level):
        state.tokens.append(token)
    before = state.parentType, state.lineMax, state.blkIndent
    state.parentType, state.lineMax = "notice", last
    state.blkIndent += indent
    state.md.block.tokenize(state, first, last)
    state.parentType, state.lineMax, state.blkIndent = before
    state.push("notice_close", notice.tag(), -1)


def _title(notice: _Notice, line: int, level: int) -> Iterator[Token]:
    if not (title := notice.heading()):
        return
    tag = "summary" if notice.is_folded else "p"
    opening = Token("notice_title_open", tag, 1, level=level, block=True)
    if tag == "p":
        opening.attrSet("class", "title")
    yield opening
    lines = [line, line + 1]
    yield Token("inline", "", 0, {}, lines, level + 1, [], title, block=True)
    yield Token("notice_title_close", tag, -1, level=level, block=True)


def _find_quoted(state: StateCore) -> None:
    """Make notices of the quotations that begin as one."""
    if "[!" not in state.src:
        return
    tags: list[str] = []
    found: list[Token] = []
    for index, token in enumerate(state.tokens):
        found.append(token)
        if token.type == "blockquote_open":
            if notice := _quoted(state.tokens[index + 1 : index + 4]):
                token.tag, token.attrs = notice.tag(), notice.attributes()
                line = token.map[0] if token.map else 0
                found += _title(notice, line, token.level + 1)
            tags.append(token.tag)
        elif token.type == "blockquote_close":
            token.tag = tags.pop()
    state.tokens = found


def _quoted(paragraph: list[Token]) -> _Notice | None:
    """What the first line of a quotation's first paragraph says, which is none of its text then."""
    begun = _QUOTED.match(paragraph[1].content) if paragraph[0].type == "paragraph_open" else None
    if begun is None or begun["name"].lower() not in _KINDS:
        return None
    opening, words, closing = paragraph
    words.content = words.content[begun.end() :]
    opening.hidden = closing.hidden = not words.content
    name, sign, title = begun["name"].lower(), begun["fold"], (begun["title"] or "").strip()
    return _Notice(name, title or None, is_folded=bool(sign), is_open=sign == "+")
