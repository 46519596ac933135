"""A page of what happened beside a page of the list of pages, among as many rows."""

import random
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import psycopg

from bench import list_data
from bench.list_statements import Explainer, recorded
from sheaf.pages import lists
from sheaf.pages.lists import Listing
from sheaf.paging import PageRequest

SIZE, SEED = 50, 5
_STEP = lists.MAX_LIMIT
# A version of each page: a hundred people, and every second one brought in by a program.
_SAVE = """
    INSERT INTO revisions (page_id, version, slot, slug, state, write_id, title, tags, body, blob,
                           author, comment, origin, created_at)
    SELECT id, 1, slot, slug, state, write_id, title, tags, body, blob, author, '',
           CASE WHEN slot % 2 = 0 THEN 'import' ELSE '' END, updated_at
    FROM pages
"""
PAGES = "pages, the last changed first"
LISTS: dict[str, Callable[[], Listing[Any]]] = {
    PAGES: lambda: lists.all_pages(lists.Filters()),
    "what happened": lists.changes,
    "… with imports": lambda: lists.changes(imports=True),
    "… in a folder": lambda: lists.changes("guide"),
    "… by a person": lambda: lists.changes(author="author-7"),
}


def measure(url: str, rounds: int) -> dict[str, Any]:
    """Milliseconds of the first page and of a deep one: the call, and its statements' own time."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_SAVE)
        connection.execute("VACUUM (ANALYZE) revisions, events")
    list_data.settle(url)
    places = {name: (None, _deep(make())) for name, make in LISTS.items()}
    taken, own = _rounds(url, places, rounds)
    return {
        name: {
            "call": [median(taken[name, deep]) for deep in (False, True)],
            "statements": [median(own[name, deep]) for deep in (False, True)],
            "call_to_pages": _ratio(taken[name, True], taken[PAGES, True]),
        }
        for name in LISTS
    }


def _deep(listing: Listing[Any]) -> str | None:
    """The cursor of the last page but one of 5,000 rows, or of fewer."""
    cursor = None
    for _ in range(5000 // _STEP):
        following = lists.read(listing, PageRequest(_STEP, cursor)).next
        if following is None:
            break
        cursor = following
    return cursor


Turn = tuple[str, bool]


def _rounds(
    url: str, places: dict[str, tuple[None, str | None]], rounds: int
) -> tuple[dict[Turn, list[float]], dict[Turn, list[float]]]:
    chance, explainer = random.Random(SEED), Explainer(url)
    turns = [(name, deep) for name in LISTS for deep in (False, True)]
    taken: dict[Turn, list[float]] = {turn: [] for turn in turns}
    own: dict[Turn, list[float]] = {turn: [] for turn in turns}
    for _ in range(rounds):
        for name, deep in chance.sample(turns, len(turns)):
            wanted = PageRequest(SIZE, places[name][deep])
            with recorded() as sent:
                begun = time.perf_counter()
                lists.read(LISTS[name](), wanted)
                taken[name, deep].append((time.perf_counter() - begun) * 1000)
            own[name, deep].append(sum(explainer.milliseconds(sent)))
    return taken, own


def _ratio(one: list[float], other: list[float]) -> float:
    return median(a / b for a, b in zip(one, other, strict=True))
