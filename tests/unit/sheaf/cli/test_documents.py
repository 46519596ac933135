from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf import texts
from sheaf.cli.client import Page
from sheaf.cli.documents import document
from sheaf.rendering import source
from sheaf.rendering.front_matter import Unreadable
from tests.unit.sheaf.cli import sides_of

titles = st.text(min_size=1, max_size=20).map(texts.line).filter(bool)
OPENINGS = [
    "",
    "\ufeff",
    "---\ntitle: Old\n---\n",
    "---\r\nkey: [1, 2]\r\n---\r\n",
    "---\n---\n",
    "---\n",
]
OPENINGS += [
    '+++\ntitle = "Old"\nn = 3.10\n+++\n',
    '{"title": "Old", "n": [3.10]}\n\n',
    '{"a": 1}\n',
]
OPENINGS += ["---\na: *b\n---\n", "---\ntitle: Old: older\n---\n", "+++\na = b\n+++\n"]
openings = st.sampled_from(OPENINGS)
tags = st.lists(titles, max_size=3, unique=True).map(tuple)


def page(body: str, title: str = "a", tags: tuple[str, ...] = ()) -> Page:
    item = sides_of.page("guide/a", of="1")
    named = {field.name: getattr(item, field.name) for field in fields(item)}
    return Page(**{**named, "title": title, "tags": tags, "blob": "", "body": body})


def test_a_body_that_says_everything_is_the_file() -> None:
    for body, title in [
        ("No heading\n", "a"),
        ("Text\r\n\r\n# The *heading*\r\n", "The heading"),
        ("\ufeff---\ntitle: Mine\n---\n# Other\n", "Mine"),
        ("", "a"),
    ]:
        assert document(page(body, title)) == body


def test_a_title_set_apart_goes_into_the_front_matter_there_is() -> None:
    file = document(page("---\ntitle: Old\nlayout: wide\n---\n# Text\n", "New", ("x",)))
    assert file == "---\ntitle: New\nlayout: wide\ntags:\n- x\n---\n# Text\n"


def test_letters_of_any_script_stay_readable() -> None:
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert (
        document(page("x", persian, ("👨\u200d👩",)))
        == f"---\ntitle: {persian}\ntags:\n- 👨\u200d👩\n---\nx"
    )


def test_other_formats_become_yaml() -> None:
    file = document(page('+++\nversion = 3.10\n[a]\nb = ["no"]\n+++\n# Text\n', "New"))
    assert file == "---\nversion: '3.10'\na:\n  b:\n  - 'no'\ntitle: New\ntags: []\n---\n# Text\n"


@pytest.mark.parametrize(
    "title", ["Install: the basics", "3.10", "no", "- x", "# y", "'", '"', '"a" b', "😀", "a: 'b"]
)
def test_a_title_that_yaml_reads_otherwise(title: str) -> None:
    file = document(page("Text\n", title, (title,)))
    assert source.parse(file).metadata.title == title
    assert source.parse(file).metadata.tags == (title,)


def test_what_is_no_front_matter_is_kept_as_text() -> None:
    body = "---\ntitle: [\n---\nText\n"
    file = document(page(body, "New"))
    assert file.endswith(body)
    assert (source.parse(file).metadata.title, source.parse(file).text) == ("New", body)


@given(st.builds(str.__add__, openings, st.text()), titles, tags)
def test_a_file_gives_its_page_again(body: str, title: str, tags: tuple[str, ...]) -> None:
    original = page(body, title, tags)
    parsed = source.parse(document(original))
    assert parsed.text == source.parse(body).text
    assert parsed.metadata.tags == tags
    assert parsed.metadata.title in (title, None)


def test_front_matter_that_would_be_too_long() -> None:
    body = f"---\nnote: {'a' * 8000}\n---\nText\n"
    with pytest.raises(Unreadable, match="longer than 8,192 characters"):
        document(page(body, "New title" * 20))
