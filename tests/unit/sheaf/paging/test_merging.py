"""Asking many at once."""

from functools import partial
from threading import Barrier

import pytest

from sheaf.paging import gather
from tests.waiting import PATIENCE


def test_all_are_asked_at_once() -> None:
    barrier = Barrier(5)
    assert sorted(gather([partial(barrier.wait, PATIENCE)] * 5)) == [0, 1, 2, 3, 4]


def test_answers_come_in_the_order_of_the_questions() -> None:
    assert gather([partial(str, number) for number in range(9)]) == list("012345678")
    assert gather([]) == []


def test_one_failure_fails_all() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        gather([partial(int, "1"), partial(int, "one"), partial(int, "3")])
