"""Ranking: in which order the pages come that a query finds.

First by where the words are: the title itself, its beginning, all of them in the title, in headings
or tags, in the text. Then by BM25 (Robertson and Zaragoza, 2009) of the words' weights, so that
rare words count more and a long text less; then by how many pages link to it, then by slug. All of
it is of the page alone, or of a snapshot that is the same on all shards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from math import log
from typing import Literal, get_args

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
        if term.is_word
        and having(term, term.pieces[0], counts) > counts.pages * _most(term.pieces[0])
    }


def _most(word: str) -> float:
    # A number always says something.
    if any(map(str.isdigit, word)):
        return 1
    return _COMMON if len(word) > _SHORT else _SHORT_COMMON


def lexemes(query: Query, langs: tuple[str, ...]) -> set[str]:
    """All that pages with a word of the query are counted by."""
    return set().union(*(lexemes_of(term, langs) for term in query.terms))


def lexemes_of(term: Term, langs: tuple[str, ...]) -> set[str]:
    """All that pages with a word of the term are counted by."""
    return set().union(*(_lexemes(term, word, langs) for word in _words(term)))


def _units(query: Query, needed: Query, counts: Counts) -> list[list[Unit]]:
    """What each alternative of a query is made of, of many words the rarest."""
    found = [
        [_unit(term, word, counts, term in kept) for term in terms for word in _words(term)]
        for terms, kept in zip(query.alternatives, needed.alternatives, strict=True)
    ]
    return [sorted(each, key=lambda unit: -unit.rarity)[:_MOST_UNITS] for each in found]


def _words(term: Term) -> Sequence[str]:
    return [term.signed] if term.signed else words.queried(term.pieces)


def _stems(term: Term, word: str, langs: tuple[str, ...]) -> tuple[str, ...]:
    return term.stems(langs) if term.is_word else stems(word, langs)


def _lexemes(term: Term, word: str, langs: tuple[str, ...]) -> set[str]:
    found = _stems(term, word, langs)
    return {word, *found, *(vectors.STEM + each for each in found)}


def having(term: Term, word: str, counts: Counts) -> int:
    """In how many pages a word of a term is, or less: none has all the forms of it.

    A stem of another language is a word of this one, perhaps a common one.
    """
    return max(counts.having.get(each, 0) for each in _lexemes(term, word, ()))


def found_by(query: Query, counts: Counts) -> int:
    """How many pages a query finds at most, about."""
    if not query.alternatives or not counts.pages:
        return counts.pages
    return sum(min(_found_by(term, counts) for term in terms) for terms in query.alternatives)


def _found_by(term: Term, counts: Counts) -> int:
    if term.is_beginning:
        return counts.pages
    # What is not counted so few pages have that it is no matter.
    if term.is_word:
        return sum(counts.having.get(each, 0) for each in lexemes_of(term, counts.langs))
    # A single character of a run stands for all that begin with it.
    whole = (word for word in _words(term) if len(word) > 1 or not words.is_run(word))
    return min((counts.having.get(word, 0) for word in whole), default=counts.pages)


def _unit(term: Term, word: str, counts: Counts, is_needed: bool) -> Unit:
    found = _stems(term, word, counts.langs)
    return Unit(
        tuple(vectors.number(vectors.STEM + each) for each in found),
        None if found == (word,) else vectors.number(word),
        _rarity(counts.pages, having(term, word, counts)),
        word if term.is_beginning else "",
        is_needed,
    )


def _rarity(pages: int, having: int) -> float:
    return log(1 + (max(pages - having, 0) + 0.5) / (having + 0.5))


@dataclass(frozen=True)
class Order:
    """The order of pages as SQL, of their columns `title_words`, `words` and `weights`.

    As text: to put such long statements together would take longer than to run them.
    """

    alternatives: Sequence[Sequence[Unit]]
    title: str
    # The query without what says nothing of any page, which therefore need not be there.
    needed: Query

    @classmethod
    def of(cls, query: Query, counts: Counts, *, needs_all: bool = False) -> "Order":
        """The order in which the pages come that a query finds; common words are needed as well if
        it `needs_all`."""
        needed = query if needs_all else query.without(common(query, counts))
        return cls(_units(query, needed, counts), query.title, needed)

    @cached_property
    def _places(self) -> dict[Unit, int]:
        """The units, each once, and their numbers."""
        each = dict.fromkeys(chain.from_iterable(self.alternatives))
        return {unit: place for place, unit in enumerate(each)}

    @property
    def asked(self) -> dict[str, object]:
        """The parameters of the facts."""
        given = dict[str, object]()
        for unit, place in self._places.items():
            if unit.beginning:
                given[f"beginning_{place}"] = f" {unit.beginning}"
            else:
                numbers = unit.groups if unit.exact is None else (*unit.groups, unit.exact)
                given |= {f"number_{place}_{at}": each for at, each in enumerate(numbers)}
        return given

    @property
    def compared(self) -> dict[str, object]:
        """The parameters of the place and the score together."""
        worth = {
            f"rarity_{place}": unit.rarity / vectors.MOST_WEIGHT
            for unit, place in self._places.items()
        }
        return {**worth, "title": self.title, "title_begins": f"{self.title} "}

    @property
    def facts(self) -> Sequence[str]:
        """What is looked up of each page, once, under names that the others know."""
        return [f"{_fact(unit, place)} AS fact_{place}" for unit, place in self._places.items()]

    @property
    def place(self) -> str:
        """Where the words are, as an index of PLACES, of what has the facts."""
        in_heading = self._all(vectors.IN_TITLE | vectors.IN_HEADING)
        return (
            "CASE WHEN :title <> '' AND title_words = :title THEN 0"
            " WHEN :title <> '' AND starts_with(title_words, :title_begins) THEN 1"
            f" WHEN {self.is_in_title} THEN 2 WHEN {in_heading} THEN 3 ELSE 4 END"
        )

    @property
    def is_in_title(self) -> str:
        """Whether a title has all the words, of what has the facts."""
        return self._all(vectors.IN_TITLE)

    @property
    def score(self) -> str:
        """How much a page is about the words of an alternative, of what has the facts."""
        sums = [" + ".join(map(self._worth, units)) for units in self.alternatives]
        return f"CAST(greatest({', '.join(sums) or '0'}) AS double precision)"

    def _all(self, flags: int) -> str:
        def has(unit: Unit) -> str:
            return f"(fact_{self._places[unit]} & {flags}) <> 0"

        needed = ([unit for unit in units if unit.is_needed] for units in self.alternatives)
        ways = [" AND ".join(map(has, units)) or "true" for units in needed]
        return f"({' OR '.join(ways) or 'false'})"

    def _worth(self, unit: Unit) -> str:
        place = self._places[unit]
        form = f"CASE WHEN (fact_{place} & {vectors.IS_EXACT}) <> 0 THEN 1.0 ELSE {_OTHER_FORM} END"
        rarity = f"CAST(:rarity_{place} AS double precision)"
        return f"(fact_{place} & {vectors.MOST_WEIGHT}) * {rarity} * {form}"


def _fact(unit: Unit, place: int) -> str:
    """A byte as `vectors` has them: the flags of any form, and whether the typed one is there."""
    if unit.beginning:
        is_there = f"strpos(' ' || title_words, :beginning_{place}) > 0"
        return f"CASE WHEN {is_there} THEN {vectors.IN_TITLE | 1} ELSE 1 END"
    count = len(unit.groups)
    group = f"greatest({', '.join(_byte(f'number_{place}_{at}') for at in range(count))})"
    if unit.exact is None:
        return group
    flags = f"{_byte(f'number_{place}_{count}')} & {0xFF ^ vectors.MOST_WEIGHT}"
    return f"(({group} & {0xFF ^ vectors.IS_EXACT}) | ({flags}))"


def _byte(name: str) -> str:
    """What a page says of a word by its number; the first byte is that of all it does not name."""
    wanted = f"CAST(:{name} AS smallint)"
    place = f"width_bucket({wanted}, words)"
    return f"get_byte(weights, CASE WHEN words[{place}] = {wanted} THEN {place} ELSE 0 END)"
