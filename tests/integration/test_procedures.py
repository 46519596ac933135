"""What docs/operate.md changes of a site in steps: at each of them two versions are at work.

A version of the functions is a process with its own settings. While a deployment goes on each of
the two answers requests, and CloudFront sends what either of the two has it send.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count, product
from pathlib import Path
from threading import Event

import httpx
import pytest

from tests.conftest import Mint
from tests.fixtures import Servers, database, running_site, seed
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

MANUAL = (Path(__file__).parents[2] / "docs/operate.md").read_text()
SECRETS = {"old": "o" * 24, "new": "n" * 24}


@dataclass
class Version:
    """A version of the functions, at its own address, and the secret that goes with its stack."""

    url: str
    sends: str = ""


class Traffic:
    """People who read and write; every request has to be answered well."""

    def __init__(self, token: str) -> None:
        self.token = token
        self._numbers = count(1)

    def check(self, version: Version, sends: str = "") -> None:
        """One visit: a page is made, read in every way, changed and deleted."""
        slug = f"visits/{next(self._numbers)}"
        headers = {"x-sheaf-origin": sends} if sends else {}
        signed = {**headers, "Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=version.url, timeout=PATIENCE) as client:
            page = f"/api/pages/{slug}"
            answers = [
                client.put(page, json={"body": "# One"}, headers={**signed, "If-None-Match": "*"}),
                client.get(f"/{slug}", headers=headers),
                client.put(page, json={"body": "# Two"}, headers={**signed, "If-Match": '"v1"'}),
                client.get(f"/{slug}?v=2", headers=headers),
                client.get(page, headers=headers),
                client.get("/api/pages?limit=5", headers=headers),
                client.get("/-/recent", headers=headers),
                client.get(f"/api/revisions/{slug}", headers=headers),
                client.get("/api/health", headers=headers),
                client.delete(page, headers={**signed, "If-Match": '"v2"'}),
            ]
        assert [answer.status_code for answer in answers] == [201, *[200] * 8, 204], [
            answer.text for answer in answers if answer.status_code >= 400
        ]

    @contextmanager
    def going_on(self, version: Version) -> Iterator[None]:
        """Visits, one after the other, until the block ends."""
        ended = Event()

        def visit() -> None:
            self.check(version)
            while not ended.is_set():
                self.check(version)

        with ThreadPoolExecutor(1) as pool:
            visiting = pool.submit(visit)
            try:
                yield
            finally:
                ended.set()
        visiting.result()


@pytest.fixture
def traffic(mint_token: Mint) -> Traffic:
    return Traffic(mint_token("alice", "editor"))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


@pytest.fixture
def cache(servers: Servers) -> str:
    """The address of an empty cache."""
    return servers.empty_cache(4)


@pytest.fixture
def empty(servers: Servers, cache: str, stack: ExitStack) -> Servers:
    """A new site's database and cache."""
    return Servers(stack.enter_context(database(servers, "procedure")), cache)


def deploy(stack: ExitStack, servers: Servers, home: Path, **settings: str) -> Version:
    """A new version at work, after the migration that a release begins with."""
    keys = settings.get("SHEAF_ORIGIN_KEYS", "")
    url = stack.enter_context(running_site(servers, home, None, **settings))
    return Version(url, keys.partition(",")[0])


def at_work_together(traffic: Traffic, before: Version, after: Version) -> None:
    """While a deployment goes on: each version, and whichever secret CloudFront sends."""
    for version, sends in product((before, after), dict.fromkeys((before.sends, after.sends))):
        traffic.check(version, sends)


def test_the_origin_verification_secret_is_changed(
    empty: Servers, stack: ExitStack, home: Path, traffic: Traffic
) -> None:
    steps = re.findall(r"^\| \d\. `OriginKeys=([a-z,]+)` \|", MANUAL, re.MULTILINE)
    assert steps[-1] == "new"
    before = deploy(stack, empty, home, SHEAF_ORIGIN_KEYS=SECRETS["old"])
    for step in steps:
        keys = ",".join(SECRETS[word] for word in step.split(","))
        after = deploy(stack, empty, home, SHEAF_ORIGIN_KEYS=keys)
        at_work_together(traffic, before, after)
        before = after
    refused = httpx.get(f"{before.url}/", headers={"x-sheaf-origin": SECRETS["old"]})
    assert refused.status_code == 403


def test_the_site_gets_another_name(
    empty: Servers, stack: ExitStack, home: Path, traffic: Traffic
) -> None:
    before = deploy(stack, empty, home, SHEAF_SITE_NAME="Before", SHEAF_BUILD="1764000000")
    seed(before.url, traffic.token, ["home"])
    assert "Before" in httpx.get(f"{before.url}/").text
    after = deploy(stack, empty, home, SHEAF_SITE_NAME="After", SHEAF_BUILD="1764003600")
    at_work_together(traffic, before, after)
    assert "After" in httpx.get(f"{after.url}/").text  # though it was in the cache
    assert "After" in httpx.get(f"{before.url}/").text  # as the newer release has made it


def test_a_release_is_taken_back(
    empty: Servers, stack: ExitStack, home: Path, traffic: Traffic
) -> None:
    good = deploy(stack, empty, home, SHEAF_BUILD="1764000000", SHEAF_SITE_NAME="Good")
    bad = deploy(stack, empty, home, SHEAF_BUILD="1764003600", SHEAF_SITE_NAME="Bad")
    seed(bad.url, traffic.token, ["home"])
    at_work_together(traffic, good, bad)  # now `live` is pointed at the good one again
    traffic.check(good)
    reverted = deploy(stack, empty, home, SHEAF_BUILD="1764007200", SHEAF_SITE_NAME="Good")
    at_work_together(traffic, good, reverted)
    assert "Good" in httpx.get(f"{reverted.url}/").text


def test_a_database_is_added_and_taken_away(
    servers: Servers, cache: str, stack: ExitStack, home: Path, traffic: Traffic
) -> None:
    section = MANUAL.partition("## Adding a database")[2].partition("\n## ")[0]
    order = ["Raise `Shards`", "sheaf reshard run --to 2", "with `--to 1`", "lower `Shards`"]
    assert sorted(order, key=section.index) == order
    urls = [stack.enter_context(database(servers, f"added_{n}", None)) for n in range(2)]
    one, two = (Servers(",".join(urls[:n]), cache) for n in (1, 2))
    before = deploy(stack, one, home)
    after = deploy(stack, two, home)
    at_work_together(traffic, before, after)
    with traffic.going_on(after):
        reshard(two, 2)
    with traffic.going_on(after):
        reshard(two, 1)
    lowered = deploy(stack, one, home)
    at_work_together(traffic, after, lowered)


def reshard(servers: Servers, number: int) -> None:
    """What an operator types once the deployment has ended."""
    subprocess.run(
        [sys.executable, "-m", "ops", "reshard", "run", "--to", str(number)],
        env={
            **os.environ,
            "SHEAF_DATABASE_URLS": servers.database_url,
            "SHEAF_CACHE_URL": servers.cache_url,
        },
        check=True,
        timeout=PATIENCE,
    )
