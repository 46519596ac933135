"""What a reader's process finds without much ado: memory in a flood, and while Redis is down."""

from collections.abc import Callable, Iterator

import pytest

from sheaf.caching.entry import Entry, name
from sheaf.caching.near import BEHIND, DOWN, HIT, MEMORY, MISS, UNEXPECTED, NearCache
from sheaf.caching.reader import Reader
from tests.integration.sheaf.conftest import KEY, OTHER, Backend
from tests.servers.proxy import Proxy
from tests.servers.redis_pair import address
from tests.waiting import PATIENCE

NOW = 1e9
CALM = 0.06  # seconds between two requests that are no flood
ONE, TWO = Entry(1, b"one"), Entry(2, b"two")


@pytest.fixture
def proxy(backend: Backend) -> Iterator[Proxy]:
    """A network in front of a Redis that has the first version."""
    backend.client.set(name(KEY), ONE.encode())
    with Proxy(address(backend.url)) as proxy:
        yield proxy


@pytest.fixture
def near(proxy: Proxy, backend: Backend, request: pytest.FixtureRequest) -> Iterator[NearCache]:
    # Only a test that meets a server that hangs must not wait for long.
    timeout = 0.5 if "stop" in request.fixturenames else PATIENCE
    near = NearCache(Reader(proxy.url(backend.url), timeout), 1 << 20)
    yield near
    near.close()


@pytest.fixture(params=["refuses", "hangs"])
def stop(request: pytest.FixtureRequest, proxy: Proxy) -> Callable[[], None]:
    """Stops Redis for its readers, in either way; `proxy.heal` starts it again."""

    def refuse() -> None:
        proxy.retarget(("127.0.0.1", 1))
        proxy.cut()

    return refuse if request.param == "refuses" else proxy.replies.hold


def _gets(backend: Backend) -> int:
    """How many GETs the server has seen since the statistics were reset."""
    return int(backend.operator.info("commandstats").get("cmdstat_get", {"calls": 0})["calls"])


def test_a_flood_is_served_from_memory(backend: Backend, near: NearCache) -> None:
    assert near.find(KEY, NOW) == (ONE, HIT)
    backend.client.set(name(KEY), TWO.encode())
    assert near.find(KEY, NOW + 0.04) == (ONE, MEMORY)
    assert near.find(KEY, NOW + 0.08) == (ONE, MEMORY)


def test_a_calm_reader_is_served_from_redis(backend: Backend, near: NearCache) -> None:
    assert near.find(KEY, NOW) == (ONE, HIT)
    backend.client.set(name(KEY), TWO.encode())
    assert near.find(KEY, NOW + CALM) == (TWO, HIT)
    backend.client.delete(name(KEY))
    assert near.find(KEY, NOW + 2 * CALM) == (None, MISS)


def test_a_flood_asks_redis_about_once_a_second(backend: Backend, near: NearCache) -> None:
    backend.operator.config_resetstat()
    hows = [near.find(KEY, NOW + number / 100)[1] for number in range(1000)]
    assert hows.count(HIT) == _gets(backend)
    assert 10 <= hows.count(HIT) <= 11
    assert hows.count(MEMORY) == 1000 - hows.count(HIT)


def test_a_flood_sees_a_change_within_a_second(backend: Backend, near: NearCache) -> None:
    near.find(KEY, NOW)
    backend.client.set(name(KEY), TWO.encode())
    found = [near.find(KEY, NOW + number / 100)[0] for number in range(102)]
    assert found[99] == ONE
    assert found[101] == TWO


def test_a_flood_of_misses_is_not_remembered(backend: Backend, near: NearCache) -> None:
    assert near.find(OTHER, NOW) == (None, MISS)
    backend.client.set(name(OTHER), ONE.encode())
    assert near.find(OTHER, NOW + 0.01) == (ONE, HIT)


def test_a_clock_that_was_set_back_serves_no_memories(backend: Backend, near: NearCache) -> None:
    near.find(KEY, NOW)
    backend.client.set(name(KEY), TWO.encode())
    assert near.find(KEY, NOW - 3600) == (TWO, HIT)


def test_what_is_remembered_serves_ten_seconds_of_an_outage(
    near: NearCache, stop: Callable[[], None]
) -> None:
    near.find(KEY, NOW)
    stop()
    for seconds in range(1, 10):
        assert near.find(KEY, NOW + seconds) == (ONE, MEMORY)
    assert near.find(KEY, NOW + 10.1) == (None, DOWN)
    assert near.find(OTHER, NOW + 10.1) == (None, DOWN)
    assert near.recall(KEY, NOW + 10.1) == ONE


def test_redis_is_left_alone_for_a_moment_and_then_asked_again(
    proxy: Proxy, near: NearCache, stop: Callable[[], None]
) -> None:
    near.find(KEY, NOW)
    healthy = proxy.target
    stop()
    near.find(KEY, NOW + CALM)
    proxy.heal(healthy)
    assert near.is_down(NOW + CALM)
    assert near.find(KEY, NOW + CALM + 0.7) == (ONE, MEMORY)
    assert near.find(KEY, NOW + CALM + 1.3) == (ONE, HIT)
    assert not near.is_down(NOW + CALM + 1.3)


class CountingReader(Reader):
    """Counts how often it is asked."""

    asked = 0

    def get(self, key: str) -> bytes | None:
        self.asked += 1
        return super().get(key)


def test_an_outage_costs_one_request_a_second(proxy: Proxy, backend: Backend) -> None:
    reader = CountingReader(proxy.url(backend.url), timeout=0.1)
    near = NearCache(reader, 1 << 20)
    proxy.replies.hold()
    for number in range(100):
        assert near.find(KEY, NOW + number / 20) == (None, DOWN)
    assert 4 <= reader.asked <= 7


def test_what_failed_others_is_left_alone_too(near: NearCache, backend: Backend) -> None:
    near.failed(NOW)
    backend.operator.config_resetstat()
    assert near.find(KEY, NOW + 0.7) == (None, DOWN)
    assert _gets(backend) == 0
    assert near.find(KEY, NOW + 1.3) == (ONE, HIT)


@pytest.mark.parametrize("data", [b"", b"foreign", b"1 2 3 {}\n"])
def test_foreign_data_is_unexpected_and_no_outage(
    backend: Backend, near: NearCache, data: bytes
) -> None:
    backend.client.set(name(KEY), data)
    assert near.find(KEY, NOW) == (None, UNEXPECTED)
    backend.client.delete(name(KEY))
    backend.client.rpush(name(KEY), "x")
    assert near.find(KEY, NOW) == (None, UNEXPECTED)
    assert not near.is_down(NOW)


def test_what_came_from_elsewhere_is_remembered_for_a_day(
    backend: Backend, near: NearCache
) -> None:
    near.remember(KEY, TWO, NOW)
    assert near.find(KEY, NOW + 0.01) == (TWO, MEMORY)
    backend.client.delete(name(KEY))
    assert near.find(KEY, NOW + 1) == (None, MISS)
    assert near.recall(KEY, NOW + 86_399) == TWO
    assert near.recall(KEY, NOW + 86_401) is None


def test_a_process_does_not_go_back_behind_what_it_has_shown(
    backend: Backend, near: NearCache
) -> None:
    near.remember(KEY, TWO, NOW)
    assert near.newest(KEY) == 2
    for seconds in (CALM, 60.0, 3600.0):
        assert near.find(KEY, NOW + seconds) == (None, BEHIND)
        assert near.find(KEY, NOW + seconds, shared=True) == (None, BEHIND)
    near.remember(KEY, ONE, NOW)  # storage itself went back
    assert near.find(KEY, NOW + CALM) == (ONE, HIT)
    assert near.newest(OTHER) == 0


def test_what_this_process_has_stored_is_no_flood(backend: Backend, near: NearCache) -> None:
    near.saved(KEY, TWO, NOW)
    backend.client.set(name(KEY), TWO.stamped(1, 2).encode())
    assert near.find(KEY, NOW + 0.01)[1] == HIT
    assert near.find(KEY, NOW + 0.02)[1] == MEMORY


def test_what_this_process_has_stored_is_shown_where_redis_has_less(
    near: NearCache, stop: Callable[[], None]
) -> None:
    assert near.find(KEY, NOW) == (ONE, HIT)
    near.saved(KEY, TWO, NOW)
    assert near.find(KEY, NOW + 0.01) == (None, BEHIND)
    stop()
    assert near.find(KEY, NOW + 5) == (TWO, MEMORY)


def test_a_closed_cache_has_forgotten_everything_and_can_be_used(near: NearCache) -> None:
    near.find(KEY, NOW)
    near.close()
    assert near.recall(KEY, NOW) is None
    assert near.find(KEY, NOW + 0.01) == (ONE, HIT)
