"""Rewording: which words of changed lines are other ones, and which line became which.

The work is bounded: changes that are too large to be looked into are shown as lines.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from sheaf.alignment import matches, shared_ends
from sheaf.search.words import CHARACTER

# What all changes of two texts may cost, in pairs of words that may have to be compared; to find
# the words costs as much as some of them for each character.
_MOST = 2_000_000
_PER_CHARACTER = 4
# Two lines are one that was reworded if they have so much of their letters in common.
_ALIKE = 0.5
# White space, a letter of a script that writes no spaces, a word with the marks in it, or a sign.
_WORD = r"[\w\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0dff]"
_TOKEN = re.compile(rf"\s+|{CHARACTER}|(?:(?!{CHARACTER}){_WORD})+|.")


class Piece(NamedTuple):
    """A part of a text, and whether it is in this text alone."""

    changed: bool
    text: str


class Row(NamedTuple):
    """Lines of two texts that are beside each other; nothing where a text has none there."""

    same: bool
    old: list[Piece]
    new: list[Piece]


class Rewording:
    """Looks into the changes from one text to another, one after the other."""

    def __init__(self) -> None:
        self._left = _MOST

    def rows(self, old: Sequence[str], new: Sequence[str]) -> Iterator[Row]:
        """Lines that have become others, each reworded one beside what it is now."""
        before, after = self._compared(old, new)
        i = j = 0
        for line, other in _reworded(before, after):
            yield from _replaced(old[i:line], new[j:other])
            yield Row(False, before.pieces(line, other), after.pieces(other, line))
            i, j = line + 1, other + 1
        yield from _replaced(old[i:], new[j:])

    def _compared(self, old: Sequence[str], new: Sequence[str]) -> tuple["_Words", "_Words"]:
        """The words of both, each with its place in the other; no words if that is too much."""
        size = sum(len(line) + 1 for line in (*old, *new))
        if not old or not new or not self._affords(_PER_CHARACTER * size):
            return _Words([]), _Words([])
        before, after = _Words(old), _Words(new)
        same = sum(shared_ends(before.tokens, after.tokens))
        if not self._affords((len(before.tokens) - same) * (len(after.tokens) - same)):
            return _Words([]), _Words([])
        for match in matches(before.tokens, after.tokens):
            for k in range(match.size):
                before.meet(match.old + k, after, match.new + k)
        return before, after

    def _affords(self, cost: int) -> bool:
        if cost > self._left:
            return False
        self._left -= cost
        return True


class _Words:
    """The words of lines, and what is between them; of each its line, and its line over there."""

    def __init__(self, lines: Sequence[str]) -> None:
        found = [_TOKEN.findall(line) for line in lines]
        self.tokens = [token for tokens in found for token in tokens]
        self.lines = [number for number, tokens in enumerate(found) for _ in tokens]
        self.there = [-1] * len(self.tokens)

    def meet(self, place: int, other: "_Words", its_place: int) -> None:
        self.there[place], other.there[its_place] = other.lines[its_place], self.lines[place]

    def shared(self) -> Counter[tuple[int, int]]:
        """How many letters of which line are in which line of the other's."""
        letters: Counter[tuple[int, int]] = Counter()
        for token, line, there in zip(self.tokens, self.lines, self.there, strict=True):
            if there >= 0 and not token.isspace():
                letters[line, there] += len(token)
        return letters

    def sizes(self) -> Counter[int]:
        """How many letters each line has."""
        letters: Counter[int] = Counter()
        for token, line in zip(self.tokens, self.lines, strict=True):
            letters[line] += 0 if token.isspace() else len(token)
        return letters

    def pieces(self, line: int, other: int) -> list[Piece]:
        """A line in pieces, beside a line of the other's."""
        places = range(bisect_left(self.lines, line), bisect_right(self.lines, line))
        tokens = [Piece(self.there[place] != other, self.tokens[place]) for place in places]
        # What is between two other words is no word that stayed.
        for k in range(1, len(tokens) - 1):
            if tokens[k - 1].changed and tokens[k].text.isspace() and tokens[k + 1].changed:
                tokens[k] = Piece(True, tokens[k].text)
        parts = groupby(tokens, key=lambda token: token.changed)
        return [Piece(changed, "".join(each.text for each in part)) for changed, part in parts]


def _reworded(before: _Words, after: _Words) -> Iterator[tuple[int, int]]:
    sizes, others = before.sizes(), after.sizes()
    i = j = -1
    for (line, other), letters in sorted(before.shared().items()):
        alike = 2 * letters / (sizes[line] + others[other])
        if line > i and other > j and alike >= _ALIKE:
            yield line, other
            i, j = line, other


def unchanged(lines: Sequence[str]) -> Row:
    """Lines that both texts have."""
    pieces = _piece(lines, changed=False)
    return Row(True, pieces, pieces)


def _replaced(old: Sequence[str], new: Sequence[str]) -> Iterator[Row]:
    """Lines none of which was reworded; those that both begin or end with have stayed."""
    start, end = shared_ends(old, new)
    if start:
        yield unchanged(old[:start])
    removed, added = old[start : len(old) - end], new[start : len(new) - end]
    if removed or added:
        yield Row(False, _piece(removed, changed=True), _piece(added, changed=True))
    if end:
        yield unchanged(old[len(old) - end :])


def _piece(lines: Sequence[str], *, changed: bool) -> list[Piece]:
    return [Piece(changed, "\n".join(lines))] if lines else []
