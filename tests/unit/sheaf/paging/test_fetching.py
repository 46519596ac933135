"""Parts of a list: which there are, before any row is read."""

import pytest

from sheaf.paging import BadPage, PageRequest


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
