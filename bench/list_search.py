"""Searches among many pages, by the function that the route of the search calls."""

import random
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

import psycopg

from bench import list_data, prose
from sheaf.database.tables import pages
from sheaf.pages import claims, editing, lists, saves, searches
from sheaf.pages.saves import Write
from sheaf.paging import PageRequest
from sheaf.search.queries import Filters
from sheaf.sharding import shards

WORDS, SEED = 120, 5
# A saved page is copied under this many names, at most: its text and its search vector with it.
COPIES = 100

# What is asked for, by how frequent the words are in the language.
QUERIES: dict[str, Callable[[random.Random], str]] = {
    "a rare word": lambda chance: _word(chance, 3000, 3900),
    "a word": lambda chance: _word(chance, 300, 600),
    "a frequent word": lambda chance: _word(chance, 30, 60),
    "two words": lambda chance: f"{_word(chance, 100, 300)} {_word(chance, 100, 300)}",
    "a word, not another": lambda chance: f"{_word(chance, 300, 600)} NOT {_word(chance, 30, 60)}",
    "a phrase": lambda chance: f'"{_word(chance, 0, 20)} {_word(chance, 0, 20)}"',
}


def measure(url: str, count: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of a search, p50 and p95, among `count` pages, which are removed again."""
    _fill(url, count)
    chance = random.Random(SEED)
    taken: dict[str, list[float]] = {kind: [] for kind in QUERIES}
    asked: dict[str, list[str]] = {kind: [] for kind in QUERIES}
    for query in QUERIES.values():
        _find(query(chance))
    for _ in range(rounds):
        for kind in chance.sample(list(QUERIES), len(QUERIES)):
            words = QUERIES[kind](chance)
            begun = time.perf_counter()
            _find(words)
            taken[kind].append((time.perf_counter() - begun) * 1000)
            asked[kind].append(words)
    kinds = {
        kind: {"matches": _matches(url, asked[kind]), **_spread(each)}
        for kind, each in taken.items()
    }
    everything = _spread([each for kind in taken.values() for each in kind])
    list_data.empty(url)
    return {"pages": count, "kinds": kinds, "all": everything}


def _find(words: str) -> int:
    return len(searches.find(words, Filters(), PageRequest(lists.DEFAULT_HITS)).items)


def _word(chance: random.Random, first: int, last: int) -> str:
    return prose.vocabulary()[chance.randint(first, last)]


def _spread(milliseconds: list[float]) -> dict[str, float]:
    cuts = quantiles(milliseconds, n=100, method="inclusive")
    return {"p50": cuts[49], "p95": cuts[94]}


def _matches(url: str, asked: list[str]) -> float:
    """How many pages such a query finds, the median of a few."""
    count = "SELECT count(*) FROM pages WHERE search @@ websearch_to_tsquery('simple', %s)"
    with psycopg.connect(url) as connection:
        queries = [words.replace("NOT ", "-") for words in asked[:20]]
        found = [connection.execute(count, (words,)).fetchone() or (0,) for words in queries]
    return float(median(number for (number,) in found))


def _fill(url: str, count: int) -> None:
    copies = min(COPIES, max(1, count // 100))
    texts = count // copies
    for number in range(texts):
        _save(number)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_copy(), {"copies": copies})
    list_data.settle(url)


def _save(number: int) -> None:
    """Save a page as the function that writes does, but without a lock, which nobody else wants."""
    slug, chance = f"guide/page-{number}", random.Random(number)
    title = f"{_word(chance, 0, 3999)} {_word(chance, 0, 3999)}"
    content = editing.compose(slug, prose.markdown(WORDS, seed=number), title, ["bench"])
    with shards.owning(slug).connect() as connection:
        claim = claims.claim(connection, slug, 1, uuid4())
        saves.save(connection, claim, Write(uuid4(), "bench", "", "live", content))


def _copy() -> str:
    """All columns as they were saved, save for those that must be one page's own."""
    slug = "slug || '-' || number"
    own = {
        "id": "gen_random_uuid()",
        "write_id": "gen_random_uuid()",
        "slug": slug,
        "slot": list_data.SLOT.format(slug=slug),
        "updated_at": "updated_at + number * INTERVAL '1 second'",
    }
    names = [column.name for column in pages.columns if column.computed is None]
    values = [own.get(name, name) for name in names]
    return (
        f"INSERT INTO pages ({', '.join(names)}) SELECT {', '.join(values)} "
        "FROM pages, generate_series(2, %(copies)s) AS number"
    )
