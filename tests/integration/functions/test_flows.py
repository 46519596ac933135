"""How far a request goes through the code: a reader has to follow, so it must not go to and fro."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Self

import pytest
import redis
from werkzeug.test import TestResponse

from sheaf import telemetry
from sheaf.sharding import shards
from tests.fixtures import Servers, database, migrate_together
from tests.integration.conftest import Configure
from tests.site import Site

ROOT = Path(__file__).resolve().parents[3]
# Compiled templates have the names of their files.
OURS = (str(ROOT / "functions"), str(ROOT / "layers/common/sheaf"))
DECORATOR = (telemetry.faults_are_logged.__name__, telemetry._Alarm.__name__)
PAGES = 6


@dataclass
class Flow:
    """The modules of the functions that are called in the block, and how deep calls go."""

    modules: list[str] = field(default_factory=list)
    depth: int = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and _is_ours(frame):
            self.modules.append(frame.f_code.co_filename)
            self.depth = max(self.depth, sum(map(_is_ours, _callers(frame))))

    @property
    def changes(self) -> int:
        """How often a call is to another module than the one before."""
        return sum(a != b for a, b in zip(self.modules, self.modules[1:], strict=False))


def _is_ours(frame: FrameType) -> bool:
    # A flow begins at the handler: a decorator around it is no part of it, be it ours or theirs.
    is_decorator = frame.f_code.co_qualname.startswith(DECORATOR)
    return frame.f_code.co_filename.startswith(OURS) and not is_decorator


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame:
        yield frame
        frame = frame.f_back


@pytest.fixture
def two_shards(site: Site, servers: Servers, configure: Configure) -> Iterator[Site]:
    """The site on two databases, with some pages."""
    with ExitStack() as stack:
        urls = [stack.enter_context(database(servers, f"flow_{n}", None)) for n in range(2)]
        migrate_together(urls)
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        for number in range(PAGES):
            site.create(f"page-{number}", f"word {number}")
        yield site
        shards.dispose()


def flow(*requests: Callable[[], TestResponse]) -> Flow:
    """The flow of the last of these requests; those before it load and fill what stays."""
    *before, last = requests
    for request in before:
        assert request().status_code == 200
    with Flow() as found:
        answer = last()
    assert answer.status_code == 200
    return found


def test_of_a_hit(two_shards: Site) -> None:
    found = flow(*[lambda: two_shards.get("/page-1")] * 3)
    assert found.changes <= 25
    assert found.depth <= 5


def test_of_a_miss(two_shards: Site, clean: Servers) -> None:
    with redis.Redis.from_url(clean.cache_url) as client:
        client.delete("entry:{page:page-1}", "entry:{page:page-2}")
    found = flow(lambda: two_shards.get("/page-1"), lambda: two_shards.get("/page-2"))
    # Twenty of them look up what is around the page, and ten write it.
    assert found.changes <= 155
    assert found.depth <= 23


def test_of_a_save_with_a_lease(two_shards: Site) -> None:
    client, signed_in = two_shards.client, {"Authorization": f"Bearer {two_shards.token}"}
    first, second = (
        client.put(f"/api/leases/page-{number}", json={}, headers=signed_in).json["fence"]
        for number in (1, 2)
    )

    def save(slug: str, fence: int) -> TestResponse:
        headers = {"If-Match": '"v1"', "Sheaf-Lease": str(fence)}
        return two_shards.put(slug, "another word", headers)

    found = flow(lambda: save("page-1", first), lambda: save("page-2", second))
    # Ten of them let this process show nothing older, and try a publication again. Seventy are
    # between a parser and its rules, and twenty take the text apart for search.
    assert found.changes <= 215
    assert found.depth <= 19


@pytest.mark.parametrize(
    ("address", "changes", "depth"),
    # Where little is found, a search is tried in other ways.
    [("/api/pages", 40, 14), ("/api/search?q=word", 180, 20)],
    ids=["list", "search"],
)
def test_of_a_list(two_shards: Site, address: str, changes: int, depth: int) -> None:
    found = flow(*[lambda: two_shards.get(address)] * 3)
    assert found.changes <= changes
    assert found.depth <= depth
