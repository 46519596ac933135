"""Marks that no plugin has as we want them, one small rule each.

`## Heading {#address}` gives a heading its address; such a list of attributes may stand below or
right behind other text, too, and a block may end with its name, ` ^name`, as Obsidian's do.
`==words==` are marked, and a line of `%% what is said here %%` is said to nobody. `$e = mc^2$`, and
what is between two lines of `$$`, are formulas: they are kept as they were written, and marked as
such. `[[Name]]` is a link to the page of that name, wherever it is, and `[[Name#Heading|text]]` to
a heading in it.
"""

import re
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from sheaf import slugs

_LIST = r"\{(?::[ \t]*(?=[\w#.])|[ \t]*(?=[#.]|[\w-]+=))([^{}\n]{1,200})\}"
_ATTRIBUTES = re.compile(rf"[ \t]*{_LIST}[ \t]*\Z")
# A file may be called {.so}.
_LINE = rf"(?=\{{[: ]){_LIST}"
_ATTRIBUTES_BELOW = re.compile(rf"(?:\n|\A){_LINE}\Z")
_ATTRIBUTES_ABOVE = re.compile(rf"{_LINE}[ \t]*\n")
_ATTRIBUTES_BEHIND = re.compile(_LIST)
_LONGEST_ATTRIBUTES = 300
_HAS_ATTRIBUTES = ("link_close", "image", "code_inline", "mark_close")
_ICON = re.compile(r":[\w-]{1,50}:\Z")
_LONGEST_ICON = 60
_ID = re.compile(r"(?:^|\s)#(\S+)")
# What is shorter may be a power, such as 2 ^10, or some other text.
_NAME = re.compile(r"(?:\s|\A)\^([\w-]{6,100})\Z")
_INTERRUPTED = ["paragraph", "reference", "blockquote", "list"]
_NOT_IN_IDS = re.compile(r"[^\w-]+")
# A dollar is the beginning of a formula, and not of a price, if a sign comes next, and its end if
# one was before and neither a letter nor a digit comes after.
_FORMULA = re.compile(r"(\$\$?)(?![\s$])((?:[^$\\]|\\.){1,1000}?)(?<!\s)\1(?![\w$])", re.DOTALL)
_MARKED = re.compile(r"==(?![\s=])(.{1,1000}?)(?<![\s=])==(?![\w=])", re.DOTALL)
_UNITS_OF_SEARCH = 10
_LONGEST_COMMENT = 2000
_NAMED = re.compile(
    r"!?\[\[(?P<name>[^\[\]|#\n]{0,200}+)(?:#(?P<heading>[^\[\]|\n]{0,200}+))?"
    r"(?:\|(?P<words>[^\[\]\n]{1,400}+))?\]\](?![\](\[])"
)
_NO_PAGE = re.compile(
    r"\.(?:a?png|avif|bmp|gif|jpe?g|svg|webp|mp[34]|m4a|mov|ogg|wav|webm|pdf)\Z", re.I
)
_NAMED_UNITS = 8


def plugin(parser: MarkdownIt) -> None:
    """Have a parser know these marks."""
    parser.core.ruler.after("block", "attributes", _take_attributes)
    parser.block.ruler.before("fence", "formula", _formula_block, {"alt": _INTERRUPTED})
    parser.block.ruler.before("fence", "comment", _comment_block, {"alt": _INTERRUPTED})
    for rule in (_formula, _marked, _attributes):
        parser.inline.ruler.before("escape", rule.__name__, rule)
    parser.inline.ruler.before("link", "named", _named)


def address(written: str) -> str:
    """What a page makes of an id that was written: no dot is in it, as in those of the site.

    >>> address("Setup.first_step")
    'Setup-first_step'
    """
    return _NOT_IN_IDS.sub("-", written)[: slugs.MAX_LENGTH].strip("-")


def _take_attributes(state: StateCore) -> None:
    shown = Token("", "", 1)
    for index, token in enumerate(state.tokens[1:-1], 1):
        opening, closing = state.tokens[index - 1], state.tokens[index + 1]
        # In a list without empty lines, paragraphs are not shown as such.
        shown = opening if opening.nesting > 0 and not opening.hidden else shown
        if token.type == "inline" and (found := _attributes_of(opening, token.content)):
            token.content = token.content[: found.start()] + token.content[found.end() :]
            shown.meta["id"] = address(_id(found))
            if opening.type == "paragraph_open" and not token.content:
                opening.hidden = closing.hidden = True


def _attributes_of(opening: Token, text: str) -> re.Match[str] | None:
    """The attributes, or the name, with which a block's text ends, or the attributes above it."""
    if found := _ATTRIBUTES_ABOVE.match(text):
        return found
    start = max(0, len(text) - _LONGEST_ATTRIBUTES)
    if text.endswith("}"):
        pattern = _ATTRIBUTES if opening.type == "heading_open" else _ATTRIBUTES_BELOW
        return pattern.search(text, start)
    return _NAME.search(text, start) if "^" in text[start:] else None


def _id(found: re.Match[str]) -> str:
    if found.re is _NAME:
        return found[1]
    written = _ID.search(found[1])
    return written[1] if written else ""


def _attributes(state: StateInline, silent: bool) -> bool:
    """Attributes right behind a link, or other marked text."""
    if silent or state.src[state.pos] != "{" or not _is_behind_mark(state):
        return False
    found = _ATTRIBUTES_BEHIND.match(state.src, state.pos, state.posMax)
    state.pos = found.end() if found else state.pos
    return found is not None


def _is_behind_mark(state: StateInline) -> bool:
    if before := state.pending:
        return before.endswith(":") and bool(_ICON.search(before[-_LONGEST_ICON:]))
    last = state.tokens[-1] if state.tokens else Token("", "", 0)
    is_emphasis = last.type == "text" and last.content and not last.content.strip("*_~")
    return bool(last.type in _HAS_ATTRIBUTES or is_emphasis)


def _marked(state: StateInline, silent: bool) -> bool:
    start = state.pos
    # None begins in a word.
    if not state.src.startswith("==", start) or _joins(state.src[start - 1 : start]):
        return False
    state.env["work"].spend(_UNITS_OF_SEARCH)
    found = _MARKED.match(state.src, start, state.posMax)
    if not found:
        return False
    if not silent:
        end = state.posMax
        state.push("mark_open", "mark", 1)
        state.pos, state.posMax = found.span(1)
        state.md.inline.tokenize(state)
        state.push("mark_close", "mark", -1)
        state.posMax = end
    state.pos = found.end()
    return True


def _joins(before: str) -> bool:
    return before.isalnum() or before == "="


def _formula(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "$" or (state.pos and state.src[state.pos - 1].isalnum()):
        return False
    found = _FORMULA.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    if not silent:
        token = state.push("code_inline", "code", 0)
        token.attrSet("class", "language-math")
        token.content = found[2]
    state.pos = found.end()
    return True


def _named(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith(("[[", "![["), state.pos) or state.linkLevel:
        return False
    state.env["work"].spend(_NAMED_UNITS)
    found = _NAMED.match(state.src, state.pos, state.posMax)
    if not found or state.src[state.pos - 1 : state.pos] in ("[", "!") or not _names(state, found):
        return False
    name, heading = found["name"].strip(), (found["heading"] or "").strip()
    if not silent and _NO_PAGE.search(name):
        _push_file(state, name, found)
    elif not silent:
        state.env["work"].add_path(name)
        _push_link(state, name, heading, found["words"])
    state.pos = found.end()
    return True


def _names(state: StateInline, found: re.Match[str]) -> bool:
    """Whether it can be the name of a page or of a heading, and is no reference that there is."""
    name, heading = found["name"].strip(), found["heading"]
    # A number behind a word is most likely an index.
    counts = str.isalpha if state.src[state.pos - 1 : state.pos].isalnum() else str.isalnum
    is_name = any(map(counts, name))
    is_reference = normalizeReference(name) in state.env.get("references", {})
    return not is_reference and (is_name or (not name and bool(heading)))


def _push_file(state: StateInline, name: str, found: re.Match[str]) -> None:
    """A file that is no page: an image where it is shown, as `![](a.png)` is, else its words."""
    words = found["words"] or name
    if not found[0].startswith("!"):
        state.push("text", "", 0).content = words
        return
    image = state.push("image", "img", 0)
    image.attrs = {"src": quote(name), "alt": ""}
    # What Obsidian has behind the bar of an image is how wide it is shown.
    image.content = name if words.isdigit() else words
    image.children = [Token("text", "", 0, content=image.content)]


def _push_link(state: StateInline, name: str, heading: str, words: str | None) -> None:
    fragment = _fragment(heading.rpartition("#")[2])
    shown = words or " > ".join(part for part in (name, *heading.split("#")) if part)
    opening = state.push("link_open", "a", 1)
    opening.attrSet("href", f"#{fragment}" if fragment else "")
    opening.meta["name"] = name.removesuffix("\\")
    state.push("text", "", 0).content = shown
    state.push("link_close", "a", -1)


def _fragment(heading: str) -> str:
    """The address in a page of what `[[Name#heading]]` names; `^` begins the name of a block."""
    if heading.startswith("^"):
        return address(heading)
    return slugs.anchor(heading) if heading else ""


def _formula_block(state: StateBlock, line: int, end: int, ahead: bool) -> bool:
    last = _last(state, line, end, "$$")
    if last and not ahead:
        token = state.push("fence", "code", 0)
        token.info, token.map = "math", [line, last + 1]
        token.content = state.getLines(line + 1, last, state.sCount[line], True)
        state.line = last + 1
    return last is not None


def _comment_block(state: StateBlock, line: int, end: int, ahead: bool) -> bool:
    last = line if _is_comment(state, line) else _last(state, line, end, "%%")
    if last is not None and not ahead:
        state.line = last + 1
    return last is not None


def _is_comment(state: StateBlock, line: int) -> bool:
    """Whether a line is a comment by itself."""
    if not state.src.startswith("%%", state.bMarks[line] + state.tShift[line]):
        return False
    text = _line(state, line, _LONGEST_COMMENT)
    is_whole = text.endswith("%%") and "%%" not in text[2:-2] and len(text) > len("%%%%")
    return is_whole and not state.is_code_block(line)


def _last(state: StateBlock, line: int, end: int, sign: str) -> int | None:
    """The line that ends what begins here, both of which are a sign and nothing else."""
    start = state.bMarks[line] + state.tShift[line]
    if not state.src.startswith(sign, start) or state.is_code_block(line):
        return None
    state.env["work"].spend(1)
    if _line(state, line) != sign:
        return None
    last = next((each for each in range(line + 1, end) if _ends(state, each, sign)), None)
    return last if last is not None and _line(state, last) == sign else None


def _line(state: StateBlock, line: int, longest: int = 80) -> str:
    start = state.bMarks[line] + state.tShift[line]
    # Longer ones are not looked at.
    return state.src[start : min(state.eMarks[line], start + longest)].rstrip()


def _ends(state: StateBlock, line: int, sign: str) -> bool:
    """Whether what began with a sign ends here, or what it stands in."""
    return _line(state, line) == sign or (
        not state.isEmpty(line) and state.sCount[line] < state.blkIndent
    )
