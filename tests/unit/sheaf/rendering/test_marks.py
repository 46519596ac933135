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


@pytest.mark.parametrize(
    ("text", "href", "words"),
    [
        ("[[Tea]]", "/g/Tea", "Tea"),
        ("a[[Tea]]s", "/g/Tea", "Tea"),
        ("[[Green tea|the green one]]", "/g/Green-tea", "the green one"),
        ("[[Tea#How to brew]]", "/g/Tea#how-to-brew", "Tea &gt; How to brew"),
        ("[[Tea#Pots#Iron|iron]]", "/g/Tea#iron", "iron"),
        ("[[Tea#^a1b2]]", "/g/Tea", "Tea &gt; ^a1b2"),
        ("[[#How to brew]]", "#how-to-brew", "How to brew"),
        ("[[#How to brew|how]]", "#how-to-brew", "how"),
        ("![[Tea]]", "/g/Tea", "Tea"),
        ("**[[Tea]]**", "/g/Tea", "Tea"),
        ("| a |\n|---|\n| [[Tea\\|the green one]] |", "/g/Tea", "the green one"),
        ("[[Tea\\|a]]", "/g/Tea", "a"),
        ("[[pots/Iron]]", "/g/pots/Iron", "pots/Iron"),
        ("[[Tea]].", "/g/Tea", "Tea"),
        ("[[<b>]]", "/g/b", "&lt;b&gt;"),
    ],
)
def test_a_name_is_a_link(text: str, href: str, words: str) -> None:
    html = render(text, "g/a").html
    assert re.findall('<a href="([^"]*)"[^>]*>([^<]*)</a>', html) == [(href, words)]
    assert "[[" not in html


@pytest.mark.parametrize(
    "text",
    [
        "`[[Tea]]`",
        "```\n[[Tea]]\n```",
        "$[[Tea]]$",
        "\\[[Tea]]",
        "[[]]",
        "[[ ]]",
        "[[?!]]",
        "[[#]]",
        "[[a\nb]]",
        "[[a]",
        "[[[a]]]",
        "![[photo.png]]",
        "[[paper.PDF]]",
        "[[" + "x" * 300 + "]]",
        "| a |\n|---|\n| [[Tea|the green one]] |",
    ],
)
def test_other_brackets_stay(text: str) -> None:
    assert "<a" not in render(text, "g/a").html


@pytest.mark.parametrize(
    ("text", "hrefs"),
    [
        ("[[tea]]\n\n[tea]: /pot", ["/pot"]),
        ("[[1]](#notes)", ["#notes"]),
        ("[a [[Tea]] b](c)", ["/g/Tea"]),
        ("[[[Tea]](c)", ["/g/c"]),
    ],
)
def test_what_is_a_link_already_stays_one(text: str, hrefs: list[str]) -> None:
    assert re.findall('href="([^"]*)"', render(text, "g/a").html) == hrefs


def test_a_name_is_among_the_words_of_a_page() -> None:
    rendered = render("# On [[Tea|green tea]]\n\nsee [[Pots]]", "g/a")
    assert rendered.heading
    assert rendered.heading.text == "On green tea"
    assert rendered.plain == "On green tea\nsee Pots"
    assert rendered.links == {"g/Tea", "g/Pots"}
