import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering.markdown import render


def links(text: str) -> list[tuple[str, str]]:
    return re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', render(text, "x").html)


@pytest.mark.parametrize(
    ("text", "href", "shown"),
    [
        ("www.example.org/a", "http://www.example.org/a", "www.example.org/a"),
        ("See https://example.org.", "https://example.org", "https://example.org"),
        ("(http://example.org/a_(b))", "http://example.org/a_(b)", "http://example.org/a_(b)"),
        ("http://example.org/a)))", "http://example.org/a", "http://example.org/a"),
        ("HTTPS://EXAMPLE.ORG/A", "https://example.org/A", "HTTPS://EXAMPLE.ORG/A"),
        ("http://example.org?a=1&amp;copy;", "http://example.org?a=1", "http://example.org?a=1"),
        ("*http://example.org*", "http://example.org", "http://example.org"),
        ("http://localhost:8000/a", "http://localhost:8000/a", "http://localhost:8000/a"),
        ("mail a.b+c@example.org.", "mailto:a.b+c@example.org", "a.b+c@example.org"),
        ("mailto:a@example.org", "mailto:a@example.org", "mailto:a@example.org"),
        ("|http://a.b|\n|-|", "http://a.b", "http://a.b"),
    ],
)
def test_bare_addresses_are_links(text: str, href: str, shown: str) -> None:
    (found,) = links(text)
    assert found[0].lower() == href.lower()
    assert found[1].replace("&amp;", "&") == shown


@pytest.mark.parametrize(
    "text",
    [
        "`http://a.b`",
        "    http://a.b",
        "xwww.example.org",
        "ahttp://a.b",
        "http://a_b.c_d",
        "http://",
        "www.",
        "a@b",
        "a@b.c_",
        "a@b.c-",
        "ftp://a.b",
        "C:// @ :",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert links(text) == []


def test_there_is_no_link_within_a_link() -> None:
    assert links("[http://a.b](http://c.d)") == [("http://c.d", "http://a.b")]
    assert links("<a href=http://c.d>http://a.b</a>") == [("http://c.d", "http://a.b")]


@given(
    st.lists(st.sampled_from(["http://a", "www.a", ".b", "@", ")", "(", ";", "&a", " ", "_", "é"]))
)
def test_no_letter_is_lost(parts: list[str]) -> None:
    text = "".join(["x ", *parts])
    # An underscore may emphasize, and a space at the end is none.
    assert re.sub("[_ ]", "", render(text, "x").plain) == re.sub("[_ ]", "", text)
