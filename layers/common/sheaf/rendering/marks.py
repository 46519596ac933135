"""Marks that no plugin has as we want them, one small rule each.

`## Heading {#address}` gives a heading its address. `$e = mc^2$`, and what is between two lines of
`$$`, are formulas: they are kept as they were written, and marked as such. `[[Name]]` is a link to
the page of that name, wherever it is, and `[[Name#Heading|text]]` to a heading in it.
"""

import re
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline

from sheaf import slugs

_ATTRIBUTES = re.compile(r"[ \t]*\{:?[ \t]*(?=[#.])([^{}\n]{1,200})\}[ \t]*\Z")
_LONGEST_ATTRIBUTES = 300
_ID = re.compile(r"(?:^|\s)#(\S+)")
_INTERRUPTED = ["paragraph", "reference", "blockquote", "list"]
_NOT_IN_IDS = re.compile(r"[^\w-]+")
# A dollar is the beginning of a formula, and not of a price, if a sign comes next, and its end if
# one was before and neither a letter nor a digit comes after.
_FORMULA = re.compile(r"(\$\$?)(?![\s$])((?:[^$\\]|\\.){1,1000}?)(?<!\s)\1(?![\w$])", re.DOTALL)
_FORMULA_LETTERS = 32
# Of a file that is no page, nothing is shown.
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
    parser.core.ruler.after("block", "heading_ids", _take_ids)
    parser.block.ruler.before("fence", "formula", _formula_block, {"alt": _INTERRUPTED})
    parser.inline.ruler.before("escape", "formula", _formula)
    parser.inline.ruler.before("link", "named", _named)


def address(written: str) -> str:
    """What a page makes of an id that was written: no dot is in it, as in those of the site.

    >>> address("Setup.first_step")
    'Setup-first_step'
    """
    return _NOT_IN_IDS.sub("-", written)[: slugs.MAX_LENGTH].strip("-")


def _take_ids(state: StateCore) -> None:
    for opening, token in pairwise(state.tokens):
        if opening.type == "heading_open" and token.content.endswith("}"):
            start = max(0, len(token.content) - _LONGEST_ATTRIBUTES)
            if found := _ATTRIBUTES.search(token.content, start):
                token.content = token.content[: found.start()]
                written = _ID.search(found[1])
                opening.meta["id"] = address(written[1]) if written else ""


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
    if not silent:
        state.env["work"].add_path(found["name"])
        _push_link(state, found["name"].strip(), (found["heading"] or "").strip(), found["words"])
    state.pos = found.end()
    return True


def _names(state: StateInline, found: re.Match[str]) -> bool:
    """Whether it can be the name of a page or of a heading, and is no reference that there is."""
    name, heading = found["name"].strip(), found["heading"]
    is_name = any(map(str.isalnum, name)) and not _NO_PAGE.search(name)
    is_reference = normalizeReference(name) in state.env.get("references", {})
    return not is_reference and (is_name or (not name and bool(heading)))


def _push_link(state: StateInline, name: str, heading: str, words: str | None) -> None:
    last = heading.rpartition("#")[2]
    # What begins with `^` is a block, which has no address.
    fragment = slugs.anchor(last) if last and not last.startswith("^") else ""
    shown = words or " > ".join(part for part in (name, *heading.split("#")) if part)
    opening = state.push("link_open", "a", 1)
    opening.attrSet("href", f"#{fragment}" if fragment else "")
    opening.meta["name"] = name.removesuffix("\\")
    state.push("text", "", 0).content = shown
    state.push("link_close", "a", -1)


def _formula_block(state: StateBlock, line: int, end: int, ahead: bool) -> bool:
    start = state.bMarks[line] + state.tShift[line]
    if not state.src.startswith("$$", start) or state.is_code_block(line):
        return False
    state.env["work"].spend(1)
    if _line(state, line) != "$$":
        return False
    last = next((each for each in range(line + 1, end) if _ends(state, each)), None)
    if last is None or _line(state, last) != "$$":
        return False
    if not ahead:
        token = state.push("fence", "code", 0)
        token.info, token.map = "math", [line, last + 1]
        token.content = state.getLines(line + 1, last, state.sCount[line], True)
        state.line = last + 1
    return True


def _line(state: StateBlock, line: int) -> str:
    start = state.bMarks[line] + state.tShift[line]
    # Longer ones are not looked at.
    return state.src[start : min(state.eMarks[line], start + 80)].rstrip()


def _ends(state: StateBlock, line: int) -> bool:
    """Whether a formula ends here, or what it stands in."""
    return _line(state, line) == "$$" or (
        not state.isEmpty(line) and state.sCount[line] < state.blkIndent
    )
