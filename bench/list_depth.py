"""Pages of one long list, near its beginning and deep in it, by all contenders in turns."""

import random
import time
from statistics import median
from typing import Any

from bench import list_data, list_statements
from bench.list_peers import OURS, SIZE, Place, Read, peers
from listing import lists
from sheaf.paging import Part

SEED = 5
# A reader who walks there takes the longest pages that the list has.
_STEP = lists.MAX_LIMIT


def measure(url: str, rows: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of a page's whole call and of its statements, for each contender and page."""
    list_data.fill(url, rows)
    deep = rows // SIZE // 2
    places = [Place(1), _place(min(100, deep // 2)), _place(deep)]
    contenders = peers(url)
    _check(contenders, places)
    taken = _rounds(contenders, places, rounds)
    return {
        "rows": rows,
        "pages": [place.number for place in places],
        "contenders": {
            name: {
                str(place.number): _figures(url, name, read, place, taken) for place in places
            }
            | {"deep_to_first": _ratio(taken[name, deep], taken[name, 1])}
            for name, read in contenders.items()
        },
    }


def _place(number: int) -> Place:
    """Where a page begins, found as its readers find it: by one cursor after the other."""
    left, cursor, key = (number - 1) * SIZE, None, None
    while left:
        page = lists.all_pages("updated", "desc", Part(min(_STEP, left), cursor))
        left, cursor = left - len(page.items), page.next
        key = (page.items[-1].updated_at, page.items[-1].slug)
    return Place(number, cursor, key)


def _check(contenders: dict[str, Read], places: list[Place]) -> None:
    """All must read the same pages; it also connects them, and has statements prepared."""
    for place in places:
        pages = {name: read(place) for _ in range(6) for name, read in contenders.items()}
        wrong = [name for name, slugs in pages.items() if slugs != pages[OURS]]
        if wrong or len(pages[OURS]) != SIZE:
            raise RuntimeError(f"page {place.number} is another one for {wrong}")


def _rounds(
    contenders: dict[str, Read], places: list[Place], rounds: int
) -> dict[tuple[str, int], list[float]]:
    chance = random.Random(SEED)
    turns = [(name, place) for name in contenders for place in places]
    taken: dict[tuple[str, int], list[float]] = {(name, at.number): [] for name, at in turns}
    for _ in range(rounds):
        for name, place in chance.sample(turns, len(turns)):
            begun = time.perf_counter()
            contenders[name](place)
            taken[name, place.number].append((time.perf_counter() - begun) * 1000)
    return taken


def _figures(
    url: str, name: str, read: Read, place: Place, taken: dict[tuple[str, int], list[float]]
) -> dict[str, Any]:
    with list_statements.recorded() as sent:
        read(place)
    milliseconds = taken[name, place.number]
    return {
        "milliseconds": median(milliseconds),
        # Theirs against ours in the same round: above 1, ours is faster.
        "to_sheaf": _ratio(milliseconds, taken[OURS, place.number]),
        "statements": len(sent),
        "statements_milliseconds": sum(list_statements.milliseconds(url, sent, repeats=9)),
    }


def _ratio(one: list[float], other: list[float]) -> float:
    return median(a / b for a, b in zip(one, other, strict=True))
