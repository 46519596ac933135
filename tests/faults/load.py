"""People at work on a running site: each edits a page of their own, while others read."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import httpx
import psycopg

from tests.faults import steps
from tests.waiting import PATIENCE, wait_until

PAGES = tuple(f"page-{number}" for number in range(4))
READ = (
    "/api/pages",
    "/api/pages/page-0",
    "/page-1.md",
    "/api/search?q=edit",
    "/api/revisions/page-2",
    "/-/tree",
    "/api/leases/page-3",
    "/api/health",
)
# Short, so that it shows how soon the site is back; people wait for Retry-After.
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Answer:
    """What somebody got who asked for `what` at this time (`time.monotonic`)."""

    what: str
    asked_at: float
    answered_at: float
    status: int
    text: str
    retry_after: str | None


@dataclass
class Load:
    """The answers so far, and the bodies that were acknowledged, by page and version."""

    url: str
    token: str
    answers: list[Answer] = field(default_factory=list)
    acknowledged: dict[tuple[str, int], str] = field(default_factory=dict)

    def at_work(self) -> AbstractContextManager[None]:
        """Everybody is at work in the block. What they began is answered when it ends."""
        return steps.at_work([self._edit] * len(PAGES) + [self._read] * 2)

    def seconds_until_back(self, begun_at: float) -> dict[str, float]:
        """How long after that time each thing went well that was asked for since; waits for it."""
        wanted = {*PAGES, *READ}
        wait_until(lambda: self._back(begun_at).keys() == wanted, "the site is not back")
        return self._back(begun_at)

    def refused(self, since: float) -> list[Answer]:
        """What was asked for since and refused."""
        answers = [answer for answer in self.answers if answer.asked_at >= since]
        return [answer for answer in answers if answer.status in (409, 503)]

    def _back(self, begun_at: float) -> dict[str, float]:
        back: dict[str, float] = {}
        for answer in list(self.answers):
            if answer.asked_at >= begun_at and answer.status < 500 and answer.status != 409:
                back.setdefault(answer.what, answer.answered_at - begun_at)
        return back

    def _edit(self, number: int, stop: threading.Event) -> None:
        slug, version, count = PAGES[number], 0, 0
        with httpx.Client(base_url=self.url, timeout=PATIENCE) as client:
            while not stop.is_set():
                count += 1
                body = f"# Edit {count}\n\nof {slug}\n"
                answer = self._ask(slug, lambda: self._put(client, slug, version, body))  # noqa: B023
                if answer.status_code in (200, 201):
                    version = answer.json()["version"]
                    self.acknowledged[slug, version] = body
                elif answer.status_code == 412:  # the last one was done, and its answer lost
                    version = answer.json()["current"]["version"]
                else:
                    time.sleep(_PAUSE_SECONDS)

    def _put(self, client: httpx.Client, slug: str, version: int, body: str) -> httpx.Response:
        state = {"If-Match": f'"v{version}"'} if version else {"If-None-Match": "*"}
        headers = {"Authorization": f"Bearer {self.token}", **state}
        return client.put(f"/api/pages/{slug}", json={"body": body}, headers=headers)

    def _read(self, number: int, stop: threading.Event) -> None:
        with httpx.Client(base_url=self.url, timeout=PATIENCE) as client:
            while not stop.is_set():
                number += 1
                path = READ[number % len(READ)]
                self._ask(path, lambda: client.get(path))  # noqa: B023

    def _ask(self, what: str, send: Callable[[], httpx.Response]) -> httpx.Response:
        asked_at = time.monotonic()
        answer = send()
        retry_after = answer.headers.get("Retry-After")
        now = time.monotonic()
        self.answers.append(
            Answer(what, asked_at, now, answer.status_code, answer.text, retry_after)
        )
        return answer

    def check(self, database_url: str) -> None:
        """Nothing but what the API documents was answered, and all that was saved is there."""
        allowed = {200, 201, 404, 409, 412, 503}
        assert [answer for answer in self.answers if answer.status not in allowed] == []
        problems = [answer for answer in self.answers if answer.status in (409, 503)]
        refused = [answer for answer in problems if answer.what != "/api/health"]
        assert [answer for answer in refused if not answer.retry_after] == []
        with psycopg.connect(database_url) as connection:
            rows = connection.execute("SELECT slug, version, body FROM revisions")
            stored = {(slug, version): body for slug, version, body in rows}
        assert self.acknowledged.items() <= stored.items()
        for slug in PAGES:
            versions = sorted(version for page, version in stored if page == slug)
            assert versions == list(range(1, len(versions) + 1))
            bodies = [body for (page, _), body in stored.items() if page == slug]
            assert len(set(bodies)) == len(bodies), "a save was done twice"
