import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering import marks
from sheaf.rendering.markdown import first_heading, render


@pytest.mark.parametrize(
    ("text", "address", "words"),
    [
        ("# Set up {#install}", "install", "Set up"),
        ("# Set up { #install .big data-x=1 }", "install", "Set up"),
        ("# Set up {: #Install.first }", "Install-first", "Set up"),
        ("# Set up {.big}", "set-up", "Set up"),
        ("Set up {#install}\n======", "install", "Set up"),
        ("# A `{#b}`", "a-b", "A {#b}"),
        ("# A {b}", "a-b", "A {b}"),
        ("# {#b}", "b", ""),
        ("# A {#...}", "a", "A"),
    ],
)
def test_a_heading_may_give_its_address(text: str, address: str, words: str) -> None:
    html = render(text, "x").html
    assert re.findall('id="([^"]*)"', html) == [address]
    heading = first_heading(text)
    assert (heading.text if heading else "") == words


def test_given_addresses_are_unique_as_well() -> None:
    html = render("# a\n\n# b {#a}\n\n# c {#d}\n\n# d", "x").html
    assert re.findall('id="([^"]*)"', html) == ["a", "a-1", "d", "d-1"]


def test_links_follow_the_dots_of_addresses() -> None:
    html = render("# a {#v.1}\n\n[b](#v.1) [c](d.md#e.f) [g](https://example.org/#h.i)", "x").html
    assert re.findall('href="([^"]*)"', html) == ["#v-1", "/d#e-f", "https://example.org/#h.i"]


@given(st.text(max_size=300))
def test_no_address_has_a_dot_or_a_blank(written: str) -> None:
    assert re.fullmatch(r"[\w-]*", marks.address(written))


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("$a_1 * b_2 * c$", "a_1 * b_2 * c"),
        ("so ($x<y$).", "x&lt;y"),
        (r"$\{a\}$", r"\{a\}"),
        ("a $$b$$ c", "b"),
        ("$$\na_1\n\\\\ b\n$$", "a_1\n\\\\ b\n"),
        ("- $$\n  a\n  $$", "a\n"),
    ],
)
def test_formulas_stay_as_they_were_written(text: str, formula: str) -> None:
    html = render(text, "x").html
    assert re.findall(r'<code class="language-math">([^<]*)</code>', html) == [formula]


@pytest.mark.parametrize(
    "text",
    [
        "$5 and $10",
        "US$5, A$6",
        "$HOME/$PATH",
        "a $ b $ c",
        "\\$a$",
        "`$a$`",
        "$",
        "$$",
        "$$\na",
        "$" + "a" * 2000 + "$",
    ],
)
def test_other_dollars_stay(text: str) -> None:
    assert "language-math" not in render(text, "x").html
