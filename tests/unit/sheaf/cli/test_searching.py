from datetime import UTC, datetime
from typing import Any

import pytest

from sheaf.cli import searching
from sheaf.cli.client import FoundPage, FoundPages

PAGE = FoundPage(
    slug="größe/tee",
    title="Tee",
    snippet="<mark>Tee</mark>",
    updated_at=datetime(2026, 11, 2, tzinfo=UTC),
    author="alice",
    place="heading",
    rank=2.3456,
    links=1,
)


def answer(*pages: FoundPage, **said: Any) -> FoundPages:
    return FoundPages(
        items=list(pages), **{"matched": "all", "meant": None, "ends_early": False, **said}
    )


def test_a_page_is_its_title_and_its_address() -> None:
    home = PAGE.model_copy(update={"slug": "home", "title": "Welcome"})
    lines = searching.lines(answer(PAGE, home), "http://a", explains=False)
    assert list(lines) == ["Tee\thttp://a/gr%C3%B6%C3%9Fe/tee", "Welcome\thttp://a/"]


def test_why_it_is_there_is_explained() -> None:
    other = PAGE.model_copy(update={"place": "text", "links": 1234})
    lines = list(searching.lines(answer(PAGE, other, ends_early=True), "http://a", explains=True))
    assert lines[1] == (
        "  1. its title, headings and tags have all the words; the words weigh 2.35;"
        " 1 page links to it"
    )
    assert lines[3].endswith("; 1,234 pages link to it")
    assert "ends before the last" in lines[4]
    assert len(list(searching.lines(answer(PAGE), "http://a", explains=True))) == 2


def test_a_place_that_is_not_known_yet_is_told_as_it_is() -> None:
    page = PAGE.model_copy(update={"place": "margin"})
    assert "1. margin; " in list(searching.lines(answer(page), "http://a", explains=True))[1]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (answer(PAGE), None),
        (answer(PAGE, matched="apart"), "but apart"),
        (answer(PAGE, matched="beginnings"), "begin so"),
        (answer(PAGE, matched="meant", meant="green tea"), "results for: green tea"),
        (answer(PAGE, matched="some"), "most of them"),
        (answer(), "no page has all of these words"),
    ],
)
def test_what_was_looked_for_instead_is_said(found: FoundPages, told: str | None) -> None:
    said = searching.instead(found)
    assert said is None if told is None else told in (said or "")
