"""Clients of a running site, over HTTP: people who edit its pages, and others who read them.

Each client makes one request after the other, at a gateway of its choice, and notes what it saw.
"""

import http.client
import json
import random
import re
import threading
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from urllib.parse import urlsplit
from uuid import uuid4

from tests.faults.checker import page_body
from tests.faults.histories import (
    LIST,
    PAGE,
    PLAIN,
    RELOADED,
    SAVE,
    SEARCH,
    TAGGED,
    VERSIONED,
    History,
    Operation,
)
from tests.faults.witness import HEADER

PAGES = tuple(f"page-{number}" for number in range(1, 17))
# Every text has this word.
_WORD = "mark"
_MARK = re.compile(r"\bm[0-9a-f]{32}\b")
_VERSION = re.compile(r'"v(\d+)')
# What anybody may be answered here, whatever fails.
_FORESEEN = (200, 201, 304, 404, 409, 412, 503)
_PATIENCE_SECONDS = 2.0
# Some hang up early, and do not know what became of it.
_IMPATIENCE_SECONDS = 0.2
_IMPATIENT = 0.02
# Of the saves so many have a key. Of which no answer came, they are sent again so often.
_NAMED = 0.5
_RETRIES = 20
# A reader asks so often without a pause: twice within 50 ms is a flood.
_BURST = 6
_PAUSE_SECONDS = 0.05
_FLOOD_SECONDS = 2.0

Headers = Mapping[str, str]
_NONE: Headers = MappingProxyType({})
Work = Callable[[int, threading.Event], None]


@dataclass(frozen=True)
class Answer:
    """What came back, and what the process said of itself."""

    status: int
    headers: Headers
    body: bytes

    @property
    def notes(self) -> frozenset[str]:
        """The notes of the process."""
        return frozenset(filter(None, self.headers.get(HEADER, "").split(",")))

    @property
    def version(self) -> int:
        """The version in the entity tag, 0 if there is none."""
        found = _VERSION.search(self.headers.get("etag", ""))
        return int(found[1]) if found else 0

    def json(self) -> dict[str, object]:
        """The body as an object."""
        value: dict[str, object] = json.loads(self.body)
        return value


@dataclass
class Site:
    """The gateways of a site, who may edit it, and what was done there."""

    urls: Sequence[str]
    token: str
    history: History = field(default_factory=History)
    statuses: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    def works(self, seed: int) -> list[Work]:
        """What the clients do; each is for a thread of its own."""
        return [partial(_work, self, seed, each) for each in _CLIENTS]


class Client:
    """One person: what was seen of each page, and the texts to build on."""

    patience, impatient = _PATIENCE_SECONDS, _IMPATIENT
    foreseen = _FORESEEN

    def __init__(self, site: Site, number: int, seed: int) -> None:
        self.site, self.number = site, number
        self.random = random.Random(f"{seed} {number}")
        self.newest: dict[str, int] = defaultdict(int)
        self._tags: dict[str, tuple[str, int, str]] = {}

    def edit(self) -> None:
        """Read a page, replace it, and see whether it is replaced."""
        slug = self.random.choice(PAGES)
        answer = self.read_page(slug)
        if answer is None or answer.status not in (200, 404):
            return
        if self._save(slug, answer):
            looks = (self.read_version, self.search, self.list, None, None, None)
            if look := self.random.choice(looks):
                look(slug)

    def read_page(self, slug: str) -> Answer | None:
        """As a program does, which gets the text to build on."""
        return self._read(PAGE, slug, f"/api/pages/{slug}")

    def read_plain(self, slug: str) -> None:
        """As somebody who has never been here."""
        self._read(PLAIN, slug, f"/{slug}")

    def reload(self, slug: str) -> None:
        """As a browser does when it is told to."""
        self._read(RELOADED, slug, f"/{slug}", {"Cache-Control": "no-cache"})

    def read_version(self, slug: str) -> None:
        """As the editor does after a save."""
        known = self.newest[slug]
        path = f"/{slug}?v={known}" if known else f"/{slug}"
        self._read(VERSIONED, slug, path, known=known)

    def read_tagged(self, slug: str) -> None:
        """As a browser that has the page already."""
        tag, version, mark = self._tags.get(slug, ("", 0, ""))
        headers = {"If-None-Match": tag} if tag else {}
        answer = self._read(TAGGED, slug, f"/{slug}", headers, version, mark)
        if answer and answer.status == 200:
            self._tags[slug] = answer.headers["etag"], answer.version, _mark_in(answer)

    def list(self, _slug: str) -> None:
        """All pages at once."""
        self._read_all(LIST, "/api/pages?limit=200", lambda item: str(item["title"]))

    def search(self, _slug: str) -> None:
        """All pages at once, by a word that each has."""
        self._read_all(SEARCH, f"/api/search?q={_WORD}&limit=100", lambda hit: str(hit["title"]))

    def _read(
        self,
        way: str,
        slug: str,
        path: str,
        headers: Headers = _NONE,
        known: int = 0,
        mark: str = "",
    ) -> Answer | None:
        """One page: what is shown, which is `known` and has this `mark` if it has not changed."""
        begun = time.monotonic()
        answer = self._ask("GET", path, headers)
        seen = partial(self._operation, way, slug, begun, known=known)
        if answer is None or answer.status not in (200, 304, 404):
            self.site.history.add([seen(answer, "fail")])
        elif answer.status == 304:
            self._note(seen(answer, "ok", version=known, mark=mark))
        elif answer.status == 404:
            self._note(seen(answer, "ok"))
        else:
            self._note(seen(answer, "ok", version=answer.version, mark=_mark_in(answer)))
        return answer

    def _read_all(self, way: str, path: str, mark: Callable[[dict[str, object]], str]) -> None:
        """All pages in one answer."""
        begun = time.monotonic()
        answer = self._ask("GET", path)
        found: dict[str, tuple[int, str]] = {}
        if answer and answer.status == 200:
            items: Iterable[dict[str, object]] = answer.json()["items"]  # type: ignore[assignment]
            for item in items:
                version = item.get("version", 0)
                assert isinstance(version, int)
                found[str(item["slug"])] = version, mark(item)
        outcome = "ok" if answer and answer.status == 200 else "fail"
        for slug in PAGES:
            version, text = found.get(slug, (0, ""))
            each = self._operation(way, slug, begun, answer, outcome, version=version, mark=text)
            self._note(each)

    def _save(self, slug: str, read: Answer) -> bool:
        """Replace what was read; whether that was acknowledged."""
        mark = f"m{uuid4().hex}"
        replaced = str(read.json()["body"]) if read.status == 200 else None
        state = {"If-Match": read.headers["etag"]} if replaced else {"If-None-Match": "*"}
        text = {"body": page_body(mark, replaced), "title": mark}
        begun = time.monotonic()
        named = {"Idempotency-Key": mark} if self.random.random() < _NAMED else {}
        answer, outcome, reason = self._put(slug, {**state, **named}, json.dumps(text))
        version = answer.version if answer and outcome == "ok" else 0
        older = _mark_in(read) if replaced else ""
        done = partial(self._operation, SAVE, slug, begun, answer, outcome, reason=reason)
        self._note(done(version=version, mark=mark, replaced=older))
        return outcome == "ok"

    def _put(self, slug: str, headers: Headers, text: str) -> tuple[Answer | None, str, str]:
        return self._send("PUT", f"/api/pages/{slug}", headers, text)

    def _send(
        self, method: str, path: str, headers: Headers, text: str
    ) -> tuple[Answer | None, str, str]:
        """The answer, what became of it, and why: who has named it asks until it is known."""
        sent = {"Authorization": f"Bearer {self.site.token}", "Content-Type": "application/json"}
        send = partial(self._ask, method, path, {**sent, **headers}, text)
        answer = send()
        outcome, reason = _outcome(answer)
        for _ in range(_RETRIES if outcome == "info" and "Idempotency-Key" in headers else 0):
            time.sleep(_PAUSE_SECONDS)
            answer = send()
            # A 409 may be the first one's doing, which is under way.
            if answer and answer.status in (200, 201, 412):
                return answer, *_outcome(answer)
        return answer, outcome, reason

    def _operation(
        self, way: str, slug: str, begun: float, answer: Answer | None, outcome: str, **more: object
    ) -> Operation:
        notes = answer.notes if answer else frozenset[str]()
        now = time.monotonic()
        return Operation(
            self.number,
            way,
            slug,
            begun,
            now,
            outcome,
            notes=notes,
            **more,  # type: ignore[arg-type]
        )

    def _note(self, operation: Operation) -> None:
        if operation.outcome == "ok":
            slug = operation.slug
            self.newest[slug] = max(self.newest[slug], operation.version)
        self.site.history.add([operation])

    def _ask(
        self, method: str, path: str, headers: Headers = _NONE, body: str | None = None
    ) -> Answer | None:
        """The answer, None if there was none in time or at all."""
        impatient = self.random.random() < self.impatient
        patience = _IMPATIENCE_SECONDS if impatient else self.patience
        where = urlsplit(self.random.choice(self.site.urls)).netloc
        connection = http.client.HTTPConnection(where, timeout=patience)
        try:
            connection.request(method, path, body, dict(headers))
            got = connection.getresponse()
            lower = {name.lower(): value for name, value in got.getheaders()}
            answer = Answer(got.status, lower, got.read())
        except (OSError, http.client.HTTPException) as error:
            self.site.statuses[f"{method} {type(error).__name__}"] += 1
            return None
        finally:
            connection.close()
        self.site.statuses[f"{method} {answer.status}"] += 1
        if answer.status not in self.foreseen:
            self.site.errors.append(
                f"{method} {path} was answered {answer.status}: {answer.body!r}"
            )
        return answer


def _mark_in(answer: Answer) -> str:
    found = _MARK.search(answer.body.decode())
    return found[0] if found else ""


def _outcome(answer: Answer | None) -> tuple[str, str]:
    """What became of a save, and why."""
    if answer is None:
        return "info", "no answer"
    if answer.status in (200, 201):
        return "ok", ""
    kind = str(answer.json().get("type", "")).rpartition(":")[2]
    return "fail" if answer.status in (409, 412) else "info", kind


def _edit(client: Client, stop: threading.Event) -> None:
    client.edit()


def _reading(*ways: Callable[[Client, str], object]) -> Callable[[Client, threading.Event], None]:
    """Read a page in one of these ways a few times without a pause: that is a flood."""

    def read(client: Client, stop: threading.Event) -> None:
        slug, way = client.random.choice(PAGES), client.random.choice(ways)
        for _ in range(client.random.randint(1, _BURST)):
            way(client, slug)
        stop.wait(client.random.uniform(0, 2 * _PAUSE_SECONDS))

    return read


def _flood(client: Client, stop: threading.Event) -> None:
    """Read one page for longer than a process may answer from its memory, and pause."""
    slug = client.random.choice(PAGES)
    end = time.monotonic() + _FLOOD_SECONDS
    while time.monotonic() < end and not stop.is_set():
        client.read_plain(slug)
    stop.wait(_FLOOD_SECONDS)


# Who edits is more, since many wait for what stands still. Who reads has a way of his own, so that
# each rule is put to the test.
_CLIENTS = (
    *[_edit] * 16,
    _flood,
    _reading(Client.read_plain),
    *[_reading(Client.read_tagged)] * 2,
    *[_reading(Client.read_version)] * 2,
    _reading(Client.reload),
    _reading(Client.list, Client.search, Client.read_page),
)


def _work(
    site: Site,
    seed: int,
    turn: Callable[[Client, threading.Event], None],
    number: int,
    stop: threading.Event,
) -> None:
    client = Client(site, number, seed)
    while not stop.is_set():
        try:
            turn(client, stop)
        except Exception:  # noqa: BLE001 - an answer that nobody can read is for the result to tell
            site.errors.append(traceback.format_exc())
