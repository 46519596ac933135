"""Queries: what people type to search, in the terms that pages are indexed by.

What is typed is text. Only this is more: "a phrase", NOT before what is unwanted, OR between what
will do, and `in:`, `tag:` and `author:` before what narrows the search, or with NOT is left out.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations
from typing import Literal, NamedTuple, cast, get_args

from sheaf.search import vectors, words
from sheaf.search.snippets import Mark
from sheaf.search.stems import stems
from sheaf.texts import composed

Kind = Literal["in", "tag", "author"]
# What narrows a search; a phrase, which may lack its end; and what stands between spaces.
_PART = re.compile(
    rf"(?:(?P<leaves_out>NOT)\s+)?(?P<kind>{'|'.join(get_args(Kind))}):"
    r'(?:"(?P<quoted>[^"]+)"?|(?P<value>[^\s"]+))'
    r'|"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+)'
)
# What is negated, if that is text, stands in a row with it.
_NEGATION = re.compile(rf"(?<!\S)NOT\s+(?=\w)(?!(?:{'|'.join(get_args(Kind))}):)")

# Forms of a word have a beginning of so many letters in common.
_LEAST_LETTERS = 3


@dataclass(frozen=True)
class Term:
    """A word or run, or several that stand in this order, as `words.split` makes them.

    The last one may be a mere beginning. A name such as c# is `signed`: it is indexed as that. What
    is quoted has no other forms. A word is `spelled` as it was typed,
    unless that is how it is folded.
    """

    pieces: tuple[str, ...]
    is_beginning: bool = False
    signed: str = ""
    is_quoted: bool = False
    spelled: str = ""

    @property
    def is_word(self) -> bool:
        """Whether it is a word by itself, of which another form will do."""
        is_one = len(self.pieces) == 1 and not self.signed and not self.is_quoted
        return is_one and not words.is_run(self.pieces[0])

    def mark(self, langs: tuple[str, ...]) -> Mark:
        """How it is found in a text in one of these languages."""
        if not self.is_word:
            return Mark(self.pieces)
        [word], found = self.pieces, self.stems(langs)
        if self.is_beginning:
            return Mark((word,), goes_on=True)
        if len(word) < _LEAST_LETTERS:
            return Mark(self.pieces)
        # The last letter that all have may be another in other forms: study, studies.
        shared = min(_shared(word, each) for each in found) - 1
        letters = word[: max(shared, _LEAST_LETTERS)]
        # Of a word in a text it is not told how it is spelled.
        meant = frozenset[str]() if self.spelled else frozenset(found)
        return Mark((letters,), goes_on=True, stems=meant, langs=langs)

    def tsquery(self, langs: tuple[str, ...]) -> str:
        """In PostgreSQL's notation, for pages in these languages."""
        if self.signed:
            return _quoted(self.signed)
        if self.is_word:
            return f"({' | '.join(self._forms(langs))})"
        *before, last = words.queried(self.pieces)
        # A single character stands for all that begin with it: a pair, or the end of a run.
        begins = self.is_beginning or (len(last) == 1 and words.is_run(last))
        return " <-> ".join([*map(_quoted, before), _quoted(last) + ":*" * begins])

    def stems(self, langs: tuple[str, ...]) -> tuple[str, ...]:
        """Those that a word may have in texts of these languages, or of none, each once."""
        found = stems(self.pieces[0], langs)
        spelled = map(words.folded, stems(self.spelled, langs) if self.spelled else ())
        return tuple(dict.fromkeys([*found, *spelled]))

    def _forms(self, langs: tuple[str, ...]) -> Iterator[str]:
        [word], usual = self.pieces, self.stems(())
        yield _quoted(word) + ":*" * self.is_beginning
        yield from (form for stem in usual for form in _of_stem(stem, word))
        for lang in langs:
            # A stem of another language than a page's is often a word of that.
            for stem in self.stems((lang,)):
                if stem not in usual:
                    forms = " | ".join(_of_stem(stem, word))
                    yield f"({forms}) & {_quoted(vectors.LANG + lang)}"


def _of_stem(stem: str, word: str) -> list[str]:
    other = [_quoted(stem)] if stem != word else []
    return [*other, _quoted(vectors.STEM + stem)]


@dataclass(frozen=True)
class Filters:
    """What narrows a search beside its text: a folder, a tag, an author; "" where it does not."""

    folder: str = ""
    tag: str = ""
    author: str = ""


class Narrowing(NamedTuple):
    """Pages below a folder, with a tag, or by an author: only these, or what is left out."""

    kind: Kind
    value: str
    leaves_out: bool = False


@dataclass(frozen=True)
class Query:
    """What is looked for: all terms of one of the alternatives, and none that is unwanted.

    Without an alternative for a query that wants nothing: one without a word, or with unwanted ones
    only. `has_operators` says that it may mean something else as mere text, of which `written` has
    the words: they may be a title.
    """

    alternatives: tuple[tuple[Term, ...], ...] = ()
    unwanted: tuple[Term, ...] = ()
    narrowing: tuple[Narrowing, ...] = ()
    has_operators: bool = False
    written: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it wants nothing: what narrows a search is enough."""
        return not self.alternatives and all(each.leaves_out for each in self.narrowing)

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
        """Its words in a row, as `words.key` makes them of a title; "" if there are none."""
        if self.has_operators or len(self.alternatives) != 1:
            return self.written
        return " ".join(piece for term in self.alternatives[0] for piece in term.pieces)

    def tsquery(self, langs: tuple[str, ...]) -> str:
        """In PostgreSQL's notation, for pages in these languages; "" if there is nothing in it."""
        each = (" & ".join(term.tsquery(langs) for term in terms) for terms in self.alternatives)
        parts = [" | ".join(f"({wanted})" for wanted in each)] if self.alternatives else []
        parts += [f"!({term.tsquery(langs)})" for term in self.unwanted]
        tags = (each for each in self.narrowing if each.kind == "tag")
        parts += ["!" * each.leaves_out + vectors.tag(each.value) for each in tags]
        return " & ".join(f"({part})" for part in parts)

    def of_words(self) -> "Query":
        """The same, where what stands in a row may stand anywhere."""

        def change(term: Term) -> list[Term]:
            if term.signed or term.is_word:
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
            if word in meant:
                return [Term((meant[word],))]
            return [replace(term, is_beginning=word in beginnings)]

        return self._changed(change)

    def of_some(self, words: Collection[str], count: int) -> "Query":
        """Any `count` of these words of it, wherever they stand."""
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

    Without `operators` NOT and OR are words, and NOT stands right before another.
    """
    alternatives: list[list[Term]] = [[]]
    unwanted: list[Term] = []
    narrowing: list[Narrowing] = []
    written: list[str] = []
    negates = has_operators = False
    for part in _PART.finditer(text if operators else _NEGATION.sub("NOT-", text)):
        word = part["word"] or ""
        written += words.split(word or part["phrase"] or "")
        if part["kind"]:
            narrowing += _narrowing(part)
        elif operators and word == "NOT":
            negates = has_operators = True
        elif operators and word.lower() == "or":
            has_operators = True
            if alternatives[-1]:
                alternatives.append([])
        else:
            terms = unwanted if negates else alternatives[-1]
            terms += _term(word, part["phrase"] or "")
            negates = False
    wanted = tuple(tuple(dict.fromkeys(terms)) for terms in alternatives if terms)
    narrowing += _not_said(filters, narrowing)
    title = " ".join(written) if has_operators else ""
    return Query(wanted, tuple(unwanted), tuple(narrowing), has_operators, title)


def replaced(text: str, others: Mapping[str, str]) -> str:
    """A query's text with other words in place of some."""

    def change(part: re.Match[str]) -> str:
        return part[0] if part["kind"] else words.replaced(part[0], others)

    return _PART.sub(change, text)


def _narrowing(part: re.Match[str]) -> list[Narrowing]:
    kind = cast("Kind", part["kind"])
    value = _value(kind, composed(part["quoted"] or part["value"]))
    return [Narrowing(kind, value, bool(part["leaves_out"]))] if value else []


def _value(kind: Kind, given: str) -> str:
    return given.strip("/" if kind == "in" else " ")


def _not_said(filters: Filters, said: Sequence[Narrowing]) -> list[Narrowing]:
    """What filters add to what a text says itself."""
    kinds = {each.kind for each in said if not each.leaves_out}
    given = zip(get_args(Kind), (filters.folder, filters.tag, filters.author), strict=True)
    return [
        Narrowing(kind, _value(kind, value)) for kind, value in given if value and kind not in kinds
    ]


def _term(word: str, phrase: str) -> list[Term]:
    """What a word or phrase stands for; nothing if there is no letter in it."""
    pieces = words.split(word or phrase)
    if not pieces:
        return []
    if phrase or len(pieces) > 1:
        return [Term(pieces, signed=words.name_with_sign(phrase), is_quoted=bool(phrase))]
    spelled = words.spelled(word).items()
    whole = next((written for written, folded in spelled if folded == pieces[0]), "")
    return [Term(pieces, signed=words.name_with_sign(word), spelled=whole)]


def _shared(one: str, other: str) -> int:
    """How many letters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _quoted(lexeme: str) -> str:
    # Letters, digits, marks, and our own signs: there is nothing to escape.
    return f"'{lexeme}'"
