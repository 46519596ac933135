"""Redis is killed, or hangs, while many read: what they notice of it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import httpx
import pytest

from tests.conftest import Mint
from tests.faults.steps import at_work
from tests.fixtures import Servers, running_site, seed
from tests.servers.redis_pair import Node
from tests.waiting import PATIENCE, wait_until

SLUGS = [f"page-{number}" for number in range(20)]
RECOVERY_SECONDS = 10.0
# Of this many every process has answered some for each page, and so remembers all pages.
MANY = 1000


@dataclass(frozen=True)
class Answer:
    """What a reader got."""

    status: int
    seconds: float
    retry_after: str | None


@dataclass
class Readers:
    """Four readers who ask for one page after the other, each as soon as it has the last."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    errors: list[httpx.HTTPError] = field(default_factory=list)

    def reading(self) -> AbstractContextManager[None]:
        return at_work([self._read] * 4)

    def until_more(self, count: int) -> None:
        """Return when `count` more requests have been answered."""
        before = len(self.answers)
        wait_until(lambda: len(self.answers) >= before + count, f"not {count} answers")

    def _read(self, number: int, stop: threading.Event) -> None:
        with httpx.Client(base_url=self.url, timeout=PATIENCE) as client:
            while not stop.is_set():
                number += 1
                begun = time.monotonic()
                try:
                    got = client.get(f"/{SLUGS[number % len(SLUGS)]}")
                except httpx.HTTPError as error:
                    self.errors.append(error)
                    continue
                seconds, retry = time.monotonic() - begun, got.headers.get("Retry-After")
                self.answers.append(Answer(got.status_code, seconds, retry))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path / "redis", "secret")
    yield node
    node.close()


@pytest.mark.parametrize(
    ("fail", "recover", "forgotten"),
    [
        # For longer than what processes remember serves.
        pytest.param(Node.kill, Node.start, True, id="killed"),
        pytest.param(Node.pause, Node.resume, False, id="hanging"),
    ],
)
def test_readers_hardly_notice(
    clean: Servers,
    node: Node,
    home: Path,
    mint_token: Mint,
    tmp_path: Path,
    fail: Callable[[Node], None],
    recover: Callable[[Node], None],
    forgotten: bool,
) -> None:
    log = tmp_path / "log"
    servers = Servers(clean.database_url, node.server.url)
    with log.open("wb") as output, running_site(servers, home, output) as url:
        seed(url, mint_token("alice", "editor"), SLUGS)
        readers = Readers(url)
        with readers.reading():
            readers.until_more(MANY)
            healthy = list(readers.answers)
            fail(node)
            time.sleep(4)
            if forgotten:
                wait_until(lambda: "down" in {way for _, way in _ways(log)}, "all is remembered")
                readers.until_more(MANY)
            recover(node)
            recovered_at = time.time()
            time.sleep(RECOVERY_SECONDS)
            readers.until_more(MANY)
    assert readers.errors == []
    _check_answers(readers.answers, usual=median(answer.seconds for answer in healthy))
    ways = _ways(log)
    assert ("down" in {way for _, way in ways}) == forgotten
    assert all(at < recovered_at + RECOVERY_SECONDS for at, way in ways if way == "down")
    afterwards = {way for at, way in ways if at > recovered_at + RECOVERY_SECONDS}
    assert "hit" in afterwards
    assert afterwards <= {"hit", "memory"}


def _check_answers(answers: list[Answer], usual: float) -> None:
    """Nothing but pages and the request to come again, and nobody waited for long.

    That is a second, and more where an answer takes more than a twentieth of one as a rule.
    """
    shed = [answer for answer in answers if answer.status == 503]
    assert all(answer.retry_after for answer in shed)
    served = [answer for answer in answers if answer.status != 503]
    assert {answer.status for answer in served} == {200}
    assert len(shed) < len(served) / 100
    assert quantiles((answer.seconds for answer in served), n=100)[98] < max(1, 20 * usual)


def _ways(log: Path) -> list[tuple[float, str]]:
    """When each page was asked for, and how it was found."""
    written = log.read_text().rpartition("\n")[0]  # the last line may still be being written
    lines = (json.loads(line) for line in written.splitlines() if line.startswith("{"))
    return [(line["_aws"]["Timestamp"] / 1000, line["cache"]) for line in lines if "cache" in line]
