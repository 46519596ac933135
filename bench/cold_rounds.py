"""Rounds of cold starts, and of new processes that call a handler many times."""

import json
import random
import subprocess
import time
from base64 import b64decode
from pathlib import Path
from statistics import median
from typing import Any

import redis

from bench.contenders import CONTENDERS, FLOOR, OURS, Contender, Runtime
from bench.emulator import ColdStart, cold_start
from bench.page import HEADERS, Page, Site
from sheaf.caching import entry
from sheaf.caching.entry import Entry
from sheaf.pages import page_cache

SEED = 11
SLUG = "a-page-to-measure"
# Enough that, by turns, none is asked for often enough for Sheaf not to ask Redis for it.
PAGES = 1000
_SECONDS = 3600
_CALLS = Path(__file__).with_name("warm_calls.py")


class Rounds:
    """The contenders by turns, in each round in another order, on one page in one cache."""

    def __init__(self, runtime: Runtime, site: Site, page: Page, cache_url: str) -> None:
        self._runtime, self._site, self._page = runtime, site, page
        self._cache_url = cache_url
        self._chance = random.Random(SEED)

    def warm_up(self) -> None:
        """Let each compile what it imports and put the page into its cache."""
        for contender in CONTENDERS:
            self._cold_start(contender)
            self._call(contender, 1)
            if without := self._call(contender, 1)["without_bytecode"]:
                raise RuntimeError(f"{contender.name} has no bytecode for {without}")

    def cold(self, rounds: int) -> dict[str, Any]:
        """Medians of cold starts, and of their ratios to the floor's and ours in the same round."""
        starts: dict[str, list[ColdStart]] = {each.name: [] for each in CONTENDERS}
        for _ in range(rounds):
            for contender in self._next_round():
                starts[contender.name].append(self._cold_start(contender))
        wall = {name: [each.milliseconds for each in taken] for name, taken in starts.items()}
        cpu = {name: [each.cpu_milliseconds for each in taken] for name, taken in starts.items()}
        return {
            name: {
                "milliseconds": wall[name],
                "median_milliseconds": median(wall[name]),
                "to_floor": ratio(wall[name], wall[FLOOR]),
                "to_sheaf": ratio(wall[name], wall[OURS]),
                "cpu_milliseconds": median(cpu[name]),
                "cpu_to_floor": ratio(cpu[name], cpu[FLOOR]),
                "cpu_to_sheaf": ratio(cpu[name], cpu[OURS]),
                "resident_mib": median(each.resident_mib for each in taken),
                "body_characters": len(taken[0].answer["body"]),
            }
            for name, taken in starts.items()
        }

    def warm(self, repeats: int, calls: int) -> dict[str, Any]:
        """Medians of new processes: the import, the processor time of a cache hit and of a 304."""
        found: dict[str, list[dict[str, Any]]] = {each.name: [] for each in CONTENDERS}
        flood: list[float] = []
        ours = next(each for each in CONTENDERS if each.name == OURS)
        for _ in range(repeats):
            for contender in self._next_round():
                found[contender.name].append(self._call(contender, calls, PAGES))
            flood.append(self._call(ours, calls)["200"])
        medians = {name: _medians(results, found[OURS]) for name, results in found.items()}
        medians[OURS]["cpu_microseconds_flood"] = median(flood)
        return medians

    def _next_round(self) -> list[Contender]:
        # An entry of the cache grows old; reading it here renews it in time.
        if self._site.read(SLUG).headers["etag"] != self._page.headers["etag"]:
            raise RuntimeError("the page has changed")
        self._copy_page()
        return self._chance.sample(CONTENDERS, len(CONTENDERS))

    def _copy_page(self) -> None:
        """Put the page under all slugs into our cache; the peers' fill theirs themselves."""
        source = entry.name(page_cache.key(SLUG))
        with redis.Redis.from_url(self._cache_url) as client:
            stored = Entry.decode(client.get(source) or b"")
            # A round may take longer than a page stays fresh.
            fresh = stored.stamped(stored.build, int(time.time()) + _SECONDS).encode()
            pipeline = client.pipeline(transaction=False)
            for slug in _slugs(PAGES):
                pipeline.set(entry.name(page_cache.key(slug)), fresh, ex=_SECONDS)
            pipeline.execute()

    def _cold_start(self, contender: Contender) -> ColdStart:
        start = cold_start(self._runtime, contender.handler, contender.event(SLUG, HEADERS))
        if contender.name != FLOOR:
            _check(contender, start.answer, self._page)
        return start

    def _call(self, contender: Contender, calls: int, pages: int = 1) -> dict[str, Any]:
        place = self._runtime.place
        known = {**HEADERS, "If-None-Match": self._page.headers["etag"]}
        events = {"200": [contender.event(slug, HEADERS) for slug in _slugs(pages)]}
        if contender.name != FLOOR:
            events["304"] = [contender.event(slug, known) for slug in _slugs(pages)]
        (place / "order.json").write_text(json.dumps({"events": events, "calls": calls}))
        files = (str(place / "order.json"), str(place / "result.json"))
        command = [self._runtime.python, "-S", "-P", str(_CALLS), contender.handler, *files]
        environment = self._runtime.environment
        with (place / "calls.log").open("wb") as log:
            subprocess.run(command, check=True, env=environment, cwd=place, stdout=log, timeout=600)
        result: dict[str, Any] = json.loads((place / "result.json").read_text())
        return result


def _slugs(count: int) -> list[str]:
    return [SLUG, *(f"{SLUG}-{number}" for number in range(1, count))]


def ratio(these: list[float], those: list[float]) -> float:
    """The median of the ratios of what was measured in the same round."""
    return median(one / other for one, other in zip(these, those, strict=True))


def _medians(results: list[dict[str, Any]], ours: list[dict[str, Any]]) -> dict[str, Any]:
    imports = [each["import_milliseconds"] for each in results]
    found = {"import_milliseconds": median(imports)}
    for status in {"200", "304"} & set(results[0]):
        taken = [each[status] for each in results]
        found[f"cpu_microseconds_{status}"] = median(taken)
        found[f"to_sheaf_{status}"] = ratio(taken, [each[status] for each in ours])
    return found


def _check(contender: Contender, answer: dict[str, Any], page: Page) -> None:
    """Refuse to measure something else than the page."""
    if answer.get("statusCode") != 200:
        raise RuntimeError(f"{contender.name} answered {answer}")
    if answer.get("isBase64Encoded") and b64decode(answer["body"]) != page.body:
        raise RuntimeError(f"{contender.name} sent another page")
