"""Writers that read and write one page without pause, on each contender by turns."""

import json
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from statistics import median
from typing import Any
from urllib.parse import urlsplit

WRITERS = (16, 2)
SLUG = "contended"
SEED = 16
_SECONDS = 60
_NUMBER = "edits so far: "
_PROSE = "A sheaf is a bundle of leaves, and a page is one of them. " * 20


@dataclass(frozen=True)
class Contender:
    """A site of two workers, and a token that it takes."""

    name: str
    url: str
    token: str

    def ask(
        self, method: str, headers: dict[str, str] | None = None, body: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """The page's status and JSON."""
        value = None if body is None else json.dumps({"body": body})
        common = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=_SECONDS)
        try:
            path = f"/api/pages/{SLUG}"
            connection.request(method, path, value, {**common, **(headers or {})})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else {}
        finally:
            connection.close()


def measure(
    contenders: list[Contender], writers: int, rounds: int, seconds: float
) -> dict[str, Any]:
    """Saves a second of each, medians of rounds in another order every time, and the statuses."""
    chance = random.Random(SEED)
    before = {each.name: _edits(each.ask("GET")[1]) for each in contenders}
    rates: dict[str, list[float]] = {each.name: [] for each in contenders}
    statuses: dict[str, Counter[int]] = {each.name: Counter() for each in contenders}
    for number in range(-1, rounds):
        for contender in chance.sample(contenders, len(contenders)):
            found, taken = _round(contender, writers, 1.0 if number < 0 else seconds)
            statuses[contender.name] += found
            if number >= 0:
                rates[contender.name].append(found[200] / taken)
    return {
        each.name: {
            "saves_per_second": median(rates[each.name]),
            "rounds": rates[each.name],
            "puts": dict(statuses[each.name]),
            # Each that was acknowledged has counted one up.
            "lost": before[each.name] + statuses[each.name][200] - _edits(each.ask("GET")[1]),
        }
        for each in contenders
    }


def text(edits: int) -> str:
    """What the page says after so many edits."""
    return f"# Contended\n\n{_NUMBER}{edits}\n\n{_PROSE}"


def _round(contender: Contender, writers: int, seconds: float) -> tuple[Counter[int], float]:
    begun = time.monotonic()
    with ThreadPoolExecutor(writers) as pool:
        jobs = [pool.submit(_write, contender, begun + seconds) for _ in range(writers)]
        found = sum((job.result() for job in jobs), Counter[int]())
    return found, time.monotonic() - begun


def _write(contender: Contender, end: float) -> Counter[int]:
    """Read the page, count one up in its text, save it; the statuses of the saves."""
    found: Counter[int] = Counter()
    while time.monotonic() < end:
        status, page = contender.ask("GET")
        if status != 200:
            raise RuntimeError(f"{contender.name} answered {status} to a read")
        edits = _edits(page)
        etag = f'"v{page["version"]}"'
        status, _ = contender.ask("PUT", {"If-Match": etag}, text(edits + 1))
        if status not in (200, 409, 412):
            raise RuntimeError(f"{contender.name} answered {status} to a save")
        found[status] += 1
    return found


def _edits(page: dict[str, Any]) -> int:
    return int(page["body"].partition(_NUMBER)[2].split()[0])
