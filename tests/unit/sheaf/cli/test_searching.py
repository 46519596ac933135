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
    matched="all",
    place="heading",
    rank=2.3456,
    links=1,
)


def answer(*pages: FoundPage, **said: Any) -> FoundPages:
    return FoundPages(
        items=list(pages), **{"meant": None, "optional": [], "ends_early": False, **said}
    )


def other(**changed: Any) -> FoundPage:
    return PAGE.model_copy(update=changed)


def test_a_page_is_its_title_and_its_address() -> None:
    home = other(slug="home", title="Welcome")
    lines = searching.lines(answer(PAGE, home), "http://a", explains=False)
    assert list(lines) == ["Tee  http://a/gr%C3%B6%C3%9Fe/tee", "Welcome  http://a/home"]


def test_why_it_is_there_is_explained() -> None:
    pages = PAGE, other(matched="some", place="text", links=1234), other(matched="meant")
    found = answer(*pages, meant="green tea", ends_early=True)
    lines = list(searching.lines(found, "http://a", explains=True))
    assert lines[1] == (
        "  1. has all of the words; they are in its title, headings and tags, and weigh 2.35;"
        " 1 page links to it"
    )
    assert lines[3].startswith("  2. has some of the words; they are in its text, and weigh ")
    assert lines[3].endswith("; 1,234 pages link to it")
    assert "has what may have been meant: green tea; " in lines[5]
    assert "ends before the last" in lines[6]
    assert len(list(searching.lines(answer(PAGE), "http://a", explains=True))) == 2


def test_what_is_not_known_yet_is_told_as_it_is() -> None:
    page = other(place="in the margin", matched="somehow")
    line = list(searching.lines(answer(page), "http://a", explains=True))[1]
    assert "has all of the words; in the margin, and weigh" in line


NOTHING = "no page has all of it as it was typed; "


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (answer(PAGE), None),
        (answer(), "no page has all of these words"),
        (
            answer(other(matched="apart")),
            f"{NOTHING}these have all of the words, but apart or in other forms",
        ),
        (answer(other(matched="beginnings")), f"{NOTHING}these have words that begin so"),
        (
            answer(other(matched="meant"), meant="green tea"),
            f"{NOTHING}these have what may have been meant: green tea",
        ),
        (answer(PAGE, other(matched="some")), "pages from number 2 on have some of the words"),
    ],
)
def test_what_was_looked_for_instead_is_said(found: FoundPages, told: str | None) -> None:
    assert searching.instead(found) == told
