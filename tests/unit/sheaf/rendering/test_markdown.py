import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it.token import Token

from sheaf.rendering import marks, parsing
from sheaf.rendering.markdown import first_heading, render
from sheaf.rendering.work import Work


def test_links_to_files_lead_to_pages() -> None:
    html = render("[one](start.md#first) [two](https://example.org/x.md)", "guide/install").html
    assert re.findall('href="([^"]*)"', html) == ["/guide/start#first", "https://example.org/x.md"]


def test_in_the_file_of_a_folder_links_start_in_the_folder() -> None:
    assert render("[one](start.md)", "guide", "guide/index.md").links == {"guide/start"}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("[a](ver.md?plain=1#b)", '<a href="/ver?plain=1#b">a</a>'),
        ("<slack://x>", "slack://x"),
        ("[a](obsidian://b)", "a"),
        ("[*a*](javascript:b)", "<em>a</em>"),
        ("![a](data:image/png;base64,b)", "a"),
        ("![a *b*][c]\n\n[c]: file:d", "a b"),
        ("[a](tel:1)", '<a href="tel:1">a</a>'),
        ("[![a](data:b)](c.md)", '<a href="/c">a</a>'),
    ],
)
def test_links_lead_where_they_may_or_are_words(text: str, html: str) -> None:
    found = render(text, "home").html.replace(' rel="noopener noreferrer"', "")
    assert found == f"<p>{html}</p>\n"


def test_tasks_say_whether_they_are_done() -> None:
    html = render("- [ ] a\n- [x] b\n- c", "x").html
    assert '<input type="checkbox" aria-label="To do" disabled=""> a' in html
    assert '<input type="checkbox" aria-label="Done" checked="" disabled=""> b' in html
    assert html.count("<input") == 2
    assert "<input" not in render("<input type=checkbox>", "x").html


def test_links_are_collected_as_slugs() -> None:
    text = "[a](b.md) [c](/d/e) [f](https://example.org/) [g](#h) [i](../../j.md) [k](/-/recent)"
    assert render(text, "x/y").links == {"x/b", "d/e", "j"}


def test_title_is_the_first_heading_with_text() -> None:
    assert render("#\n\ntext\n\n## A *b* `c`\n\n# D", "x").heading == ("A b c", 2)
    assert render("text", "x").heading is None


@given(st.lists(st.sampled_from(["# ", "## a", "\n", "*b*", "[c][d]", "[d]: x", "===", "`", " "])))
def test_the_first_heading_alone_is_the_same(parts: list[str]) -> None:
    text = "".join(parts)
    assert first_heading(text) == render(text, "x").heading


def test_plain_text_keeps_words_apart() -> None:
    rendered = render("# One\n\ntwo\nthree **four**\n\n```\nfive\n```\n\n- six\n- ![seven](x)", "x")
    assert rendered.plain.split() == ["One", "two", "three", "four", "five", "six", "seven"]
    assert rendered.headings == "One"


def test_tables_are_aligned_without_style_attributes() -> None:
    html = render("|a|b|\n|:-|-:|\n|1|2|", "x").html
    assert "style" not in html
    assert '<td align="right">2</td>' in html


class _Collector(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.dangerous: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.dangerous.append(name)
            if name in ("href", "src") and (value or "").strip().lower().startswith("javascript"):
                self.dangerous.append(value or "")
        if tag in ("script", "style", "iframe", "form", "object", "svg"):
            self.dangerous.append(tag)


ATTACKS = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "![x](javascript:alert(1))",
    '<img src=x onerror="alert(1)">',
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    '[x](http://a "onclick=alert(1)")',
    "<javascript:alert(1)>",
    "`` ` ``<svg onload=alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    "# <a onclick=x>h</a>",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_do_nothing(attack: str) -> None:
    collector = _Collector()
    collector.feed(render(attack, "x").html)
    assert collector.dangerous == []


@given(st.lists(st.sampled_from([*ATTACKS, "\n", "> ", "- ", "|", "`", "*", "[", "](", ")", "<"])))
def test_mixed_attacks_do_nothing(parts: list[str]) -> None:
    collector = _Collector()
    collector.feed(render("".join(parts), "x").html)
    assert collector.dangerous == []


def test_a_heading_has_both_addresses_where_programs_differ() -> None:
    html = render("# Tea & milk\n\n## a - b\n\n## A b\n\n## a & b {#a--c}\n", "x").html
    ids = re.findall('id="([^"]*)"', html)
    assert ids == ["tea--milk", "tea-milk", "a---b", "a-b", "a--c", "a-c"]
    assert '<h1 id="tea--milk"><span id="tea-milk"></span>Tea' in html
    assert '<h2 id="a---b">a' in html


def test_addresses_of_headings_keep_marks_and_are_never_empty() -> None:
    html = render("# हिन्दी में\n\n## ?\n\n## `code` and *text*\n", "x").html
    assert re.findall('id="([^"]*)"', html) == ["हिन्दी-में", "section", "code-and-text"]


@given(st.one_of(st.text(max_size=30), st.text(alphabet="aé., w\u00a0'\"()/;部?|\t", max_size=30)))
@example("www.example.org")
@example("plain, as most blocks are.")
def test_text_alone_is_read_as_if_it_might_have_marks(text: str) -> None:
    plain, marked = (Token("inline", "", 0, content=text) for _ in range(2))
    works = Work(text), Work(text)
    parsing.parse_inline(plain, works[0])
    parsing.parse_marked(marked, works[1], marks.address)
    assert plain.children == marked.children
    assert vars(works[0])["_left"] == vars(works[1])["_left"]
