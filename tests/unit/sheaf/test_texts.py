"""Names are taken at several doors, and come out of each of them in one spelling."""

import random
import re
import time
import unicodedata

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from sheaf import texts
from sheaf.pages import editing
from sheaf.pages.users import is_handle
from sheaf.rendering import source
from sheaf.rendering.metadata import MAX_TITLE
from sheaf.rendering.source import Heading, Source
from sheaf.search import words
from writes.inputs import PageInput

SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2009\u2028\u2029\u202f\u205f\u3000"
JOINERS = "\u200c\u200d\u200e\u200f\u00ad\u200b\u2060\ufe0f"
TURNED = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
PIECES = [
    *SPACES,
    *JOINERS,
    *TURNED,
    *"\0\x07\x1b\x7f\x9b",
    "a",
    "é",
    "e\u0301",
    "名",
    "가",
    "\u1100\u1161",
]
PIECES += [
    "\u0915\u093c",
    "\u0344",
    "\u0f73",
    "\u212b",
    "👨\u200d👩",
    "🫨",
    "\U0001fadf",
    "\u0378",
    "#",
]
names = st.lists(st.sampled_from(PIECES) | st.characters(codec="utf-8"), max_size=40).map("".join)
CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a  b", "a b"),
        (" Corrigé\u00a0!\u3000", "Corrigé !"),
        ("two\nlines\r\nand\u2028more", "two lines and more"),
        ("a\x07\x1b[31mred", "a [31mred"),
        ("a\u202etxt.exe", "atxt.exe"),
        ("\u2067a\u2069b", "ab"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("\u200fאבג\u200e", "\u200fאבג\u200e"),
        ("co\u00adoperate", "co\u00adoperate"),
        ("cafe\u0301", "café"),
        ("🫨\U0001fadf", "🫨\U0001fadf"),  # of Unicode 15 and 16
        ("\u0378", "\u0378"),  # of none so far
        ("\u200b\u2060 \u3164", ""),
    ],
)
def test_lines(text: str, expected: str) -> None:
    assert texts.line(text) == expected


@given(names, st.integers(1, 50))
def test_a_line_is_one_for_good(text: str, longest: int) -> None:
    found = texts.line(text, longest)
    assert texts.line(found, longest) == texts.line(found) == found
    assert unicodedata.is_normalized("NFC", found)
    assert not CONTROLS.search(found)
    assert found == " ".join(found.split(" "))
    assert len(found) <= longest
    assert texts.line(unicodedata.normalize("NFD", text), longest) == found


@given(names)
@example("a\0b")
def test_the_api_front_matter_and_headings_give_one_title(text: str) -> None:
    title = texts.line(text, MAX_TITLE)
    quoted = yaml.safe_dump(text, default_style='"', width=10**6).removesuffix("\n")
    said = source.parse(f"---\ntitle: {quoted}\ntags: [{quoted}]\n---\n").metadata
    assert said.title == (title or None)
    assert source.title(Source(""), Heading(text, 2), "a/b").text == (title or "b")
    if title:
        sent = PageInput(body="x", title=text, tags=[text, title], comment=text)
        assert (sent.title, sent.tags, sent.comment) == (title, [title, title], title)
        assert editing.compose("a/b", "x", sent.title, sent.tags).tags == (title,)


@pytest.mark.parametrize("text", ["a\x07\x1b[31mred", "a\u202etxt.exe", "Cafe\u0301\u00a0 au"])
def test_a_title_from_a_heading_is_clean(text: str) -> None:
    assert editing.compose("home", f"# {text}").title == texts.line(text)


@given(names)
def test_a_name_is_found_by_the_same_words_in_either_spelling(text: str) -> None:
    if texts.line(text):
        assert words.split(texts.line(text)) == words.split(text)


MARKS = [chr(code) for code in range(0x110000) if unicodedata.combining(chr(code))]
MARKS += ["\u0344", "\u0f73", "\u0f75", "\u0f81", "e", "ế", "가", "\u1161", "👩", " "]


@given(st.randoms(use_true_random=False), st.integers(0, 200))
def test_composed_is_nfc_whatever_the_order_of_marks(order: random.Random, length: int) -> None:
    text = "".join(order.choices(MARKS, k=length))
    assert texts.composed(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("mark", ["\u0301\u0316", "\u0f73", "\u05b0\u0591", "👩"])
def test_it_takes_no_time_that_grows_faster_than_the_text(mark: str) -> None:
    """By itself Python takes two minutes of processor time to order the marks of such a text."""
    text = "a" + mark * (400_000 // len(mark))
    begun = time.process_time()
    texts.line(text)
    words.terms(text)
    assert time.process_time() - begun < 15


def test_handles_have_one_spelling_as_they_are() -> None:
    """They are of ASCII, and nothing else ever becomes that."""
    for code in (*range(0x80, 0xD800), *range(0xE000, 0x110000)):
        assert not is_handle(unicodedata.normalize("NFC", chr(code)))
        assert not is_handle("a" + unicodedata.normalize("NFC", chr(code)))
