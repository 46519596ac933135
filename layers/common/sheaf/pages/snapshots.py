"""Snapshots: what is counted of all pages now and then, so that searches on all shards rank alike.

How many pages have a word, and how many link to a page. A snapshot has a number. The one before it
stays as it was until the next, so that who reads on in a list gets the order of its beginning.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache, partial
from typing import TypeVar

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from sheaf.database.tables import is_live, links, pages, search_snapshots, word_counts
from sheaf.database.transactions import take_time, transactional
from sheaf.pages.reads import is_stale
from sheaf.search import stems, vectors
from sheaf.search.ranking import Counts
from sheaf.sharding import ownership, shards

T = TypeVar("T")
# Words are counted in about so many pages, and are worth a row if so large a part has them.
_SAMPLE, _LEAST_SHARE = 20_000, 0.001
# Of a language that very few pages are in, words have no stems in searches.
_MOST_LANGS = 16
# A new one is due when so large a part of the pages has changed, or after so long; not at once.
_CHANGED, _OLD, _YOUNG = 0.1, timedelta(days=1), timedelta(minutes=5)
# A save waits for no row: so few are changed at once.
_LINKED_AT_ONCE, _WORDS_AT_ONCE = 20, 5000
_COUNTING_SECONDS = 60


@dataclass(frozen=True)
class Snapshot:
    """Its number, how many pages there were, and in which languages; 0 before the first."""

    number: int = 0
    pages: int = 0
    langs: tuple[str, ...] = ()


def newest() -> Snapshot:
    """The newest, as it was a minute ago at most; raises Unavailable."""
    return (*_known(int(time.time() // 60)), Snapshot())[0]


def numbered(number: int) -> Snapshot | None:
    """That one, if it is the newest or the one before."""
    if newest().number < number:
        _known.cache_clear()
    known = (*_known(int(time.time() // 60)), Snapshot())
    return next((snapshot for snapshot in known if snapshot.number == number), None)


@lru_cache(maxsize=1)
def _known(_minute: int) -> tuple[Snapshot, ...]:
    return shards.on(shards.HOME, _read)


def _read(home: Connection) -> tuple[Snapshot, ...]:
    columns = (search_snapshots.c[name] for name in ("number", "pages", "langs"))
    statement = select(*columns).order_by(search_snapshots.c.number.desc()).limit(2)
    return tuple(Snapshot(row[0], row[1], tuple(row[2])) for row in home.execute(statement))


def counts(snapshot: Snapshot, lexemes: Iterable[str]) -> Counts:
    """What a snapshot knows of these; raises Unavailable."""
    having = shards.on(shards.HOME, _having, snapshot, list(lexemes)) if snapshot.number else {}
    return Counts(snapshot.pages, snapshot.langs, having)


def _having(home: Connection, snapshot: Snapshot, lexemes: list[str]) -> Mapping[str, int]:
    found = home.execute(_HAVING, {"lexemes": lexemes, "number": snapshot.number})
    return {row[0]: row[1] for row in found}


def make(relayed: int, goes_on: Callable[[], bool]) -> bool:
    """Make a new snapshot if one is due; `relayed` are the changes since this was last called.

    As long as it `goes_on`: what was begun is begun anew the next time. None is made while pages
    are to be rendered anew, which makes them known to a search. Raises Unavailable.
    """
    number = shards.on(shards.HOME, _due, relayed)
    if number is None or any(shards.on(shard, _has_stale) for shard in _all_shards()):
        return False
    counted = _Counted()
    for shard in _all_shards():
        if not goes_on():
            return False
        _count(shard, counted)
    if not counted.pages:
        return False
    for step in _steps(number, counted):
        if not goes_on():
            return False
        step()
    return True


@dataclass
class _Counted:
    """What was counted so far: in how many pages each word is, and how many link to each page."""

    pages: int = 0
    words: Counter[str] = field(default_factory=Counter)
    names: set[str] = field(default_factory=set)
    links: Counter[str] = field(default_factory=Counter)


def _all_shards() -> range:
    return range(len(shards.everywhere()))


def _due(home: Connection, relayed: int) -> int | None:
    """The number of the snapshot that is to be made, if one is."""
    number, age = search_snapshots.c.number, func.now() - search_snapshots.c.created_at
    changes = search_snapshots.c.changes
    # What is returned is of the row as it is after that.
    is_changed = and_(age > _YOUNG, changes > search_snapshots.c.pages * _CHANGED)
    newest = select(func.max(number)).scalar_subquery()
    noted = update(search_snapshots).where(number == newest).values(changes=changes + relayed)
    row = home.execute(noted.returning(number, or_(age > _OLD, is_changed))).one_or_none()
    if row is None:
        return 1
    return row[0] + 1 if row[1] else None


def _has_stale(connection: Connection) -> bool:
    stale = select(pages.c.slug).where(is_live, is_stale).limit(1)
    return connection.execute(stale).one_or_none() is not None


def _count(shard: int, counted: _Counted) -> None:
    with transactional(shards.at(shard)).begin() as connection:
        take_time(connection, _COUNTING_SECONDS)
        live: int = connection.execute(_LIVE).scalar_one()
        counted.pages += live
        parts = max(1, -(-live // _SAMPLE))
        of_part = f" AND slot % {parts} = 0" if parts > 1 else ""
        sample = f"SELECT search FROM pages WHERE state = 'live'{of_part}"  # noqa: S608
        for word, having in connection.execute(_WORDS, {"sample": sample}):
            counted.words[word] += having * parts
        counted.names.update(connection.execute(_HEADINGS, {"sample": sample}).scalars())
        counted.names.update(connection.execute(_TITLES).scalars())
        for target, linking in connection.execute(_LINKS):
            counted.links[target] += linking


def _steps(number: int, counted: _Counted) -> Iterator[Callable[[], None]]:
    """What is to be done with what was counted, in parts that keep nobody waiting."""
    yield partial(shards.on, shards.HOME, _forget, number)
    for shard in _all_shards():
        linked = shards.on(shard, _linked, number)
        wanted = {slug: counted.links[slug] for slug, old in linked if counted.links[slug] != old}
        for some in _in_parts(list(wanted.items()), _LINKED_AT_ONCE):
            yield partial(shards.on, shard, _link, number, dict(some))
    least = max(2, counted.pages * _LEAST_SHARE)
    rows = [
        {"word": word, "snapshot": number, "pages": having, "is_name": word in counted.names}
        for word, having in (counted.words | Counter(dict.fromkeys(counted.names, 1))).items()
        if having >= least or word in counted.names
    ]
    for part in _in_parts(rows, _WORDS_AT_ONCE):
        yield partial(shards.on, shards.HOME, _add_words, part)
    yield partial(shards.on, shards.HOME, _publish, number, counted)


def _in_parts(items: list[T], size: int) -> Iterator[list[T]]:
    return (items[first : first + size] for first in range(0, len(items), size))


def _forget(home: Connection, number: int) -> None:
    """Remove what is of no snapshot any more: older than the one before, or of an attempt."""
    kept = (number - 1,)
    home.execute(delete(word_counts).where(word_counts.c.snapshot.not_in(kept)))
    home.execute(delete(search_snapshots).where(search_snapshots.c.number.not_in(kept)))


def _linked(connection: Connection, number: int) -> list[tuple[str, int]]:
    """The pages, and what an older snapshot has noted of each in the place of this one."""
    # A slot on its way to another shard is to stay as it was copied.
    is_settled = pages.c.slot.in_(ownership.settled())
    statement = select(pages.c.slug, _column(number)).where(is_live, is_settled)
    return [(row[0], row[1]) for row in connection.execute(statement)]


def _link(connection: Connection, number: int, linking: Mapping[str, int]) -> None:
    found = func.unnest(
        bindparam("slugs", list(linking), ARRAY(Text)),
        bindparam("counts", list(linking.values()), ARRAY(Integer)),
    )
    wanted = found.table_valued("slug", "count").render_derived().c
    statement = update(pages).where(pages.c.slug == wanted.slug)
    connection.execute(statement.values({_column(number).name: wanted.count}))


def _column(number: int) -> "Column[int]":
    return pages.c.linked_odd if number % 2 else pages.c.linked_even


def _add_words(home: Connection, rows: list[dict[str, object]]) -> None:
    home.execute(insert(word_counts), rows)


def _publish(home: Connection, number: int, counted: _Counted) -> None:
    langs = Counter(
        {
            word.removeprefix(vectors.LANG): having
            for word, having in counted.words.items()
            if word.startswith(vectors.LANG) and stems.are_known(word.removeprefix(vectors.LANG))
        }
    )
    most = [lang for lang, _ in langs.most_common(_MOST_LANGS)]
    home.execute(
        insert(search_snapshots).values(number=number, pages=counted.pages, langs=sorted(most))
    )


_HAVING = select(word_counts.c.word, word_counts.c.pages).where(
    word_counts.c.word == func.any(bindparam("lexemes", type_=ARRAY(Text))),
    word_counts.c.snapshot == bindparam("number"),
)
_LIVE = select(func.count()).select_from(pages).where(is_live)
_LINKS = select(links.c.target, func.count()).group_by(links.c.target)
# The words of vectors, and in how many of them each is; with weights, only where it has one.
_WORDS = text("SELECT word, ndoc FROM ts_stat(:sample)")
_HEADINGS = text("SELECT word FROM ts_stat(:sample, 'ab')")
_TITLES = text(
    "SELECT DISTINCT unnest(string_to_array(title_words, ' ')) FROM pages WHERE state = 'live'"
)
