"""Ranking: in which order the pages come that a query finds.

First by where the words are: the title itself, its beginning, all of them in the title, in headings
or tags, in the text. Then by BM25 (Robertson and Zaragoza, 2009) of the words' weights, so that
rare words count more and a long text less; then by how many pages link to it, then by slug. All of
it is of the page alone, or of a snapshot that is the same on all shards.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any, Literal, get_args

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Double,
    SmallInteger,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from sheaf.search import vectors, words
from sheaf.search.queries import Query, Term
from sheaf.search.stems import stems

Place = Literal["title", "beginning of the title", "in the title", "heading", "text"]
PLACES: tuple[Place, ...] = get_args(Place)
# What another form of a word is worth than the one that was typed.
_OTHER_FORM = 0.8
# Words that a larger part of the pages have need not be there, where others are asked for. What
# says least is short in most languages. A small site does not tell how common a word is.
_COMMON, _SHORT_COMMON, _SHORT, _LEAST_PAGES = 0.35, 0.2, 4, 100
# Of so many words each page that was found is asked: of the rarest.
_MOST_UNITS = 12


@dataclass(frozen=True)
class Counts:
    """Of a snapshot: how many pages there were, their languages, and how many had which lexeme."""

    pages: int = 0
    langs: tuple[str, ...] = ()
    having: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Unit:
    """A word of a query, or two characters of a run: what a page has a weight of.

    `groups` are the numbers of its stems, and `exact` is that of the very form, None if that is the
    stem. `rarity` is what it counts. Pages know nothing of a mere `beginning` but their titles.
    """

    groups: tuple[int, ...]
    exact: int | None
    rarity: float
    beginning: str = ""
    is_needed: bool = True


def common(query: Query, counts: Counts) -> set[Term]:
    """The words of a query that so many pages have that they say nothing of any."""
    if counts.pages < _LEAST_PAGES:
        return set()
    return {
        term
        for term in query.terms
        if term.is_word and _having(term.pieces[0], counts) > counts.pages * _most(term)
    }


def _most(term: Term) -> float:
    return _COMMON if len(term.pieces[0]) > _SHORT else _SHORT_COMMON


def lexemes(query: Query, langs: Sequence[str]) -> set[str]:
    """All that pages with a word of the query are counted by."""
    found = (_lexemes(word, langs) for term in query.terms for word in _words(term))
    return set().union(*found)


def units(query: Query, counts: Counts) -> list[list[Unit]]:
    """What each alternative of a query is made of, of many words the rarest."""
    needed = query.without(common(query, counts)).alternatives
    found = [
        [_unit(term, word, counts, term in kept) for term in terms for word in _words(term)]
        for terms, kept in zip(query.alternatives, needed, strict=True)
    ]
    return [sorted(each, key=lambda unit: -unit.rarity)[:_MOST_UNITS] for each in found]


def _words(term: Term) -> Sequence[str]:
    return [term.signed] if term.signed else words.queried(term.pieces)


def _lexemes(word: str, langs: Sequence[str]) -> set[str]:
    found = stems(word, langs)
    return {word, *found, *(vectors.STEM + each for each in found)}


def _having(word: str, counts: Counts) -> int:
    """In how many pages it is, or less: none has all the forms of it."""
    return max(counts.having.get(each, 0) for each in _lexemes(word, counts.langs))


def _unit(term: Term, word: str, counts: Counts, is_needed: bool) -> Unit:
    found = stems(word, counts.langs)
    return Unit(
        tuple(vectors.number(vectors.STEM + each) for each in found),
        None if found == [word] else vectors.number(word),
        _rarity(counts.pages, _having(word, counts)),
        word if term.is_beginning else "",
        is_needed,
    )


def _rarity(pages: int, having: int) -> float:
    return log(1 + (max(pages - having, 0) + 0.5) / (having + 0.5))


@dataclass(frozen=True)
class Order:
    """The order of the pages of a select that has their `title_words`, `words` and `weights`."""

    alternatives: Sequence[Sequence[Unit]]
    title: str

    @classmethod
    def of(cls, query: Query, counts: Counts) -> "Order":
        """The order in which the pages come that a query finds."""
        return cls(units(query, counts), query.title)

    def facts(self, found: Any) -> dict[str, ColumnElement[int]]:
        """What is looked up of each page, once, under the names that the other methods know."""
        each = dict.fromkeys(unit for units in self.alternatives for unit in units)
        return {_name(unit): _fact(unit, found) for unit in each}

    def place(self, found: Any) -> ColumnElement[int]:
        """Where the words are, as an index of PLACES; `found` has the facts."""
        is_title = found.title_words == self.title if self.title else false()
        begins = found.title_words.startswith(f"{self.title} ", autoescape=True)
        return case(
            (is_title, 0),
            (begins if self.title else false(), 1),
            (self._all(found, vectors.IN_TITLE), 2),
            (self._all(found, vectors.IN_TITLE | vectors.IN_HEADING), 3),
            else_=4,
        )

    def is_in_title(self, found: Any) -> ColumnElement[bool]:
        """Whether a title has all the words; `found` has the facts."""
        return self._all(found, vectors.IN_TITLE)

    def score(self, found: Any) -> ColumnElement[float]:
        """How much a page is about the words of an alternative; `found` has the facts."""
        sums = [_sum(_worth(unit, found) for unit in units) for units in self.alternatives]
        return cast(func.greatest(*sums), Double) if sums else literal(0.0, Double)

    def _all(self, found: Any, flags: int) -> ColumnElement[bool]:
        def has(unit: Unit) -> ColumnElement[bool]:
            said: ColumnElement[bool] = found[_name(unit)].op("&")(flags) != 0
            return said

        needed = ([unit for unit in units if unit.is_needed] for units in self.alternatives)
        ways = [and_(*map(has, units)) for units in needed]
        # A mere constant is nothing to order by.
        return or_(*ways) if ways else literal(False, Boolean)


def _name(unit: Unit) -> str:
    return f"fact_{'_'.join(map(str, (unit.exact, *unit.groups)))}{unit.beginning}"


def _fact(unit: Unit, found: Any) -> ColumnElement[int]:
    """A byte as `vectors` has them: the flags of any form, and whether the typed one is there."""
    if unit.beginning:
        is_in_title = func.concat(" ", found.title_words).contains(
            f" {unit.beginning}", autoescape=True
        )
        return case((is_in_title, vectors.IN_TITLE | 1), else_=1)
    group = func.greatest(*(_byte(number, found) for number in unit.groups))
    if unit.exact is None:
        return group
    exact = _byte(unit.exact, found).op("&")(0xFF ^ vectors.MOST_WEIGHT)
    return group.op("&")(0xFF ^ vectors.IS_EXACT).op("|")(exact)


def _byte(number: int, found: Any) -> ColumnElement[int]:
    """What a page says of a word by its number; the first byte is that of all it does not name."""
    wanted = literal(number, SmallInteger)
    place = func.width_bucket(wanted, cast(found.words, ARRAY(SmallInteger)))
    is_there = found.words[place] == wanted
    return func.get_byte(found.weights, case((is_there, place), else_=0))


def _worth(unit: Unit, found: Any) -> ColumnElement[float]:
    fact = found[_name(unit)]
    form = case((fact.op("&")(vectors.IS_EXACT) != 0, 1.0), else_=_OTHER_FORM)
    weight = cast(fact.op("&")(vectors.MOST_WEIGHT), Double)
    return weight * form * (unit.rarity / vectors.MOST_WEIGHT)


def _sum(parts: Iterable[ColumnElement[float]]) -> ColumnElement[float]:
    first, *others = parts
    for other in others:
        first = first + other
    return first
