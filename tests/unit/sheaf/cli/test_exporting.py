from hypothesis import given
from hypothesis import strategies as st

from sheaf.cli.client import Page
from sheaf.cli.exporting import clashes, document
from sheaf.rendering import source


def _is_line(text: str) -> bool:
    return text.isprintable() and text == " ".join(text.split()) != ""


titles = st.text(min_size=1, max_size=20).filter(_is_line)
openings = st.sampled_from(
    ["", "\ufeff", "---\ntitle: Old\n---\n", "---\r\nkey: [1, 2]\r\n---\r\n", "---\n---\n", "---\n"]
)
tags = st.lists(titles, max_size=3, unique=True).map(tuple)


def page(body: str, title: str = "a", tags: tuple[str, ...] = ()) -> Page:
    return Page(slug="guide/a", title=title, tags=tags, version=1, blob="", body=body)


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


@given(st.builds(str.__add__, openings, st.text()), titles, tags)
def test_a_file_gives_its_page_again(body: str, title: str, tags: tuple[str, ...]) -> None:
    original = page(body, title, tags)
    parsed = source.parse(document(original))
    assert parsed.text == source.parse(body).text
    assert parsed.tags == tags
    assert parsed.title in (title, None)


def test_names_that_differ_by_case_clash_once() -> None:
    assert clashes(["A", "a", "b", "Straße", "STRASSE"]) == {"a", "STRASSE"}
