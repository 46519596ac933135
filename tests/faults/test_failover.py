"""A standby is promoted under load, and the old primary takes no more changes."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Mint
from tests.faults.load import Load
from tests.fixtures import Servers, running_site
from tests.servers.pgbouncer import MODES, pgbouncer
from tests.servers.postgres_pair import PostgresPair, postgres_pair
from tests.servers.proxy import Proxy
from tests.servers.redis_pair import address
from tests.waiting import wait_until

MANY = 200
SESSIONS = 4
# How often one thing is refused when the new primary is there. Both processes may have to be told
# so by an answer. A pooler asks for it once a second, and whoever edits does so more often.
REFUSALS = {"direct": 8, "session": 60, "transaction": 60}


@dataclass
class Scene:
    """People at work on a site that has its database by a name, which leads to the primary."""

    load: Load
    name: Proxy
    way: str

    def until_told(self, since: int, text: str) -> None:
        """Return once somebody was answered this."""
        told = lambda: any(text in answer.text for answer in self.load.answers[since:])  # noqa: E731
        wait_until(told, f"nobody is told {text}")

    def follow(self, pair: PostgresPair) -> None:
        """Promote the standby, have the name lead there, and all of the site must be back."""
        pair.promote()
        self.name.retarget(address(pair.standby.url))
        promoted_at, done = time.monotonic(), len(self.load.acknowledged)
        back = self.load.seconds_until_back(promoted_at)
        logging.getLogger(__name__).info("back after %.2f s", max(back.values()))
        refused = self.load.refused(promoted_at)
        often = Counter(answer.what for answer in refused)
        assert max(often.values(), default=0) <= REFUSALS[self.way], refused
        wait_until(lambda: len(self.load.acknowledged) > done + MANY, "nobody works")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[PostgresPair]:
    with postgres_pair(tmp_path / "pair") as pair:
        yield pair


@pytest.fixture(params=["direct", *MODES])
def at_work(
    pair: PostgresPair,
    servers: Servers,
    home: Path,
    mint_token: Mint,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Scene]:
    log = tmp_path / "log"
    with ExitStack() as stack:
        name = stack.enter_context(Proxy(address(pair.primary.url)))
        output, database_url = stack.enter_context(log.open("wb")), name.url(pair.primary.url)
        if request.param in MODES:
            pooler = pgbouncer(tmp_path / "pooler", database_url, request.param, SESSIONS)
            database_url = stack.enter_context(pooler)
        with running_site(Servers(database_url, servers.cache(4)), home, output) as url:
            load = Load(url, mint_token("alice", "editor"))
            with load.at_work():
                wait_until(lambda: len(load.acknowledged) > MANY, "nobody works")
                yield Scene(load, name, request.param)
    load.check(pair.standby.url)
    assert '"level":"ERROR"' not in log.read_text()


def test_nothing_needs_to_be_restarted(at_work: Scene, pair: PostgresPair) -> None:
    pair.fence_off()
    since = len(at_work.load.answers)
    # As long as the name leads to the old one, it is read, and takes no changes.
    for text in ("takes no changes", '"database":"read-only"'):
        at_work.until_told(since, text)
    at_work.follow(pair)


def test_nor_when_the_name_leads_to_the_standby_too_early(
    at_work: Scene, pair: PostgresPair
) -> None:
    at_work.name.retarget(address(pair.standby.url))
    pair.fence_off()
    since = len(at_work.load.answers)
    for text in ("takes no changes", '"database":"in recovery"'):
        at_work.until_told(since, text)
    at_work.follow(pair)


def test_nor_when_the_primary_crashes(at_work: Scene, pair: PostgresPair) -> None:
    pair.crash()
    at_work.until_told(len(at_work.load.answers), '"database":"failing"')
    at_work.follow(pair)
