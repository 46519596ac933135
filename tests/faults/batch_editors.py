"""Clients who change many pages at once, over HTTP, and look whether all of it is there."""

import json
import random
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from tests.faults.batch_checker import MOVE, PUT, REMOVE, Batch, Change
from tests.faults.histories import DATABASE_OUT, REDIS_OUT
from tests.faults.readers import Answer, Client, Site, Work
from tests.faults.reads_checker import Bounds

BATCHERS, WRITERS = 5, 2
# Each has a part of the pages that all edit, and some of his neighbour's.
_OF_EACH, _OF_NEIGHBOUR = 33, 7
PAGES = tuple(f"page-{number}" for number in range(BATCHERS * _OF_EACH))
LEAST, MOST = 2, 40
# And some pages of his own, which come, move and go. A list has them last.
_OWN = 6
_NAMED = 0.5
_RETRIES = 30
_PAUSE_SECONDS = 0.1
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
# What a batch may be answered here, whatever fails.
_FORESEEN = (201, 409, 412, 503)
_OUTCOMES = {"ok": "acknowledged", "fail": "refused", "info": "unknown"}
_LESS = {REDIS_OUT, DATABASE_OUT}


class Shown:
    """What of the batches was shown after their answers, by all clients."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.violations: list[str] = []
        self.read = self.late = self.unread = 0


class BatchClient(Client):
    """One of them. The numbers of those who change a page at a time are higher."""

    patience = 15.0
    retries = _RETRIES
    # For so long an older page may be shown at its address.
    flood = Bounds.flood

    def __init__(self, site: Site, shown: Shown, number: int, seed: int) -> None:
        super().__init__(site, number, seed)
        self.shown = shown
        self.own: dict[str, int] = {}

    def edit(self) -> None:
        """Replace one page."""
        slug = self.random.choice(PAGES)
        answer = self.read_page(slug)
        if answer and answer.status in (200, 404):
            self._save(slug, answer)

    def batch(self) -> None:
        """Change many at once, and look at all of them."""
        if (versions := self._versions()) is None:
            return
        tag, before = new_tag(), dict(self.own)
        changes = [*self._texts(tag, versions), *self._own_changes(tag)]
        self.random.shuffle(changes)
        batch = self.send_batch(tag, changes, named=self.random.random() < _NAMED)
        self.shown.batches.append(batch)
        if batch.outcome == "acknowledged":
            self._keep(batch)
            self.look(batch)
        elif batch.outcome == "refused":
            # But for what was to go: that it is gone would not tell by which batch.
            gone = {change.slug for change in batch.changes if change.kind == REMOVE}
            self.own = {slug: version for slug, version in before.items() if slug not in gone}

    def _versions(self) -> dict[str, int] | None:
        """Those of the pages that are to be changed."""
        answer = self._ask("GET", "/api/pages?sort=slug&limit=200")
        return _listed(answer) if answer and answer.status == 200 else None

    def _texts(self, tag: str, versions: Mapping[str, int]) -> Iterator[tuple[Change, Any]]:
        first = self.number * _OF_EACH
        near = [PAGES[at % len(PAGES)] for at in range(first, first + _OF_EACH + _OF_NEIGHBOUR)]
        for slug in self.random.sample(near, self.random.randint(LEAST, MOST)):
            yield text(tag, slug, versions.get(slug, 0))

    def _own_changes(self, tag: str) -> Iterator[tuple[Change, Any]]:
        """One page comes, another goes, and a third one moves, or not. Nobody else knows them."""
        if len(self.own) < _OWN:
            yield text(tag, f"z/new-{tag}", 0)
        if len(self.own) > 2 and self.random.random() < 0.3:
            slug, version = self.own.popitem()
            removing = {"slug": slug, "delete": True, "if_match": f'"v{version}"'}
            yield Change(REMOVE, slug), removing
        if self.own and self.random.random() < 0.3:
            slug, version = self.own.popitem()
            to = f"z/moved-{tag}"
            moving = {"from": slug, "to": to, "if_match": f'"v{version}"'}
            yield Change(MOVE, slug, moved_to=to), moving

    def send_batch(
        self, tag: str, changes: Sequence[tuple[Change, Any]], *, named: bool = False
    ) -> Batch:
        """What became of it; one that is named is sent until that is known."""
        headers = {"Idempotency-Key": tag} if named else {}
        text = json.dumps({"changes": [wanted for _, wanted in changes]})
        answer, outcome, reason = self._send("POST", "/api/batches", headers, text)
        if answer and answer.status not in _FORESEEN:
            self.site.errors.append(f"a batch was answered {answer.status}: {answer.body!r}")
        versions = _listed(answer) if answer and outcome == "ok" else {}
        made = tuple(change for change, _ in changes)
        return Batch(tag, made, _OUTCOMES[outcome], reason, named, versions)

    def _keep(self, batch: Batch) -> None:
        """The pages of one's own that are there now."""
        for change in batch.changes:
            slug = change.moved_to or change.slug
            if slug not in PAGES and change.kind != REMOVE:
                self.own[slug] = batch.versions[slug]

    def look(self, batch: Batch) -> None:
        """All of it is to be found right away: by search, in the list, and at each address."""
        answered, known = time.monotonic(), batch.versions
        found = self._answered(f"/api/search?q={batch.tag}&limit=100")
        listed = self._answered("/api/pages?limit=200")
        for change in batch.changes:
            slug = change.moved_to or change.slug
            if listed:
                self._check_listed(change, known[slug], found, _listed(listed))
            if change.kind != REMOVE:
                self._check_page(slug, known[slug], answered)

    def _check_listed(
        self, change: Change, version: int, found: Answer | None, listed: Mapping[str, int]
    ) -> None:
        slug = change.moved_to or change.slug
        here = listed.get(slug, 0)
        if change.kind == REMOVE:
            self._expect(not here, f"{slug}: the list has it, which was removed")
            return
        self._expect(here >= version, f"{slug} version {version}: the list was shown without it")
        if change.kind == MOVE:
            self._expect(change.slug not in listed, f"{change.slug}: the list has it, which moved")
        elif found:
            seen = slug in _listed(found) or here > version
            self._expect(seen, f"{slug} version {version}: a search was shown without it")

    def _check_page(self, slug: str, version: int, answered: float) -> None:
        """At its address; in a flood of requests it may be older for as long as is promised."""
        for _ in range(self.retries):
            begun = time.monotonic()
            answer = self._ask("GET", f"/{slug}")
            if answer and answer.status == 200 and answer.version >= version:
                self.shown.read += 1
                return
            if answer and answer.status in (200, 404) and not answer.notes & _LESS:
                self.shown.late += 1
                if begun > answered + self.flood:
                    said = f"{answer.version} ({answer.status}, {begun - answered:.2f} s after it)"
                    self._expect(False, f"{slug} version {version}: was shown without, as {said}")
                    return
            time.sleep(_PAUSE_SECONDS)
        self.shown.unread += 1

    def _expect(self, is_so: bool, violation: str) -> None:
        if not is_so:
            self.shown.violations.append(violation)

    def _answered(self, path: str) -> Answer | None:
        """The answer, which may take a few attempts; None if there is none."""
        for _ in range(self.retries):
            answer = self._ask("GET", path)
            if answer and answer.status == 200:
                return answer
            time.sleep(_PAUSE_SECONDS)
        return None


def new_tag() -> str:
    """A batch's name, and a word that is found in its texts."""
    return f"b{uuid4().hex.translate(_LETTERS)}"


def text(tag: str, slug: str, version: int) -> tuple[Change, Any]:
    """A page's next version, or its first, and how that is asked for."""
    mark = f"m{uuid4().hex}"
    body = json.dumps({"mark": mark, "batch": tag})
    state = {"if_match": f'"v{version}"'} if version else {"if_none_match": "*"}
    wanted = {"slug": slug, "body": body, "title": mark, "comment": tag, **state}
    return Change(PUT, slug, mark), wanted


def _listed(answer: Answer) -> dict[str, int]:
    """The versions of the pages in a list; a search tells none."""
    items: list[dict[str, Any]] = answer.json()["items"]  # type: ignore[assignment]
    return {item["slug"]: item.get("version", 0) for item in items}


def works(site: Site, shown: Shown, seed: int, most: int | None) -> list[Work]:
    """What the clients do, until about so many batches were sent; each is for a thread."""

    def turn(client: BatchClient, stop: threading.Event) -> None:
        if client.number >= BATCHERS:
            client.edit()
            stop.wait(client.random.uniform(0, 2 * _PAUSE_SECONDS))
        elif most is None or len(shown.batches) < most:
            client.batch()
        else:
            stop.wait(_PAUSE_SECONDS)

    work = partial(_work, partial(BatchClient, site, shown), turn, seed)
    return [work] * (BATCHERS + WRITERS)


def _work(
    make: Callable[[int, int], BatchClient],
    turn: Callable[[BatchClient, threading.Event], None],
    seed: int,
    number: int,
    stop: threading.Event,
) -> None:
    client = make(number, seed)
    client.random = random.Random(f"batches {seed} {number}")
    while not stop.is_set():
        try:
            turn(client, stop)
        except Exception:  # noqa: BLE001 - an answer that nobody can read is for the result to tell
            client.site.errors.append(traceback.format_exc())
