from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from sheaf.cli.pace import IDLE_SECONDS, READERS_SECONDS, Pace

SIZES = st.lists(st.none() | st.integers(0, 300_000), min_size=1, max_size=300)


def portions(pace: Pace, sizes: list[int | None]) -> list[list[int | None]]:
    waiting, found = deque(sizes), []
    while waiting:
        found.append(list(pace.portion(waiting, lambda size: size)))
    return found


@given(SIZES, st.floats(0.1, 500), st.integers(1, 100), st.sampled_from(["", ", readers"]))
def test_portions_are_everything_in_order_and_no_more_than_may_be(
    sizes: list[int | None], milliseconds: float, most: int, readers: str
) -> None:
    pace = Pace(most, 500_000)
    for _ in range(20):
        pace.hear(f"work;dur={milliseconds}{readers}", 10, 0)
    found = portions(pace, sizes)
    assert [size for portion in found for size in portion] == sizes
    for portion in found:
        known = [size for size in portion if size is not None]
        assert len(portion) == 1 or known == portion
        assert len(portion) <= most
        assert len(portion) == 1 or sum(known) <= 500_000
        work = milliseconds / 1000 / 10 * len(portion)
        assert len(portion) == 1 or work <= (READERS_SECONDS if readers else IDLE_SECONDS) * 1.1


def test_small_pages_go_together_once_a_site_is_quick() -> None:
    pace = Pace(100, 500_000)
    assert len(pace.portion(deque([300] * 200), lambda size: size)) == 5
    pace.hear("work;dur=100.0", 10, 3000)
    assert 40 <= len(pace.portion(deque([300] * 200), lambda size: size)) <= 50
    pace.hear("work;dur=100.0, readers", 10, 3000)
    pace.hear("", 10, 3000)
    assert 40 <= len(pace.portion(deque([300] * 200), lambda size: size)) <= 50
    pace.hear("work;dur=100.0, readers", 10, 3000)
    assert 4 <= len(pace.portion(deque([300] * 200), lambda size: size)) <= 5


def test_readers_are_heard_of() -> None:
    pace = Pace(100, 500_000)
    for timing, expected in [
        ("work;dur=3", False),
        ("work;dur=3, readers", True),
        ("readers;desc=x, work;dur=3", True),
        ("nonreaders", False),
        ("", False),
    ]:
        pace.hear(timing, 1, 1)
        assert pace.has_readers == expected
