"""A service that has failed is left alone, for about as long as was said."""

from hypothesis import given
from hypothesis import strategies as st

from sheaf.caching.entry import Entry
from sheaf.caching.near import Breaker, Kept, Memory, NearCache
from sheaf.caching.reader import Reader

NOW = 1e9


def _opened() -> Breaker:
    breaker = Breaker(1)
    breaker.failed(NOW)
    return breaker


def test_it_is_closed_until_something_fails() -> None:
    assert not Breaker(1).is_open(NOW)


def test_it_is_open_for_about_as_long_as_was_said() -> None:
    for _ in range(100):
        breaker = _opened()
        assert breaker.is_open(NOW)
        assert breaker.is_open(NOW + 0.74)
        assert not breaker.is_open(NOW + 1.26)


def test_those_that_failed_together_do_not_come_back_together() -> None:
    breakers = [_opened() for _ in range(100)]
    assert 10 < sum(breaker.is_open(NOW + 1) for breaker in breakers) < 90


def test_every_failure_begins_the_time_anew() -> None:
    breaker = _opened()
    breaker.failed(NOW + 1)
    assert breaker.is_open(NOW + 1.74)


def test_a_clock_that_was_set_back_closes_it() -> None:
    assert not _opened().is_open(NOW - 3600)


NOW = 1e9
PAGE = 10_000  # bytes


def _entry(version: int, size: int = PAGE) -> Entry:
    return Entry(version, bytes(size))


def _remembered(memory: Memory, keys: str) -> str:
    """Which of these keys are kept; looking at them makes the last one the one used last."""
    return "".join(key for key in keys if memory.get(key))


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 5 * PAGE))))
def test_it_never_keeps_more_than_its_limit(puts: list[tuple[str, int]]) -> None:
    memory = Memory(4 * PAGE)
    for key, size in puts:
        memory.put(key, _entry(1, size), NOW)
        found = [kept for key in "abcdefgh" if (kept := memory.get(key))]
        assert sum(len(kept.entry.body) for kept in found) <= 4 * PAGE


def test_what_was_not_used_for_longest_goes_first() -> None:
    memory = Memory(4 * PAGE)
    for key in "abc":
        memory.put(key, _entry(1), NOW)
    memory.get("a")
    memory.put("d", _entry(1), NOW)
    assert _remembered(memory, "abcd") == "acd"


def test_a_key_that_is_put_again_counts_once() -> None:
    memory = Memory(4 * PAGE)
    for key in "abc":
        memory.put(key, _entry(1), NOW)
    for version in range(20):
        memory.put("a", _entry(version), NOW)
    assert _remembered(memory, "abc") == "abc"
    kept = memory.get("a")
    assert kept
    assert kept.entry == _entry(19)


def test_what_is_too_large_is_not_kept() -> None:
    memory = Memory(PAGE)
    memory.put("a", _entry(1), NOW)
    assert memory.get("a") is None


def test_an_entry_ages_by_the_clock_on_the_wall() -> None:
    kept = Kept(_entry(1), NOW, NOW)
    assert kept.age(NOW) == 0
    assert kept.age(NOW + 3600) == 3600


def test_a_clock_that_was_set_back_makes_it_old() -> None:
    assert Kept(_entry(1), NOW, NOW).age(NOW - 1) == float("inf")


def test_the_latest_is_what_came_within_a_second() -> None:
    near = NearCache(Reader("redis://127.0.0.1:1", 0.25), 1_000_000)
    near.remember("x", _entry(1), NOW)
    assert near.latest("x", NOW + 0.9) == near.recall("x", NOW) == _entry(1)
    assert near.latest("x", NOW + 1) is None
    assert near.latest("x", NOW - 0.1) is None  # the clock was set back
    assert near.latest("y", NOW) is None
