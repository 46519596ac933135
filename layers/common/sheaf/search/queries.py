"""Queries: what people type to search, in the terms that pages are indexed by.

What is typed is text. Only this is more: "a phrase", NOT before what is unwanted, OR between what
will do, and `in:`, `tag:` and `author:` before what narrows the search.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, combinations

from sheaf.search import vectors, words
from sheaf.search.snippets import Mark
from sheaf.search.stems import stems

# What narrows a search; a phrase, which may lack its end; and what stands between spaces.
_PART = re.compile(
    r'(?P<narrows>in|tag|author):(?:"(?P<quoted>[^"]+)"?|(?P<value>[^\s"]+))'
    r'|"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+)'
)

# Forms of a word have a beginning of so many letters in common.
_LEAST_LETTERS = 3


@dataclass(frozen=True)
class Term:
    """A word or run, or several that stand in this order, as `words.split` makes them.

    The last one may be a mere beginning. A name such as c# is `signed`: it is indexed as that.
    """

    pieces: tuple[str, ...]
    is_beginning: bool = False
    signed: str = ""

    @property
    def is_word(self) -> bool:
        """Whether it is a word by itself, of which another form will do."""
        return len(self.pieces) == 1 and not self.signed and not words.is_run(self.pieces[0])

    def mark(self, langs: tuple[str, ...]) -> Mark:
        """How it is found in a text in one of these languages."""
        if not self.is_word:
            return Mark(self.pieces)
        [word], found = self.pieces, stems(self.pieces[0], langs)
        if self.is_beginning:
            return Mark((word,), goes_on=True)
        if len(word) <= _LEAST_LETTERS:
            return Mark(self.pieces)
        # The last letter that all have may be another in other forms: study, studies.
        shared = min(_shared(word, each) for each in found) - 1
        letters = word[: max(shared, _LEAST_LETTERS)]
        return Mark((letters,), goes_on=True, stems=frozenset(found), langs=langs)

    def tsquery(self, langs: tuple[str, ...]) -> str:
        """In PostgreSQL's notation, for pages in these languages."""
        if self.signed:
            return _quoted(self.signed)
        if self.is_word:
            return f"({' | '.join(self._forms(self.pieces[0], langs))})"
        *before, last = words.queried(self.pieces)
        # A single character stands for all that begin with it: a pair, or the end of a run.
        begins = self.is_beginning or (len(last) == 1 and words.is_run(last))
        return " <-> ".join([*map(_quoted, before), _quoted(last) + ":*" * begins])

    def _forms(self, word: str, langs: tuple[str, ...]) -> list[str]:
        found = stems(word, langs)
        others = [other for other in found if other != word]
        named = [*others, *(vectors.STEM + each for each in found)]
        return [_quoted(word) + ":*" * self.is_beginning, *map(_quoted, named)]


@dataclass(frozen=True)
class Filters:
    """What narrows a search: a folder, a tag, an author; "" where it does not."""

    folder: str = ""
    tag: str = ""
    author: str = ""


@dataclass(frozen=True)
class Query:
    """What is looked for: all terms of one of the alternatives, and none that is unwanted.

    Without an alternative for a query that wants nothing: one without a word, or with unwanted ones
    only. `has_operators` says that it may mean something else as mere text.
    """

    alternatives: tuple[tuple[Term, ...], ...] = ()
    unwanted: tuple[Term, ...] = ()
    filters: Filters = field(default_factory=Filters)
    has_operators: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it wants nothing: what narrows a search is enough."""
        return not self.alternatives and self.filters == Filters()

    @property
    def terms(self) -> list[Term]:
        """Those of all alternatives, each once."""
        return list(dict.fromkeys(chain.from_iterable(self.alternatives)))

    @property
    def words(self) -> list[str]:
        """All words and runs of it, in their order."""
        return [piece for term in self.terms for piece in term.pieces]

    def marks(self, langs: tuple[str, ...] = ()) -> tuple[Mark, ...]:
        """How its words and phrases are found in a text in one of these languages."""
        return tuple(term.mark(langs) for term in self.terms)

    @property
    def title(self) -> str:
        """Its words in a row, as `words.key` makes them of a title; "" if it has alternatives."""
        if len(self.alternatives) != 1:
            return ""
        return " ".join(piece for term in self.alternatives[0] for piece in term.pieces)

    def tsquery(self, langs: tuple[str, ...]) -> str:
        """In PostgreSQL's notation, for pages in these languages; "" if there is nothing in it."""
        each = (" & ".join(term.tsquery(langs) for term in terms) for terms in self.alternatives)
        parts = [" | ".join(f"({wanted})" for wanted in each)] if self.alternatives else []
        parts += [f"!({term.tsquery(langs)})" for term in self.unwanted]
        if self.filters.tag:
            parts.append(vectors.tag(self.filters.tag))
        return " & ".join(f"({part})" for part in parts)

    def of_words(self) -> "Query":
        """The same, where what stands in a row may stand anywhere."""

        def change(term: Term) -> list[Term]:
            if term.signed:
                return [term]
            return [Term((word,)) for piece in term.pieces for word in words.queried((piece,))]

        return self._changed(change)

    def without(self, terms: Collection[Term]) -> "Query":
        """The same without these, where others are left."""
        alternatives = (
            tuple(term for term in each if term not in terms) or each for each in self.alternatives
        )
        return replace(self, alternatives=tuple(alternatives))

    def with_words(self, beginnings: Collection[str], meant: Mapping[str, str]) -> "Query":
        """The same of words alone, of which some go on, and some were meant otherwise."""

        def change(term: Term) -> list[Term]:
            word = term.pieces[0]
            return [replace(term, pieces=(meant.get(word, word),), is_beginning=word in beginnings)]

        return self._changed(change)

    def of_some(self, words: Collection[str], count: int) -> "Query":
        """Any `count` of these words of it, which has no alternatives."""
        terms = [term for term in self.of_words().terms if term.pieces[0] in words]
        return replace(self, alternatives=tuple(combinations(terms, count)))

    def _changed(self, change: Callable[[Term], list[Term]]) -> "Query":
        alternatives = (
            tuple(dict.fromkeys(chain.from_iterable(map(change, terms))))
            for terms in self.alternatives
        )
        return replace(self, alternatives=tuple(alternatives))


def parse(text: str, filters: Filters = Filters(), *, operators: bool = True) -> Query:
    """The query that a text stands for; what it says itself to narrow the search comes first.

    Without `operators` NOT and OR are words.
    """
    alternatives: list[list[Term]] = [[]]
    unwanted: list[Term] = []
    narrowing = {"in": filters.folder, "tag": filters.tag, "author": filters.author}
    negates = has_operators = False
    for part in _PART.finditer(text):
        word = part["word"] or ""
        if part["narrows"]:
            narrowing[part["narrows"]] = part["quoted"] or part["value"]
        elif operators and word == "NOT":
            negates = has_operators = True
        elif operators and word.lower() == "or":
            has_operators = True
            if alternatives[-1]:
                alternatives.append([])
        elif term := _term(word, part["phrase"] or ""):
            (unwanted if negates else alternatives[-1]).append(term)
            negates = False
    wanted = tuple(tuple(dict.fromkeys(terms)) for terms in alternatives if terms)
    narrowed = Filters(narrowing["in"].strip("/"), narrowing["tag"], narrowing["author"])
    return Query(wanted, tuple(unwanted), narrowed, has_operators)


def _term(word: str, phrase: str) -> Term | None:
    pieces = words.split(word or phrase)
    if not pieces:
        return None
    return Term(pieces, signed=words.name_with_sign(word or phrase))


def _shared(one: str, other: str) -> int:
    """How many letters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _quoted(lexeme: str) -> str:
    # Letters, digits, marks, and our own signs: there is nothing to escape.
    return f"'{lexeme}'"
