import re
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering import linked
from sheaf.rendering.links import Target
from sheaf.rendering.markdown import render

KEPT = re.compile(r"data-\w+")


class Reader(HTMLParser):
    """HTML as a parser of browsers has it: the attributes of its tags, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def hrefs(html: str) -> list[str | None]:
    return [given.get("href") for tag, given in Reader(html).tags if tag == "a"]


def test_what_was_written_is_kept_where_it_has_to_be_looked_up() -> None:
    html = render(
        "[a](../x/?y#z) [b](/b) [[C d#E|f]] <a href='g.html'>g</a> [h](h: 'i')", "g/a"
    ).html
    tags = [
        (given.get(linked.WRITTEN), given.get(linked.NAME)) for _, given in Reader(html).tags[1:]
    ]
    assert tags == [
        ("../x/?y#z", None),
        (None, None),
        (None, "C d"),
        ("g.html", None),
    ]
    assert hrefs(html) == ["/x?y#z", "/b", "/g/C-d#e", "/g/g.html"]
    read = [[each.href for each in link.readings] for link in linked.found(html, "g/a").values()]
    assert read == [
        ["/x?y#z", "/g/x?y#z"],
        ["/b"],
        ["/g/C-d#e"],
        ["/g/g.html", "/g/g", "/g/a/g.html", "/g/a/g"],
    ]
    assert not KEPT.search(linked.shown(html))
    assert hrefs(linked.shown(html)) == hrefs(html)


def test_links_lead_where_it_was_decided_and_look_so() -> None:
    html = render('[a](../x/#y) [b](../z/ "Z") [c](https://c.d)', "g/a").html
    first, second = linked.found(html, "g/a")
    shown = linked.shown(html, {first: Target("g/x", "/g/x#y"), second: None})
    assert [given for _, given in Reader(shown).tags[1:]] == [
        {"href": "/g/x#y", "rel": "noopener noreferrer"},
        {"href": "/z", "title": "Z", "rel": "noopener noreferrer", "class": "missing"},
        {"href": "https://c.d", "rel": "noopener noreferrer"},
    ]
    shown = linked.shown(html, {first: None})
    assert Reader(shown).tags[1][1]["title"] == "There is no page yet."


SMUGGLED = [
    '<a href="x" data-written="//evil" data-name="Other" class="missing">a</a>',
    "<a data-name=Other href=/x>a</a>",
    '<a href="x" DATA-WRITTEN=y>a</a>',
    '<span data-written="y" class="missing">a</span>',
    '<a\ndata-name="Other"\nhref="https://example.org">a</a>',
    "[a](https://example.org){data-name=Other}",
    '<img src="x" data-name="Other" alt="">',
]


@pytest.mark.parametrize("text", SMUGGLED)
def test_no_author_writes_what_is_ours(text: str) -> None:
    # By itself, and among the other marks of a paragraph.
    for html in (render(text, "p/q").html, render(f"b {text} c", "p/q").html):
        for attributes in Reader(html).tags:
            given = attributes[1]
            assert linked.NAME not in given
            assert given.get(linked.WRITTEN, "x") == "x"
            assert "class" not in given


NASTY = st.text(st.sampled_from("<>\"'=& a/#[]()x"), max_size=12)
ADDRESS = st.text(st.sampled_from("<>\"'&%2x/.?#:;\\"), max_size=12)


@given(NASTY, ADDRESS, NASTY, st.booleans())
def test_nothing_but_links_is_changed(title: str, href: str, words: str, missing: bool) -> None:
    """Whatever a text has in it: the tags of its HTML stay apart, and so do their attributes."""
    text = (
        f'<span title="<a href={escape(title)}">{words}</span> [{words}]({href} "{title}") '
        f'<a href="{escape(href)}" title="{escape(title)}">b</a> [[{words}]] [[{title}|{words}]]'
    )
    html = render(text, "p/q").html
    links = linked.found(html, "p/q")
    decided = dict.fromkeys(links, None if missing else Target("z", '/z?"<a>&'))
    before, after = Reader(html), Reader(linked.shown(html, decided))
    assert after.text == before.text
    assert [tag for tag, _ in after.tags] == [tag for tag, _ in before.tags]
    for (tag, was), (_, now) in zip(before.tags, after.tags, strict=True):
        ours = {"href", "class", "title", linked.NAME, linked.WRITTEN} if tag == "a" else set()
        assert {k: v for k, v in was.items() if k not in ours} == {
            k: v for k, v in now.items() if k not in ours
        }
        assert linked.NAME not in now
        assert linked.WRITTEN not in now
        if tag == "a" and "title" in was:
            assert now["title"] == was["title"]
        if now.get("href") != was.get("href"):
            assert now["href"] == '/z?"<a>&'
