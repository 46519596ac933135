"""Asking many at once."""

from functools import partial
from threading import Barrier

import pytest

from sheaf.paging import gather
from tests.waiting import PATIENCE


@pytest.mark.parametrize("count", [2, 5])
def test_all_are_asked_at_once(count: int) -> None:
    barrier = Barrier(count)
    assert sorted(gather([partial(barrier.wait, PATIENCE)] * count)) == list(range(count))


def test_answers_come_in_the_order_of_the_questions() -> None:
    assert gather([partial(str, number) for number in range(9)]) == list("012345678")
    assert gather([]) == []


def test_one_failure_fails_all() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        gather([partial(int, "1"), partial(int, "one"), partial(int, "3")])
