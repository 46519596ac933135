import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.texts import FAMILIES
from sheaf.rendering import work
from sheaf.rendering.markdown import Rendered, first_heading, render, render_stored
from sheaf.rendering.work import TooMuch
from tests import slow_texts

MIB = 1024 * 1024


def _ids(rendered: Rendered) -> list[str]:
    return re.findall(r'<h\d id="([^"]*)">', rendered.html)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_text_becomes_is_bounded(family: str) -> None:
    text = FAMILIES[family].text(8192)
    # References add so much at most, and a table as many cells; else a letter becomes a few.
    html = render_stored(text, "x").html
    assert len(html) <= work.MIN_REFERENCED + work.MAX_TOKENS / 3 * 10 + 60 * len(text)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.slow
def test_work_grows_as_the_text(family: str) -> None:
    # What comes once is in both.
    size = slow_texts.SMALL + 4 * len(FAMILIES[family].first)
    small, large = (FAMILIES[family].text(each) for each in (size, 8 * size))
    assert slow_texts.is_in_proportion(small, large)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[" * MIB, 1),
        ("text\n\n" + "![" * MIB, 3),
        ("- a\n" * 100_000, 14_816),
        ("\n" * MIB, 250_001),
        ("[a]: /" + "x" * 20_000 + "\n\n" + "[a] " * 2_500, 3),
        ("[a]: /\n  '" + "x" * 20_000 + "'\n\ntext\n\n" + "![a] " * 2_500, 6),
        ("first\n\n```\n" + "<" * (MIB - 20) + "\n```", 5),
    ],
)
def test_too_much_is_refused_with_the_line(text: str, line: int) -> None:
    with pytest.raises(TooMuch) as refused:
        render(text, "x")
    assert refused.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        "# a\n" * 16_000,
        "### Fixed\n\n- x\n\n" * 4_000,
        (("## " + "Changes of a version with a number and a date, " * 2)[:65] + "\n") * 15_000,
        (("Words, " * 12 + "words.\n") * 2 + "And *text* with `code`, and [a link](x.md).\n\n")
        * 4_500,
        "|a" * 300 + "|\n" + "|-" * 300 + "|\n" + "|b|\n" * 80,
        "[a]: /" + "x" * 20_000 + "\n\n" + "[a] " * 4,
    ],
)
def test_long_texts_are_rendered(text: str) -> None:
    rendered = render(text, "x")
    assert rendered.html
    assert len(set(_ids(rendered))) == text.count("\n#") + text.startswith("#")


def test_addresses_of_headings_go_before_a_text_is_refused() -> None:
    headings = "# a\n" * 20_000
    assert len(_ids(render(headings, "x"))) == 20_000
    with_much_else = headings + "```\n" + "<" * 930_000
    assert _ids(render(with_much_else, "x")) == []


@given(st.lists(st.sampled_from(["a", "a-1", "a-1-1", "a-2", "b", "", "-", "?", "section", "क्षि"])))
def test_no_two_headings_have_one_address(headings: list[str]) -> None:
    ids = _ids(render("\n".join(f"# {heading}" for heading in headings), "x"))
    assert len(ids) == len(set(ids)) == len(headings)


def test_what_is_stored_can_be_read_all_the_same() -> None:
    text = "# <a>\n\n" + "[" * MIB
    rendered = render_stored(text, "x")
    assert rendered.html == f"<pre># &lt;a&gt;\n\n{'[' * MIB}</pre>"
    assert rendered.plain == text
    assert first_heading("\n" * MIB) is None


@pytest.mark.slow
def test_a_search_of_a_minute_finds_no_slow_text() -> None:
    assert slow_texts.search(60)
