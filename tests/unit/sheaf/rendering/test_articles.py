"""Each page says its title once, by its structure: whoever has stored it."""

import time
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf import texts
from sheaf.pages import editing
from sheaf.rendering import articles, markdown, source

CASES = {
    "a headline": ("# Tea\n\nGreen.\n", None, False),
    "a headline after a paragraph": ("Green.\n\n# Tea\n", None, False),
    "a lower heading": ("Green.\n\n## Tea\n", None, True),
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


FIRST_WORDS = {
    "headings are none": ("# Tea\n\n## Green\n\nThree *minutes*.", "Three minutes."),
    "lists are": ("- one\n- two & three", "one two & three"),
    "lines are one": ("a\nb\n\nc", "a b c"),
    "code is none": ("```py\nx = 1\n```\nIt is `one`.", "It is one."),
    "tables are none": ("|a|\n|-|\n|b|\n\nc", "c"),
    "numbers of notes are none": ("a[^1] b\n\n[^1]: c", "a b"),
    "names of notices are none": ("> [!NOTE]\n> Hot.", "Hot."),
    "links are their words": ("[tea](x) and ![a pot](y.png) more", "tea and more"),
    "nothing is nothing": ("# Tea", ""),
}


@pytest.mark.parametrize(("body", "words"), FIRST_WORDS.values(), ids=FIRST_WORDS)
def test_first_words(body: str, words: str) -> None:
    assert articles.first_words(markdown.render(body, "tea").html) == words


PARAGRAPHS = st.lists(st.text("ab é茶<>&'", max_size=400), max_size=40)


@given(PARAGRAPHS)
def test_first_words_are_whole_and_a_line(paragraphs: list[str]) -> None:
    html = "\n".join(f"<p>{escape(each)}</p>" for each in paragraphs)
    said, all_of_it = articles.first_words(html), texts.line("\n".join(paragraphs))
    assert len(said) <= 160
    assert all_of_it.startswith(said.removesuffix("…"))
    if said != all_of_it:
        assert said.endswith("…")
        rest = all_of_it.removeprefix(said.removesuffix("…"))
        assert rest.startswith(" ") or " " not in said


@pytest.mark.parametrize("part", ["<", "<p>", "<pre>", "<h1>", "<sup", "&", "a", " "])
def test_first_words_of_anything_are_found_at_once(part: str) -> None:
    begun = time.process_time()
    assert len(articles.first_words(part * 1_000_000)) <= 160
    assert time.process_time() - begun < 1


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


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("## Tea\n\n## Pots\n", '<h1 id="tea">Tea</h1>\n<h2 id="pots">Pots</h2>\n'),
        ("#### A `b`\n", '<h1 id="a-b">A <code>b</code></h1>\n'),
        ("---\ntitle: Tea\n---\n## *Tea*\n", '<h1 id="tea"><em>Tea</em></h1>\n'),
        ("---\ntitle: Tea\n---\n## Pots\n", '<h1>Tea</h1>\n<h2 id="pots">Pots</h2>\n'),
    ],
)
def test_a_lower_heading_at_the_beginning_is_the_title_itself(body: str, shown: str) -> None:
    content = editing.compose("leaf", body)
    assert articles.of_stored(content.html, content.body, content.title) == shown


@given(st.text())
def test_no_text_is_taken_for_an_article(text: str) -> None:
    assert not markdown.render(f"<!--article-->{text}", "leaf").html.startswith("<!--")
