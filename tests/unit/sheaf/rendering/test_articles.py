"""Each page says its title once, by its structure: whoever has stored it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.pages import editing
from sheaf.rendering import articles, markdown, source

CASES = {
    "a headline": ("# Tea\n\nGreen.\n", None, False),
    "a headline after a paragraph": ("Green.\n\n# Tea\n", None, False),
    "a lower heading": ("## Tea\n\nGreen.\n", None, True),
    "none": ("Green.\n", None, True),
    "a comment in code": ("Green.\n\n```sh\n# Tea\n```\n", None, True),
    "front matter": ("---\ntitle: Tea\n---\nGreen.\n", None, True),
    "front matter, and another headline": ("---\ntitle: Tea\n---\nGreen.\n\n# Leaf\n", None, True),
    "front matter, and the same": ("---\ntitle: Tea\n---\n# *Tea*\n", None, False),
    "front matter, and the same further down": (
        "---\ntitle: Tea\n---\n# Leaf\n\n# Tea\n",
        None,
        True,
    ),
    "one that was given": ("# Leaf\n", "Tea & more", True),
    "headline with signs": ("# A & *b* <c>\n", None, False),
}
cases = pytest.mark.parametrize(("body", "given_title", "above"), CASES.values(), ids=CASES)


def text_html(body: str) -> str:
    return markdown.render(source.parse(body).text, "leaf").html


@cases
def test_the_title_is_above_unless_the_text_says_it(
    body: str, given_title: str | None, above: bool
) -> None:
    content = editing.compose("leaf", body, given_title)
    article = articles.of_stored(content.html, content.body, content.title)
    headline = {None: "Tea", "Tea & more": "Tea &amp; more"}[given_title]
    if body == CASES["none"][0] or "```" in body:
        headline = "leaf"
    assert article == (f"<h1>{headline}</h1>\n" if above else "") + text_html(body)


@cases
def test_what_an_earlier_release_has_stored_is_shown_in_the_same_way(
    body: str, given_title: str | None, above: bool
) -> None:
    content = editing.compose("leaf", body, given_title)
    today = articles.of_stored(content.html, content.body, content.title)
    assert articles.of_stored(text_html(body), body, content.title) == today


@given(st.text())
def test_no_text_is_taken_for_an_article(text: str) -> None:
    assert not markdown.render(f"<!--article-->{text}", "leaf").html.startswith("<!--")
