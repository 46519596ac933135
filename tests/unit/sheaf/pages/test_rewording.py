import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.pages.rewording import Piece, Rewording

_words = st.sampled_from(["tea", "milk", "three", "minutes", "茶", "", " ", "."])
texts = st.lists(st.lists(_words, max_size=5).map(" ".join), max_size=12)


def rows(old: str, new: str, rewording: Rewording | None = None) -> list[tuple[str, str]]:
    """Each row as it would be told: what is marked stands in brackets."""
    found = (rewording or Rewording()).rows(old.split("\n"), new.split("\n"))
    return [(marked(row.old), marked(row.new)) for row in found]


def marked(pieces: Sequence[Piece]) -> str:
    return "".join(f"[{text}]" if changed else text for changed, text in pieces)


def test_words_are_marked_within_lines() -> None:
    assert rows("Three minutes, with milk.", "Four minutes, without milk.") == [
        ("[Three] minutes, [with] milk.", "[Four] minutes, [without] milk.")
    ]
    assert rows("one two three, not more", "one 2 3, not more") == [
        ("one [two three], not more", "one [2 3], not more")
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("今日は天気が[良]いです。", "今日は天気が[悪]いです。"),
        ("ส[วั]สดี", "ส[มั]สดี"),  # a letter with its mark
        ("पानी [गरम] है आज", "पानी [ठंडा] है आज"),
        ("مرحبا [بكم] في البيت", "مرحبا [بك] في البيت"),
        ("a naïve [idea], it was", "a naïve [plan], it was"),
    ],
)
def test_words_of_any_script_are_words(old: str, new: str) -> None:
    plain = [re.sub(r"[\[\]]", "", text) for text in (old, new)]
    assert rows(plain[0], plain[1]) == [(old, new)]


def test_lines_that_have_little_in_common_are_others() -> None:
    assert rows("a green tea", "the black coffee") == [("[a green tea]", "[the black coffee]")]


@given(texts, texts)
def test_each_line_is_there_once_and_in_order(old: list[str], new: list[str]) -> None:
    found = list(Rewording().rows(old, new))
    for side, lines in ((0, old), (1, new)):
        told = [pieces for row in found if (pieces := (row.old, row.new)[side])]
        texts = ["".join(piece.text for piece in pieces) for pieces in told]
        assert [line for text in texts for line in text.split("\n")] == lines


def test_what_would_cost_too_much_is_shown_as_lines() -> None:
    rewording = Rewording()
    large = ["".join(f"{word}{number} " for number in range(9000)) for word in "ab"]
    assert rows(large[0], large[1], rewording) == [(f"[{large[0]}]", f"[{large[1]}]")]
    assert rows("a tea, green", "a tea, black", rewording) == [("a tea, [green]", "a tea, [black]")]


def test_all_changes_together_have_a_bound() -> None:
    rewording, each = Rewording(), ("a tea, green " + "x" * 50_000, "a tea, black " + "x" * 50_000)
    found = [rows(each[0], each[1], rewording)[0][0].startswith("[") for _ in range(20)]
    assert (found[0], found[-1]) == (False, True)
    assert found == sorted(found)
