import re

from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering.markdown import first_heading, render


def test_notes_stand_below_the_text_in_the_order_of_their_references() -> None:
    html = render("[^b]: Two\n\na[^a] b[^b] a[^a]\n\n[^a]: One\n\n    more\n\nend", "x").html
    assert re.findall(r'<a href="(#fn[^"]*)"', html) == [
        "#fn.1",
        "#fn.2",
        "#fn.1",
        "#fnref.1",
        "#fnref.2",
    ]
    assert html.index("end") < html.index('<section class="footnotes">') < html.index("One")
    assert html.index("One") < html.index("more") < html.index("Two")
    assert html.count('id="fnref.1"') == 1


def test_a_note_may_ask_for_another_and_for_itself() -> None:
    html = render("a[^a]\n\n[^a]: b[^b]\n[^b]: c[^a][^b]", "x").html
    assert html.count("<li id=") == 2


def test_what_nobody_asks_for_is_left_out_and_what_is_missing_stays() -> None:
    rendered = render("a[^c]\n\n[^b]: note with [link](y.md)", "x")
    assert rendered.html == "<p>a[^c]</p>\n"
    assert rendered.plain == "a[^c]"
    assert rendered.links == frozenset()


def test_a_note_is_no_link() -> None:
    assert render("a[^1]\n\n[^1]: note", "x").links == frozenset()


def test_a_note_has_no_title_for_the_page() -> None:
    text = "a[^1]\n\n[^1]: # note\n\n# page"
    assert render(text, "x").heading == first_heading(text) == ("page", 1)
    assert render("a[^1]\n\n[^1]: # note", "x").heading is None


@given(
    st.lists(st.sampled_from(["[^a]", "[^b]", "\n[^a]: x", "\n[^b]: y", "\n    z", "\n\n", "# c"]))
)
def test_each_reference_leads_to_a_note_and_back(parts: list[str]) -> None:
    html = render("".join(parts), "x").html
    ids = re.findall(' id="([^"]*)"', html)
    assert len(ids) == len(set(ids))
    assert {address[1:] for address in re.findall('href="(#fn[^"]*)"', html)} <= set(ids)
