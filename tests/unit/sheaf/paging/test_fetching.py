"""Parts of a list: which there are, before any row is read."""

from functools import partial
from threading import Barrier

import pytest

from sheaf.paging import BadPage, PageRequest, gather
from tests.waiting import PATIENCE


@pytest.mark.parametrize(("page", "limit"), [(0, 50), (-1, 50), (21, 50), (6, 200), (1001, 1)])
def test_a_number_that_no_page_has_is_refused(page: int, limit: int) -> None:
    with pytest.raises(BadPage):
        PageRequest(limit, page=page)


@pytest.mark.parametrize(("page", "limit"), [(1, 50), (20, 50), (5, 200), (1000, 1)])
def test_a_page_may_end_at_the_greatest_depth(page: int, limit: int) -> None:
    assert PageRequest(limit, page=page).skipped == (page - 1) * limit


def test_a_number_and_a_cursor_are_refused() -> None:
    with pytest.raises(BadPage, match="both"):
        PageRequest(50, "cursor", 1)


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
