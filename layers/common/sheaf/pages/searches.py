"""Searches: what is tried until something is found, and the lists of it.

All words of a query are looked for together. If no page has them: as mere text; one by one,
wherever they stand; those that no page has as beginnings of others, then as they may have been
meant; and at last some of them. Where little is found, what is tried next follows; but pages that
have all words are only followed by what may have been meant. A list stays what its first page was:
its cursors say how.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from math import ceil
from typing import Any

from sheaf import paging
from sheaf.pages import lists, snapshots
from sheaf.pages.lists import Listed, Listing
from sheaf.pages.snapshots import Snapshot
from sheaf.paging import BadCursor, PageRequest, RowPage
from sheaf.search import queries, ranking, slips, statements
from sheaf.search.queries import Filters, Query, Term
from sheaf.search.ranking import Counts, Order
from sheaf.search.statements import ChoiceKey, Hit, Matched, Search
from sheaf.sharding import scattering, shards
from sheaf.sharding.scattering import Scatter

# So many words may be other ones than were typed.
_MOST_UNKNOWN = 7
# Most of the words are at least half of them, of so many: those that the fewest pages have.
_MOST_SOME = 7
# Beginnings have so many letters; of words that some pages have, those are doubted that have more.
_LEAST_LETTERS, _LONG = 2, 5
# Where fewer pages are found, others may have been meant.
_LITTLE = 3


@dataclass(frozen=True)
class Step:
    """How a query is looked for; a cursor has it as text.

    `beginnings` are words of it that may go on, and `meant` what words of it were taken for. With
    `some` so many of the `words` have to be there.
    """

    matched: Matched = "all"
    beginnings: tuple[str, ...] = ()
    meant: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()
    some: int = 0
    # The tags of pages that were found before.
    without: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> "Step":
        """That of a cursor."""
        said: dict[str, Any] = json.loads(text)
        lists = ((name, value) for name, value in said.items() if isinstance(value, list))
        tuples = {name: tuple(map(_frozen, value)) for name, value in lists}
        return cls(**(said | tuples))

    def __str__(self) -> str:
        # There is little room: what is as usual is left out.
        said = {name: value for name, value in asdict(self).items() if value != _USUAL[name]}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_USUAL = asdict(Step())


@dataclass(frozen=True)
class Found(Listed[Hit]):
    """A page of what was found; each hit says how it `matched`.

    `meant` is the query as it was taken, if pages were found for other words than were typed, and
    `optional` has its words that a page need not have, as too many have them. `ends_early` says
    that more pages were found than are ranked, so that the list ends before.
    """

    meant: str | None = None
    optional: tuple[str, ...] = ()
    ends_early: bool = False


@dataclass(frozen=True)
class Hits(Listing[Hit]):
    """What a step finds, in the order of a snapshot."""

    search: Search
    step: Step
    optional: tuple[str, ...]
    # Whether more pages are found than are ranked, once that is known.
    _many: list[bool] = field(default_factory=list, compare=False)

    def fetch(self, wanted: PageRequest, scatter: Scatter) -> RowPage:
        """The rows of a page."""
        self._many.clear()
        sources, last = scattering.sources(), None
        if len(sources) > 1 and self.search.may_be_long and self.are_many(scatter):
            last = self._last(sources, scatter)
        statement, keyset = self.search.hits(str(self.step), last)
        found = paging.fetch(sources, statement, keyset, self.cursors, wanted, scatter)
        # A count would look at all pages once more.
        if len(sources) == 1 and found.rows and found.rows[0][-1] < statements.MOST_RANKED:
            self._many.append(False)
        return replace(found, rows=[row[:-1] for row in found.rows])

    def are_many(self, scatter: Scatter) -> bool:
        """Whether more pages are found than are ranked."""
        if not self._many:
            counting = self.search.up_to(statements.MOST_RANKED + 1)
            answers = scatter([partial(source, counting) for source in scattering.sources()])
            found = sum(row[0] for rows in answers for row in rows)
            self._many.append(found > statements.MOST_RANKED)
        return self._many[0]

    def _last(self, sources: Sequence[paging.Source], scatter: Scatter) -> ChoiceKey:
        """The last page that is ranked: the shards choose together."""
        keys = scatter([partial(source, self.search.chosen_keys()) for source in sources])
        each = sorted(
            ((not titled, -linked, slug) for rows in keys for titled, linked, slug in rows)
        )
        titled, linked, slug = each[statements.MOST_RANKED - 1]
        return not titled, -linked, slug


@dataclass(frozen=True)
class _Asked:
    """What somebody asked for, and the snapshot by which it is answered."""

    text: str
    filters: Filters
    snapshot: Snapshot
    # What was asked of the snapshot.
    _having: dict[str, int] = field(default_factory=dict, compare=False)

    @cached_property
    def typed(self) -> Query:
        """What is looked for first."""
        return queries.parse(self.text, self.filters)

    @cached_property
    def plain(self) -> Query:
        """The same as mere text."""
        return queries.parse(self.text, self.filters, operators=False)

    def query(self, step: Step) -> Query:
        """What a step looks for."""
        query = self.plain if step.matched == "literal" else self.typed
        if step.matched not in ("all", "literal", "some"):
            query = query.of_words()
        if step.beginnings or step.meant:
            query = query.with_words(step.beginnings, dict(step.meant))
        return query.of_some(step.words, step.some) if step.some else query

    def hits(self, step: Step) -> Hits:
        """What a step finds."""
        query, snapshot = self.query(step), self.snapshot
        counts = self._counts(query)
        order = Order.of(query, counts, needs_all=step.matched in ("literal", "apart"))
        # The site may have grown since.
        most = 2 * ranking.found_by(order.needed, counts)
        may_be_long = not snapshot.number or most > statements.MOST_RANKED
        search = Search(order, snapshot.langs, snapshot.number, step.without, may_be_long)
        make = partial(statements.hit, query.marks(snapshot.langs), step.matched)
        needed = {*order.needed.words}
        optional = tuple(word for word in query.words if word not in needed)
        return Hits("search", self.about, make, search, step, optional)

    @property
    def about(self) -> dict[str, str]:
        """What a cursor is good for."""
        return {"q": self.text, **asdict(self.filters)}

    def _counts(self, query: Query) -> Counts:
        """What the snapshot knows of a query's words; all that was typed is asked for at once."""
        wanted: set[str] = set()
        for each in (query, self.typed, self.typed.of_words()):
            wanted |= ranking.lexemes(each, self.snapshot.langs)
        if new := wanted - self._having.keys():
            found = snapshots.counts(self.snapshot, new).having
            self._having.update({each: found.get(each, 0) for each in new})
        return Counts(self.snapshot.pages, self.snapshot.langs, self._having)

    def steps(self, has_found: Callable[[], bool]) -> Iterator[Step]:
        """What is tried one after the other, each if little was found before."""
        yield Step()
        query, has_operators = self.typed.of_words(), self.typed.has_operators
        if has_found():
            is_sure = has_operators or any(term.is_quoted for term in self.typed.terms)
            if not is_sure:
                yield from self._slips(self._doubtful(query.words))
            return
        if has_operators:
            yield Step("literal")
        is_bare = not query.narrowing and not query.unwanted
        if query == self.typed and len(query.words) == 1 and is_bare:
            having = dict.fromkeys(query.words, 0)  # it was looked for just now
        else:
            having = self._pages_having(query)
        yield from self._instead(query, having)

    def _instead(self, query: Query, having: Mapping[str, int]) -> Iterator[Step]:
        unknown = [word for word, pages in having.items() if not pages]
        if having and not unknown and query != self.typed:
            yield Step("apart")
        if len(unknown) <= _MOST_UNKNOWN:
            if unknown and all(len(word) >= _LEAST_LETTERS for word in unknown):
                yield Step("beginnings", beginnings=tuple(unknown))
            yield from self._slips(unknown or self._doubtful([*having]))
        yield from self._some([word for word in having if having[word]], len(having))

    def _slips(self, doubtful: Sequence[str]) -> Iterator[Step]:
        if doubtful and (meant := self._meant(doubtful)):
            yield Step("meant", meant=tuple(meant.items()))

    def _pages_having(self, query: Query) -> dict[str, int]:
        """Its words, and about how many pages have each."""
        langs, counted = self.snapshot.langs, self._counts(query)
        found, asked = dict[str, int](), dict[str, str]()
        for term in query.terms:
            word = term.pieces[0]
            found[word] = ranking.having(term, word, counted)
            if not found[word]:
                asked[word] = term.tsquery(langs)
        return found | _present(asked)

    def _doubtful(self, words: Sequence[str]) -> list[str]:
        """Long words that hardly any page has in this form."""
        rare = [word for word in words if len(word) >= _LONG and not self._having.get(word)]
        having = _present({word: Term((word,), is_quoted=True).tsquery(()) for word in rare})
        return [word for word in rare if having.get(word, 0) < _LITTLE][:_MOST_UNKNOWN]

    def _meant(self, unknown: Sequence[str]) -> dict[str, str] | None:
        """What all of the unknown words may have been meant for; None if one may be nothing."""
        found = dict[str, str]()
        for word in unknown:
            nearest = shards.on(shards.HOME, slips.nearest, word, self.snapshot.number)
            if nearest is None:
                return None
            found[word] = nearest
        return found

    def _some(self, known: Sequence[str], count: int) -> Iterator[Step]:
        having = self._having
        rarest = sorted(known, key=lambda word: having.get(word, 0))[:_MOST_SOME]
        words = tuple(word for word in known if word in rarest)
        for some in range(min(len(words), count - 1), max(1, ceil(len(words) / 2)) - 1, -1):
            yield Step("some", words=words, some=some)


def _present(asked: Mapping[str, str]) -> dict[str, int]:
    """How many pages these find, but for what finds none."""
    found = Counter[str]()
    for name, pages in scattering.rows(statements.present(asked)) if asked else []:
        found[name] += pages
    return found


def find(text: str, filters: Filters, wanted: PageRequest, allow_partial: bool = False) -> Found:
    """A page of what is found for a text; raises BadCursor and Unavailable, as `lists.read`."""
    if wanted.cursor is None:
        return _first(_Asked(text, filters, snapshots.newest()), wanted, allow_partial)
    asked, step = _continued(text, filters, wanted.cursor)
    hits = asked.hits(step)
    found = _page(hits, lists.read(hits, wanted, allow_partial), allow_partial)
    if step.without and found.prev is None:
        # The list begins with what was found before this step.
        return _first(asked, replace(wanted, cursor=None), allow_partial)
    return found


def _first(asked: _Asked, wanted: PageRequest, allow_partial: bool) -> Found:
    """The first page: what the steps find, one after the other."""
    found, items = Found([], None, None), list[Hit]()
    for step in asked.steps(lambda: bool(items)):
        if asked.query(step).is_empty:
            continue
        before = tuple(statements.slug_tag(hit.slug) for hit in items)
        rest = replace(wanted, limit=wanted.limit - len(before))
        hits = asked.hits(replace(step, without=before))
        more = _page(hits, lists.read(hits, rest, allow_partial), allow_partial)
        items.extend(more.items)
        kept = more if more.items else found
        meant, partial_ = found.meant or kept.meant, found.partial or more.partial
        found = replace(kept, items=items, meant=meant, partial=partial_)
        is_enough = more.next or len(items) >= min(_LITTLE, wanted.limit)
        if is_enough or (before and more.items):
            break
    return found


def _continued(text: str, filters: Filters, cursor: str) -> tuple[_Asked, Step]:
    """What a cursor is of; raises BadCursor."""
    hits = _Asked(text, filters, Snapshot()).hits(Step())
    key = lists.position(hits, cursor, statements.KEYSET).key
    if key is None:
        return _Asked(text, filters, snapshots.newest()), Step()
    snapshot = snapshots.numbered(key[1])
    if snapshot is None:
        raise BadCursor("The list is too old to be gone on with. Search again.")
    return _Asked(text, filters, snapshot), Step.read(key[0])


def _page(hits: Hits, listed: Listed[Hit], allow_partial: bool) -> Found:
    is_long = hits.search.may_be_long and (listed.next is not None or listed.prev is not None)
    ends_early = is_long and shards.following_moves(hits.are_many, Scatter(allow_partial))
    meant = queries.replaced(hits.filters["q"], dict(hits.step.meant)) if hits.step.meant else None
    return Found(**vars(listed), meant=meant, optional=hits.optional, ends_early=ends_early)
