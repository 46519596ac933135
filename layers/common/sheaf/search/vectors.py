"""Search vectors: the terms that a page is found by; and weights: what each of them says of it.

A vector has the words of a text as they are, with their places, and the stems of those that are
none themselves, without. The weights have a byte for each of the page's words that say most of it.
They are small, so that a search can look at thousands of pages: a vector would have to be read back
as a whole.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate, chain, repeat, takewhile

from sqlalchemy import ColumnElement, SmallInteger, String, bindparam, cast
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, TSVECTOR

from sheaf.search import stems, words
from sheaf.search.stems import primary

# Before the stem of a word that is none itself, a tag's words, and a language: no word begins so.
STEM, TAG, LANG = "~", "#", "@"
# What a byte says: that the word is in the title; in a heading or a tag; that this very form is
# there; and how much the text is about it.
IN_TITLE, IN_HEADING, IS_EXACT, MOST_WEIGHT = 0x80, 0x40, 0x20, 0x1F

# PostgreSQL refuses a vector over 1 MB. A term takes up to twice its bytes there. It does not know
# what comes behind 16,383 places apart, nor longer words.
_TITLE_BYTES, _HEADINGS_BYTES, _TEXT_BYTES, _STEMS_BYTES = 5_000, 50_000, 400_000, 100_000
_LAST, _LONGEST_WORD = 16_383, 500
_MOST_WORDS, _FEW_WORDS = 256, 100
# BM25 (Robertson and Zaragoza, 2009): how soon more of a word says no more, how much the length of
# a text counts, and what length is usual, in words. That is no mean: a page's weights are its own.
_SATURATION, _BY_LENGTH, _USUAL_LENGTH = 1.2, 0.75, 400


@dataclass(frozen=True)
class Text:
    """What is indexed of a page: its title, headings by lines, tags, text, and language."""

    title: str
    headings: str
    plain: str
    tags: Sequence[str] = ()
    lang: str = ""


def values() -> dict[str, ColumnElement[object]]:
    """The columns that a page is found by, as `parameters` gives them."""
    return {
        "search": bindparam("new_search", type_=TSVECTOR),
        "words": cast(bindparam("new_words", type_=String), ARRAY(SmallInteger)),
        "weights": bindparam("new_weights", type_=BYTEA),
        "title_words": bindparam("new_title_words"),
    }


def parameters(text: Text) -> dict[str, object]:
    """What a statement with these `values` needs. Of a very long text only the beginning counts."""
    index = _Index(text.lang)
    index.add(text.title, _TITLE_BYTES, "A", IN_TITLE)
    index.add("\n".join([*text.tags, text.headings]), _HEADINGS_BYTES, "B", IN_HEADING)
    index.add(text.plain, _TEXT_BYTES, "")
    index.marks = list(map(tag, text.tags))
    if language := primary(text.lang):
        index.marks.append(f"'{LANG}{language}'")
    vector, (numbers, weights) = index.vector(), index.weights()
    return {
        "new_search": vector,
        # As a list it would have a driver look at each of them.
        "new_words": f"{{{','.join(map(str, numbers))}}}",
        "new_weights": weights,
        "new_title_words": words.key(text.title),
    }


def tag(name: str) -> str:
    """What pages with a tag have, in PostgreSQL's notation. Of signs alone it may be anything."""
    escaped = words.tag_key(name).replace("\\", r"\\").replace("'", "''")
    return f"'{TAG}{escaped}'"


def number(term: str) -> int:
    """By what a term is known among the weights: 16 bits of a hash, as a signed number.

    Two words of a page may have the same one: seldom, and then both weigh what the weightier does.
    """
    return (zlib.crc32(term.encode()) & 0xFFFF) - 0x8000


class _Index:
    """The terms of one page."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        # The terms with each of their places, quoted.
        self.located: list[str] = []
        # What has no place: names such as c#, and, quoted, what begins with a sign of ours.
        self.named: set[str] = set()
        # What is not spelled as it is folded, by how it is.
        self.spelled: dict[str, str] = {}
        self.marks: list[str] = []
        self.counts: Counter[str] = Counter()
        self.flags: dict[str, int] = defaultdict(int)
        self._last = 0

    def add(self, text: str, limit: int, label: str, flag: int = 0) -> None:
        """Take in a part of the page: its places have a label in the vector, its words a flag."""
        terms, signed = _terms(text, limit), words.signed(text[:limit])
        first = self._last + 1
        # No phrase goes on from one part to the next.
        self._last += len(terms) + 1
        known = _places(label, 1 << self._last.bit_length())
        places = chain(known[first:], repeat(f"':{_LAST}{label}"))
        # PostgreSQL brings the places of a term together.
        self.located += map("".join, zip(repeat("'"), terms, places, strict=False))
        self.named.update(signed)
        self.spelled |= words.spelled(text[:limit])
        if flag:
            for term in (*terms, *signed):
                self.flags[term] |= flag
        else:
            self.counts.update(terms)
            self.counts.update(signed)

    @cached_property
    def stems(self) -> dict[str, str]:
        """That of each term, be it in the text or not."""
        return stems.each([*self.counts, *self.flags], self.lang)

    @cached_property
    def others(self) -> dict[str, set[str]]:
        """The other stems that terms have as they are spelled."""
        found = defaultdict[str, set[str]](set)
        for word, stem in stems.each(self.spelled, self.lang).items():
            term, other = self.spelled[word], words.folded(stem)
            if self.stems.get(term, other) != other:
                found[term].add(other)
        return found

    def vector(self) -> str:
        """In PostgreSQL's notation. But for marks all lexemes are letters and digits."""
        stemmed = {found: None for term, found in self.stems.items() if found != term}
        stemmed |= dict.fromkeys(chain.from_iterable(map(sorted, self.others.values())))
        others = [*self.named, *(STEM + each for each in _within([*stemmed], _STEMS_BYTES))]
        quoted = (f"'{each}'" for each in others)
        return " ".join([*self.located, *quoted, *self.marks])

    def weights(self) -> tuple[list[int], bytes]:
        """The numbers of the weightiest words, sorted, and a byte for each of them. The first byte
        is that of all others: they are in the text once."""
        counts, said = dict[str, int](), dict[str, int]()
        others = self.others
        for term, found in self._telling():
            flags, count = self.flags.get(term, 0), self.counts.get(term, 0)
            for each in (found, *others.get(term, ())):
                group, is_exact = STEM + each, IS_EXACT * (each == term)
                counts[group] = counts.get(group, 0) + count
                said[group] = said.get(group, 0) | flags | is_exact
            if found != term:
                counts[term], said[term] = count, flags | IS_EXACT
        weigh = _weighing(self.counts.total())
        weights = {count: weigh(count) for count in {1, *counts.values()}}
        bytes_ = {name: flags | weights[counts[name]] for name, flags in said.items()}
        if len(bytes_) > _MOST_WORDS:
            by_weight = sorted(((byte, name) for name, byte in bytes_.items()), reverse=True)
            bytes_ = {name: byte for byte, name in by_weight[:_MOST_WORDS]}
        known = dict(sorted(zip(map(number, bytes_), bytes_.values(), strict=True)))
        return [*known], bytes([weights[1], *known.values()])

    def _telling(self) -> Iterable[tuple[str, str]]:
        """The terms that say something of the page, and their stems: in a long text not those that
        are in it once."""
        if len(self.stems) <= _FEW_WORDS:
            return self.stems.items()
        telling = {term for term, count in self.counts.items() if count > 1} | self.flags.keys()
        forms = Counter(self.stems.values())
        return [
            (term, found)
            for term, found in self.stems.items()
            if term in telling or forms[found] > 1
        ]


@cache
def _places(label: str, count: int) -> list[str]:
    """What stands behind a term at each of these places; PostgreSQL knows none behind the last."""
    return [f"':{place}{label}" for place in range(min(count, _LAST))]


def _terms(text: str, limit: int) -> Sequence[str]:
    terms = words.terms(text[:limit])
    if max(map(len, terms), default=0) > _LONGEST_WORD:
        terms = [term for term in terms if len(term) <= _LONGEST_WORD]
    return _within(terms, limit)


def _within(terms: Sequence[str], limit: int) -> Sequence[str]:
    """The first of these terms, of so many bytes together."""
    # A letter takes four bytes at most.
    if 4 * sum(map(len, terms)) + len(terms) < limit:
        return terms
    room = takewhile(limit.__gt__, accumulate(len(term.encode()) + 1 for term in terms))
    return terms[: len(list(room))]


def _weighing(length: int) -> Callable[[int], int]:
    """How much a text of this length is about a word that is in it so often, up to MOST_WEIGHT."""
    slow = _SATURATION * (1 - _BY_LENGTH + _BY_LENGTH * length / _USUAL_LENGTH)

    return lambda count: max(1, round(MOST_WEIGHT * count / (count + slow)))
