"""Pages of one long list, near its beginning and deep in it, by all contenders in turns."""

import random
import time
from statistics import median
from typing import Any

from bench import list_data
from bench.list_peers import OURS, SIZE, Place, Read, peers
from bench.list_statements import Explainer, recorded
from sheaf.pages import lists
from sheaf.paging import PageRequest

SEED = 5
# A reader who walks there takes the longest pages that the list has.
_STEP = lists.MAX_LIMIT


Turn = tuple[str, int]


def measure(url: str, rows: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of a page's whole call and of its statements, for each contender and page."""
    list_data.fill(url, rows)
    deep = rows // SIZE // 2
    places = [Place(1), _place(min(100, deep // 2)), _place(deep)]
    contenders = peers(url)
    _check(contenders, places)
    whole, own = _rounds(contenders, places, rounds, Explainer(url))
    return {
        "rows": rows,
        "pages": [place.number for place in places],
        "contenders": {
            name: {
                "call": _figures(name, [place.number for place in places], whole),
                "statements": _figures(name, [place.number for place in places], own),
            }
            for name in contenders
        },
    }


def _place(number: int) -> Place:
    """Where a page begins, found as its readers find it: by one cursor after the other."""
    listing, left, cursor, key = lists.all_pages(lists.Filters()), (number - 1) * SIZE, None, None
    while left:
        page = lists.read(listing, PageRequest(min(_STEP, left), cursor))
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
    contenders: dict[str, Read], places: list[Place], rounds: int, explainer: Explainer
) -> tuple[dict[Turn, list[float]], dict[Turn, list[float]]]:
    """Milliseconds of the whole calls and of their statements, by contender and page's number."""
    chance = random.Random(SEED)
    turns = [(name, place) for name in contenders for place in places]
    whole: dict[Turn, list[float]] = {(name, at.number): [] for name, at in turns}
    own: dict[Turn, list[float]] = {turn: [] for turn in whole}
    sent = {}
    for name, place in turns:
        with recorded() as sent[name, place.number]:
            contenders[name](place)
    for _ in range(rounds):
        for name, place in chance.sample(turns, len(turns)):
            begun = time.perf_counter()
            contenders[name](place)
            whole[name, place.number].append((time.perf_counter() - begun) * 1000)
        for turn in chance.sample(list(sent), len(sent)):
            own[turn].append(sum(explainer.milliseconds(sent[turn])))
    return whole, own


def _figures(name: str, numbers: list[int], taken: dict[Turn, list[float]]) -> dict[str, Any]:
    first, deep = taken[name, numbers[0]], taken[name, numbers[-1]]
    return {
        "milliseconds": {str(number): median(taken[name, number]) for number in numbers},
        "deep_to_first": _ratio(deep, first),
        # Theirs against ours in the same round: above 1, ours is faster.
        "deep_to_sheaf": _ratio(deep, taken[OURS, numbers[-1]]),
    }


def _ratio(one: list[float], other: list[float]) -> float:
    return median(a / b for a, b in zip(one, other, strict=True))
