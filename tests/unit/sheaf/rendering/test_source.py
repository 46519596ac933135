import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering.metadata import MAX_TAG, MAX_TITLE
from sheaf.rendering.source import Source, SourceWarning, names, parse


@pytest.mark.parametrize(
    ("body", "title", "tags", "text"),
    [
        ("plain", None, (), "plain"),
        ("---\ntitle: T\n---\ntext", "T", (), "text"),
        ("---\r\ntitle: T\r\ntags: a, b ,a\r\n---\r\ntext", "T", ("a", "b"), "text"),
        ("\ufeff---\ntitle: T\n---\n", "T", (), ""),
        ("\ufefftext", None, (), "text"),
        ("---\ntitle: 3.10\ntags: [no, 012]\n---\n", "3.10", ("no", "012"), ""),
        ("---\ntitle: Install: the basics\n---\n", "Install: the basics", (), ""),
        ('---\ntitle: "a\\0 \\uD800b\\u202e"\ntags: ["\\0", c]\n---\n', "a b", ("c",), ""),
        ("---\ntitle:\ntags:\n---\n", None, (), ""),
        ("---\n---\ntext", None, (), "text"),
        ("---\na rule, not front matter", None, (), "---\na rule, not front matter"),
        ("text\n---\ntitle: T\n---\n", None, (), "text\n---\ntitle: T\n---\n"),
        ("---\ntitle: T\n---", "T", (), ""),
        ('+++\ntitle = "T"\ntags = ["a", 1]\n+++\ntext', "T", ("a", "1"), "text"),
        ('\ufeff{"title": "T", "tags": "a,b"}\n\ntext', "T", ("a", "b"), "text"),
        ("{{toc}}\n\ntext", None, (), "{{toc}}\n\ntext"),
    ],
)
def test_parse(body: str, title: str | None, tags: tuple[str, ...], text: str) -> None:
    parsed = parse(body)
    said = parsed.metadata
    assert (said.title, said.tags, parsed.text, parsed.warnings) == (title, tags, text, ())


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("---\n- a\n---\ntext", 2),
        ("---\na: b\n: : bad\n---\ntext", 3),
        ("---\ntitle: *a\n---\ntext", 2),
        ("+++\ntitle = T\n+++\ntext", 2),
        ('{"title": "T"}\ntext', 1),
        (f"---\ntitle: {'a' * 9000}\n---\ntext", 1),
    ],
)
def test_what_is_not_read_stays_text_and_is_told(body: str, line: int) -> None:
    for text in (body, body.replace("\n", "\r\n")):
        parsed = parse(text)
        assert parsed == Source(text, warnings=parsed.warnings)
        (warning,) = parsed.warnings
        assert warning.line == line
        assert warning.reason.startswith("This is not front matter and stays text: ")


def test_a_warning_says_why() -> None:
    assert parse("---\na: 1\na: 2\n---\n").warnings == (
        SourceWarning(3, "This is not front matter and stays text: the key a is there twice."),
    )


@given(
    st.sampled_from(["---\n", "+++\n", "{", "\ufeff---\r\n"]),
    st.text(alphabet="-+\r\n: [a]{}!&*'\"#=.\ufefft", max_size=60),
)
def test_no_text_breaks_it(opening: str, body: str) -> None:
    whole = opening + body
    parsed = parse(whole)
    assert whole.endswith(parsed.text)
    if parsed.warnings:
        assert parsed.text == whole.removeprefix("\ufeff")


@pytest.mark.parametrize("tags", ["[Install: the basics, b]", "\n- Install: the basics\n- b"])
def test_a_tag_may_have_a_colon(tags: str) -> None:
    parts = parse(f"---\ntags: {tags}\n---\n")
    assert (parts.metadata.tags, parts.warnings) == (("Install: the basics", "b"), ())


@pytest.mark.parametrize(
    ("block", "line", "reason"),
    [
        ("---\na: b\ntitle: [a, b]\n---\n", 3, "The title is no text"),
        ("---\ntags: {a: b}\n---\n", 2, "The tags are no list"),
        ("---\ntags: [a, [b]]\n---\n", 2, "A tag that is no text"),
        ('{"a": "b",\n "tags": [{}]}\n\n', 2, "A tag that is no text"),
        ("+++\n[title]\na = 1\n+++\n", 1, "The title is no text"),
        ("---\ntitle: Tea\n\nText\n", 1, "no line of --- or +++ ends it"),
        ("+++\ntitle = 'Tea'\n\nText\n", 1, "no line of --- or +++ ends it"),
    ],
)
def test_what_has_no_effect_is_told(block: str, line: int, reason: str) -> None:
    (warning,) = parse(block + "text").warnings
    assert warning.line == line
    assert reason in warning.reason


def test_names_of_before_are_brought_to_their_one_spelling() -> None:
    title, tags = names(" Cafe\u0301\n", ["a\u00a0b", "\u202e", "c", "a b"])
    assert (title, tags) == ("Café", ["a b", "c"])
    assert names("\u200b", []) == ("", [])


@given(st.text(), st.lists(st.text()))
def test_names_of_today_stay_as_they_are(title: str, tags: list[str]) -> None:
    spelled = names(title, tags)
    assert names(*spelled) == spelled
    assert len(spelled[0]) <= MAX_TITLE
    assert all(0 < len(tag) <= MAX_TAG for tag in spelled[1])
