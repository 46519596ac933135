import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering.markdown import render
from tests.unit.sheaf.rendering.test_raw_html import read


def notices(text: str) -> list[tuple[str, str]]:
    """The kind and the title of each notice in a text."""
    found = (
        r'<(?:div|details) class="notice (\w+)"[^>]*>\s*(?:<(?:p class="title"|summary)>([^<]*))?'
    )
    return re.findall(found, render(text, "x").html)


@pytest.mark.parametrize("kind", ["note", "tip", "important", "warning", "caution"])
def test_githubs_alerts(kind: str) -> None:
    html = render(f"> [!{kind.upper()}]\n> *a*\n>\n> - b", "x").html
    assert html.startswith(f'<div class="notice {kind}">\n<p class="title">{kind.title()}</p>')
    assert "<li>b</li>" in html


@pytest.mark.parametrize(
    ("text", "kind", "title"),
    [
        ("> [!note]\n> a", "note", "Note"),
        ("> [!TIP] A title\n> a", "tip", "A title"),
        ("> [!faq]- A title\n> a", "note", "A title"),
        ("> [!danger]+\n> a", "caution", "Danger"),
        (":::note\na\n:::", "note", "Note"),
        ("::: info A title\na\n:::", "note", "A title"),
        (":::danger[A title]{.x}\na\n:::", "caution", "A title"),
        (":::warning{title=x}\na", "warning", "Warning"),
        (":::details More\na\n:::", "note", "More"),
        ("/// tip | A title\na\n///", "tip", "A title"),
        ("/// admonition | A title\n    type: warning\n\na\n///", "warning", "A title"),
        ("/// details\n    type: danger\n    open: true\na\n///", "caution", "Details"),
        ("!!! note\n    a", "note", "Note"),
        ('!!! Bug "A title"\n\n    a', "caution", "A title"),
        ('!!! success inline end "A title"\n    a', "tip", "A title"),
        ("!!! my-own\n    a", "note", "My-own"),
        ('!!! tip ""\n    a', "tip", ""),
        ('??? question "A title"\n    a', "note", "A title"),
        ('???+ quote ""\n    a', "note", "Quote"),
        ('=== "A title"\n    a', "note", "A title"),
    ],
)
def test_each_way_to_write_a_notice(text: str, kind: str, title: str) -> None:
    assert notices(text) == [(kind, title)]
    html = render(f"{text}\n\nb", "x").html
    assert "<p>a</p>" in html
    assert not re.search(r":::|///|!!!|\?\?\?|===|type:", html)


@pytest.mark.parametrize(
    "text",
    [
        "> [!NEWS]\n> a",
        "> [!NOTE]a",
        "> [!NOTE](b) a",
        "> \\[!NOTE] a",
        "> a\n> [!NOTE]",
        "> # [!NOTE]",
        "[!NOTE]\na",
        "::: module.of.mine\na",
        "::note\na",
        "/// caption\na\n///",
        "// note\na",
        "!!! \na",
        "!!!note\na",
        "!!! warning Do not touch",
        "!!! Attention please read\n    a",
        "??? what now",
        "    !!! note",
        "```\n:::note\n```",
        "a\n===",
        "=== a",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert notices(text) == []


def test_a_notice_ends_where_it_is_closed_or_no_longer_indented() -> None:
    assert render(":::note\na\n:::\nb", "x").html.endswith("</div>\n<p>b</p>\n")
    assert render("!!! note\n    a\n\n    c\nb", "x").html.endswith("</div>\n<p>b</p>\n")
    assert render("- :::note\n  a\n\nb", "x").html.endswith("</ul>\n<p>b</p>\n")


@pytest.mark.parametrize(
    "text",
    [
        "::::note\n:::tip\na\n:::\n::::\nb",
        ":::note\n:::tip\na\n:::\n:::\nb",
        ":::note\n::::tip\na\n::::\n:::\nb",
        "!!! note\n    ??? tip\n        a\nb",
        "> [!note]\n> > [!tip]- c\n> > a\n\nb",
    ],
)
def test_a_notice_may_stand_in_another(text: str) -> None:
    assert [kind for kind, _ in notices(text)] == ["note", "tip"]
    html = render(text, "x").html
    assert re.search(r"</(div|details)>\s*</div>\s*<p>b</p>", html)
    assert ":::" not in html


def test_folded_notices_fold() -> None:
    assert '<details class="notice note">' in render("??? note\n    a", "x").html
    assert '<details class="notice note" open' in render("???+ note\n    a", "x").html
    assert '<details class="notice tip">' in render("> [!tip]- a\n> b", "x").html
    assert '<details class="notice tip" open' in render("> [!tip]+\n> b", "x").html
    assert " open" in render("/// details\n    open: True\na\n///", "x").html


def test_a_quotation_that_is_only_a_title_has_no_empty_paragraph() -> None:
    html = render("> [!tip] Warm the pot\n\na", "x").html
    assert html == '<div class="notice tip">\n<p class="title">Warm the pot</p>\n</div>\n<p>a</p>\n'


def test_a_title_is_markdown_and_searched() -> None:
    rendered = render('!!! note "A *title* with [a link](y.md)"\n    a', "x")
    assert "<em>title</em>" in rendered.html
    assert rendered.plain.split("\n") == ["A title with a link", "a"]
    assert rendered.links == {"y"}


_PIECES = [
    ":::note\n",
    ":::\n",
    "::::tip\n",
    "::::\n",
    "/// details\n",
    "///\n",
    "!!! note\n",
    "\n",
]
_PIECES += ["??? tip\n", "    ", "- ", "> ", "a\n", "<div>\n", "> [!TIP]\n", "a\n: b\n", "```\n"]


@given(st.lists(st.sampled_from(_PIECES), max_size=20))
def test_all_is_closed_and_no_text_is_lost(pieces: list[str]) -> None:
    rendered = render("".join(pieces), "x")
    reader = read(rendered.html)
    assert reader.open == reader.faults == []
    assert rendered.plain.count("a") >= pieces.count("a\n")


def test_definitions() -> None:
    html = render("Term\n: One\n: Two\n\nOther\n\n:   Three\n\n    - four", "x").html
    assert re.findall(r"<dt>(.*?)</dt>", html) == ["Term", "Other"]
    assert html.count("<dd>") == 3
