import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering import marks
from sheaf.rendering.markdown import first_heading, render
from tests.unit.sheaf.rendering.test_raw_html import read


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
    ("text", "html"),
    [
        ("a\n{: .note .info}", "<p>a</p>"),
        ("{:.note}\na", "<p>a</p>"),
        ("a\n{: #here}", '<p id="here">a</p>'),
        ("| a |\n|---|\n\n{ .wide }", "<table><thead><tr><th>a</th></tr></thead></table>"),
        ("[a](https://b.c){ .button } d", '<p><a href="https://b.c">a</a> d</p>'),
        (
            "**a**{: .x}, `b`{.python} :c-d:{ .big }",
            "<p><strong>a</strong>, <code>b</code> :c-d:</p>",
        ),
        ('[a](https://b.c){:target="_blank"}', '<p><a href="https://b.c">a</a></p>'),
        ("![a](b.png){ align=left width=300 } c", '<p><img src="b.png" alt="a"> c</p>'),
        ("[a](https://b.c){target=_blank}", '<p><a href="https://b.c">a</a></p>'),
        ("a ^b15695", '<p id="b15695">a</p>'),
        ("- a ^quote-of-day\n- b", '<ul><li id="quote-of-day">a</li><li>b</li></ul>'),
        ("> a ^123456", '<blockquote><p id="123456">a</p></blockquote>'),
        ("a\n\n^below-it", "<p>a</p>"),
        ("==a *b*== c", "<p><mark>a <em>b</em></mark> c</p>"),
        ("a\n%% b c %%\nd", "<p>a</p><p>d</p>"),
        ("a\n\n%%\nb\n\nc\n%%\nd", "<p>a</p><p>d</p>"),
        ("- %%\n  b\n  %%\n  d", "<ul><li>d</li></ul>"),
    ],
)
def test_each_mark(text: str, html: str) -> None:
    shown = render(text, "x").html.replace(' rel="noopener noreferrer"', "")
    assert re.sub(r"\n(?=<|\Z)", "", shown) == html


@pytest.mark.parametrize(
    "text",
    [
        "a {.b}",
        "a{.b}",
        "{.b} a",
        "*a* {b}",
        "*a*{b}",
        "*a*{{ .b }}",
        "2 ^10",
        "x ^n",
        "a^bcdefg",
        "The regex is ^abc",
        "f(x){.b}",
        "f(){ a=b }",
        "a\n{.so}",
        "{.so}\na",
        "5 %% more, and 3 %% less.",
        "Use %%NAME%% here.",
        "%%a%% b",
        "a == b == c",
        "a==b==c",
        "==a",
        "50%% a 100%% b",
        "%%a",
        "`==a==`",
        "`%%a%%`",
        "`a{.b}`",
        "```\n%%\na\n%%\n```",
    ],
)
def test_other_signs_stay(text: str) -> None:
    shown = re.sub("<[^<>]*>", "", render(text, "x").html)
    assert re.sub(r"[*`\s]", "", shown) == re.sub(r"[*`\s]", "", text)


def test_given_names_are_unique_and_links_find_them() -> None:
    html = render("# abcdef\n\na ^abcdef\n\n[b](#^abcdef) [c](d.md#^ef)", "x").html
    assert re.findall('id="([^"]*)"', html) == ["abcdef", "abcdef-1"]
    assert re.findall('href="([^"]*)"', html) == ["#abcdef", "/d#ef"]


_PIECES = [
    "==",
    "%%",
    "{.a}",
    "{ .a }",
    "\n{: #a}\n",
    " ^abcdef\n",
    "*",
    "`",
    "\n\n",
    "- ",
    "> ",
    "w",
    " ",
]
_PIECES += ["[w](c)"]


@given(st.lists(st.sampled_from(_PIECES), max_size=20))
def test_all_is_closed_and_only_comments_are_lost(pieces: list[str]) -> None:
    text = "".join(pieces)
    rendered = render(text, "x")
    reader = read(rendered.html)
    assert reader.open == reader.faults == []
    assert "%%" in text or rendered.plain.count("w") == text.count("w")


@pytest.mark.parametrize(
    ("text", "href", "words"),
    [
        ("[[Tea]]", "/g/Tea", "Tea"),
        ("a[[Tea]]s", "/g/Tea", "Tea"),
        ("[[Green tea|the green one]]", "/g/Green-tea", "the green one"),
        ("[[Tea#How to brew]]", "/g/Tea#how-to-brew", "Tea &gt; How to brew"),
        ("[[Tea#Pots#Iron|iron]]", "/g/Tea#iron", "iron"),
        ("[[Tea#^a1b2]]", "/g/Tea#a1b2", "Tea &gt; ^a1b2"),
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
        "array[[0]]",
        "a[[1,2]]",
        "[[]]",
        "[[ ]]",
        "[[?!]]",
        "[[#]]",
        "[[a\nb]]",
        "[[a]",
        "[[[a]]]",
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


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("![[a photo.png]]", '<img src="a%20photo.png" alt="a photo.png">'),
        ("![[photo.png|300]]", '<img src="photo.png" alt="photo.png">'),
        ("![[photo.png|A *pot*]]", '<img src="photo.png" alt="A *pot*">'),
        ("[[paper.PDF]]", "paper.PDF"),
        ("[[paper.pdf#page=2|<b>]]", "&lt;b&gt;"),
    ],
)
def test_a_file_that_is_no_page_is_an_image_or_its_words(text: str, html: str) -> None:
    rendered = render(text, "g/a")
    assert rendered.html == f"<p>{html}</p>\n"
    assert not rendered.links


def test_a_name_is_among_the_words_of_a_page() -> None:
    rendered = render("# On [[Tea|green tea]]\n\nsee [[Pots]]", "g/a")
    assert rendered.heading
    assert rendered.heading.text == "On green tea"
    assert rendered.plain == "On green tea\nsee Pots"
    assert rendered.links == {"g/Tea", "g/Pots"}
