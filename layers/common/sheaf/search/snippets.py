"""Snippets: the parts of a text that show why it was found, as safe HTML."""

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, islice
from typing import NamedTuple

from sheaf.search import words
from sheaf.search.stems import stems
from sheaf.texts import composed

# So much of a text is read at a time, and so much of it twice, so that no phrase is cut in two.
_READ_CHARACTERS, _READ_TWICE = 20_000, 1_000
_SHOWN_CHARACTERS = 160
_LEAD_CHARACTERS = 25
_PHRASES = 10
# Of so many places the best are shown.
_MOST_PLACES = 100
# Two places that are further apart than this are shown in two fragments.
_REACH = _SHOWN_CHARACTERS // 2 - _LEAD_CHARACTERS


class Mark(NamedTuple):
    """What is marked: a phrase, whose last word may go on; with `stems` only words that have one of
    them in one of these languages."""

    phrase: tuple[str, ...]
    goes_on: bool = False
    stems: frozenset[str] = frozenset()
    langs: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """What finds it in folded text, and more."""
        return words.pattern(self.phrase, goes_on=self.goes_on)

    def end(self, text: str, start: int, stop: int) -> int | None:
        """Where it ends that the pattern has found; None if it is not meant."""
        found = words.end(text, start, stop, self.phrase, goes_on=self.goes_on)
        if found is None or not self.stems:
            return found
        is_meant = not self.stems.isdisjoint(stems(text[start:found], self.langs))
        return found if is_meant else None


class _Place(NamedTuple):
    """Where a phrase is in a text; `phrase` is its number."""

    start: int
    stop: int
    phrase: int = 0


def cut(text: str, wanted: Sequence[Mark]) -> str:
    """About 160 characters around the places with most of what is wanted, this in <mark>.

    Without any of it, the beginning of the text.
    """
    first, source, places = _found(text, wanted[:_PHRASES])
    fragments = _fragments(source, _anchors(places))
    shown = " … ".join(_mark(source, fragment, places) for fragment in fragments)
    before = "… " if first or fragments[0].start > 0 else ""
    after = " …" if fragments[-1].stop < len(source) else ""
    return before + shown + after


def _found(text: str, wanted: Sequence[Mark]) -> tuple[int, str, list[_Place]]:
    """The first part of a text with any of the phrases, where it begins, and the places in it."""
    beginning = _part(text, 0)
    if not wanted:
        return 0, beginning, []
    marks, phrases = _any_of(tuple(wanted))
    if places := _places(beginning, marks, phrases):
        return 0, beginning, places
    for first in range(_READ_CHARACTERS, len(text), _READ_CHARACTERS):
        source = _part(text, first)
        # Whether there is a place costs less than where.
        found = phrases.search(words.folded(source))
        if found and (places := _places(source, marks, phrases)):
            return first, source, places
    return 0, beginning, []


@lru_cache(maxsize=8)
def _any_of(wanted: tuple[Mark, ...]) -> tuple[list[Mark], re.Pattern[str]]:
    """What finds any of it; all hits of a search are looked through for the same."""
    # Where two begin alike the longer one is meant.
    marks = sorted(wanted, key=lambda mark: sum(map(len, mark.phrase)), reverse=True)
    return marks, re.compile("|".join(f"({mark.pattern})" for mark in marks))


def _part(text: str, first: int) -> str:
    read = text[first : first + _READ_CHARACTERS + _READ_TWICE]
    whole = read if unicodedata.is_normalized("NFC", read) else composed(read)
    return " ".join(whole.split())


def _places(source: str, marks: Sequence[Mark], phrases: re.Pattern[str]) -> list[_Place]:
    where = _Where(source)
    return [
        _Place(start := where.of(first), max(where.of(end), start + 1), number)
        for first, end, number in islice(_meant(where.folded, marks, phrases), _MOST_PLACES)
    ]


def _meant(
    folded: str, marks: Sequence[Mark], phrases: re.Pattern[str]
) -> Iterator[tuple[int, int, int]]:
    """Where anything begins and ends, and its number."""
    for found in phrases.finditer(folded):
        number = found.lastindex or 1
        end = marks[number - 1].end(folded, *found.span())
        if end is not None:
            yield found.start(), end, number


class _Where:
    """A text as it is folded, and where in the text a place of that is."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.folded = words.folded(source)

    def of(self, place: int) -> int:
        """The place in the text."""
        # Letters of ASCII become one letter each.
        return place if self._source.isascii() else bisect_right(self._ends, place)

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(words.fold_lengths(self._source)))


def _anchors(places: Sequence[_Place]) -> list[_Place]:
    """The one or two places to cut around, in the order of the text."""
    if not places:
        return [_Place(0, 0)]
    first, shown = _best(places, frozenset())
    others = [place for place in places if abs(place.start - first.start) > _REACH]
    return sorted([first, _best(others, shown)[0]]) if others else [first]


def _best(places: Sequence[_Place], shown: frozenset[int]) -> tuple[_Place, frozenset[int]]:
    """The first place with most phrases near it that are not shown yet, and these phrases."""
    starts = [place.start for place in places]

    def near(index: int) -> frozenset[int]:
        beyond = bisect_left(starts, starts[index] + _REACH)
        return frozenset(place.phrase for place in places[index:beyond])

    best = max(range(len(places)), key=lambda index: len(near(index) - shown))
    return places[best], near(best)


def _fragments(source: str, anchors: Sequence[_Place]) -> list[_Place]:
    length = _SHOWN_CHARACTERS // len(anchors)
    fragments = [_around(source, anchor, length) for anchor in anchors]
    if fragments[0].stop >= fragments[-1].start:
        return [_Place(fragments[0].start, fragments[-1].stop)]
    return fragments


def _around(source: str, anchor: _Place, length: int) -> _Place:
    """The surroundings of a place, of whole words where there are spaces."""
    start = max(anchor.start - _LEAD_CHARACTERS, 0)
    stop = max(start + length, anchor.stop)
    if start > 0:
        start = source.find(" ", start, anchor.start) + 1 or start
    if stop < len(source):
        stop = max(source.rfind(" ", anchor.stop, stop), 0) or stop
    return _Place(start, min(stop, len(source)))


def _mark(source: str, fragment: _Place, places: Sequence[_Place]) -> str:
    parts: list[str] = []
    position = fragment.start
    for start, stop, _ in places:
        if position <= start and stop <= fragment.stop:
            before, found = source[position:start], source[start:stop]
            parts.append(f"{html.escape(before)}<mark>{html.escape(found)}</mark>")
            position = stop
    return "".join(parts) + html.escape(source[position : fragment.stop])
