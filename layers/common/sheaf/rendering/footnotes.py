"""Footnotes: `[^name]` in a text, and `[^name]: …` anywhere, which is shown below the text.

Notes are numbered in the order in which they are asked for. What no reference asks for is left out.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType
from mdit_py_plugins.footnote.index import footnote_def

_REFERENCE = re.compile(r"\[\^([^\s\]]{1,200})\]")
_KEY = "footnotes"


def plugin(parser: MarkdownIt) -> None:
    """Have a parser know notes, and references to them where there is such a note."""
    interrupted = ["paragraph", "reference"]
    parser.block.ruler.before("reference", "footnote_def", footnote_def, {"alt": interrupted})
    parser.inline.ruler.after("image", "footnote_ref", _reference)
    parser.add_render_rule("footnote_ref", _render_reference)


class Footnotes:
    """The notes of one text, from the environment of its parser."""

    def __init__(self, environment: EnvType) -> None:
        self._environment = environment
        # Whether all else has been read, and it is the notes' turn.
        self.at_work = False

    def last(self, tokens: list[Token]) -> Iterator[Token]:
        """All tokens of a text, its notes last: references have to be read as they come."""
        if _KEY not in self._environment:
            yield from tokens
            return
        bodies: dict[str, list[Token]] = {}
        yield from _apart(tokens, bodies)
        self.at_work = True
        yield from self._notes(bodies)

    def _notes(self, bodies: dict[str, list[Token]]) -> Iterator[Token]:
        labels: list[str] = self._environment[_KEY].get("labels", [])
        if not labels:
            return
        yield _html('<section class="footnotes">\n<ol>\n', 1)
        # One note may ask for the next.
        for number, label in enumerate(labels, 1):
            yield from _note(number, bodies[label])
        yield _html("</ol>\n</section>\n", -1)


def outside(tokens: list[Token]) -> Iterator[Token]:
    """The tokens of a text without those of its notes."""
    return _apart(tokens, {})


def _apart(tokens: list[Token], bodies: dict[str, list[Token]]) -> Iterator[Token]:
    labels: list[str] = []
    for token in tokens:
        if token.type == "footnote_reference_open":
            labels.append(token.meta["label"])
            bodies[labels[-1]] = []
        elif token.type == "footnote_reference_close":
            labels.pop()
        elif labels:
            bodies[labels[-1]].append(token)
        else:
            yield token


def _note(number: int, body: list[Token]) -> Iterator[Token]:
    yield _html(f'<li id="fn.{number}">\n')
    back = _html(f' <a href="#fnref.{number}" aria-label="Back to the text">↩\ufe0e</a>')
    inside = bool(body) and body[-1].type == "paragraph_close"
    yield from body[:-1] if inside else body
    yield back
    yield from body[-1:] if inside else ()
    yield _html("</li>\n")


def _html(html: str, nesting: Literal[-1, 0, 1] = 0) -> Token:
    return Token("made", "", nesting, content=html, level=0 if nesting else 1)


def _reference(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "[" or _KEY not in state.env or state.linkLevel:
        return False
    found = _REFERENCE.match(state.src, state.pos, state.posMax)
    if not found or f":{found[1]}" not in state.env[_KEY]["refs"]:
        return False
    if not silent:
        state.push("footnote_ref", "", 0).meta = _numbered(state.env[_KEY], found[1])
    state.pos = found.end()
    return True


def _numbered(notes: dict[str, Any], label: str) -> dict[str, Any]:
    labels, numbers = notes.setdefault("labels", []), notes.setdefault("numbers", {})
    is_first = label not in numbers
    if is_first:
        labels.append(label)
        numbers[label] = len(labels)
    return {"number": numbers[label], "is_first": is_first}


def _render_reference(_: object, tokens: list[Token], index: int, *_more: object) -> str:
    number = tokens[index].meta["number"]
    # Only the first reference can be gone back to.
    place = f' id="fnref.{number}"' if tokens[index].meta["is_first"] else ""
    return f'<sup><a href="#fn.{number}"{place}>{number}</a></sup>'
