import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering import contents
from sheaf.rendering.contents import LEAST, Heading
from sheaf.rendering.markdown import render
from tests.unit.sheaf.rendering.test_linked import Reader

pieces = st.sampled_from(
    [
        *("# A\n", "## B *c* `d`\n", "### E & <f>\n", "###### G\n", "text\n", "\n", "# \n"),
        *("## [h](i.md)\n", "## j[^k]\n", "[^k]: ## l\n\n    # m\n\n", "> ## n\n", "- ## o\n"),
        *("<h2>p</h2>\n", "<h3 id='q'>r</h3>\n", "## B *c* `d` {#s}\n", "## 部署 ü\n", "<h1>t\n"),
        *("t\n===\n", "## [u](#b)\n", "## ![v](w.png)\n", '## x "y" \\<z\n', "## a -- b\n"),
    ]
)
texts = st.lists(pieces, max_size=12).map("".join)


@given(texts)
def test_only_links_are_added(text: str) -> None:
    article = render(text, "x").html
    shown, (headings, _) = contents.linked(article)
    before, after = Reader(article), Reader(shown)
    assert after.text.split() == before.text.split()
    ids = [given["id"] for _, given in before.tags if "id" in given]
    assert [given["id"] for _, given in after.tags if "id" in given] == ids
    assert {each.address for each in headings} <= set(ids)
    assert not re.search(r"<a [^>]*>(?:(?!</a>).)*<a ", shown, re.DOTALL), "a link within a link"
    assert len(headings) == 0 or len(headings) >= LEAST
    assert all("<" not in each.text and each.text for each in headings)


def test_a_heading_is_a_link_to_itself() -> None:
    html = render("# Tea\n\n## With *milk*\n\n## As [we](x.md) do\n", "x").html
    shown, (headings, _) = contents.linked(html)
    assert '<h1 id="tea">Tea</h1>' in shown
    assert '<h2 id="with-milk"><a href="#with-milk">With <em>milk</em></a></h2>' in shown
    behind = ' <a href="#as-we-do" aria-label="Link to this heading"></a></h2>'
    assert f">we</a> do{behind}" in shown
    assert headings == ()


def test_who_hears_the_page_meets_no_heading_without_a_name() -> None:
    nameless = "![](https://example.org/a.png)"
    html = render(f"# Tea\n\n##\n\n## {nameless}\n\n## ![Pots](https://example.org/a.png)\n", "x")
    shown, _ = contents.linked(html.html)
    assert '<h2 role="presentation" id="section"></h2>' in shown
    assert '<h2 role="presentation" id="section-1"><img src="https://example.org/a.png"' in shown
    assert re.search(r'<h2 id="pots"><a href="#pots"><img [^>]*alt="Pots"', shown)


def listed(text: str) -> list[Heading]:
    return list(contents.linked(render(text, "x").html)[1].headings)


def test_three_headings_are_listed_in_two_levels() -> None:
    assert listed("# Tea\n## A\n## B\n") == []
    assert listed("# Tea\n## A & `b`\n#### C[^1]\n## D\n###### E\n\n[^1]: ## note\n") == [
        Heading("a--b", "A &amp; b", 1),
        Heading("c", "C", 2),
        Heading("d", "D", 1),
    ]


def test_a_title_that_stands_above_the_text_is_not_listed() -> None:
    shown, (headings, _) = contents.linked("<h1>Title</h1>\n" + render("# A\n# B\n# C\n", "x").html)
    assert shown.startswith('<h1>Title</h1>\n<h1 id="a"><a href="#a">A</a></h1>')
    assert [each.text for each in headings] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("times", "last"), [(39, "C 38"), (41, "B 40"), (200, "B 119")], ids=["few", "many", "most"]
)
def test_of_many_headings_the_upper_ones_are_listed(times: int, last: str) -> None:
    headings = listed(
        "# Tea\n" + "".join(f"## B {n}\n### C {n}\n### D {n}\n" for n in range(times))
    )
    assert len(headings) <= contents._MOST_LISTED
    assert headings[-1].text.replace("D", "C") == last


def test_work_is_bounded() -> None:
    article = render("# A\n\n" + "## B\n" * 5_000 + f"## {'c' * 100_000}\n", "x").html
    shown, (headings, left_out) = contents.linked(article)
    assert len(shown) < len(article) + 50 * contents._MOST_LINKED
    assert (len(headings), left_out) == (contents._MOST_LISTED, 5_001 - contents._MOST_LISTED)


def test_a_long_heading_is_listed_in_short() -> None:
    headings = listed(f"# A\n## {'b' * 1000}\n## c & d {'e' * 1000}\n## f\n")
    assert [len(each.text) for each in headings] == [120, 120 + len("&amp;") - 1, 1]
