import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.search import slips

LETTERS = st.text("abcé部", max_size=8)


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ("tea", "tea", 0),
        ("te", "tea", 1),
        ("teaa", "tea", 1),
        ("tee", "tea", 1),
        ("tae", "tea", 1),
        ("", "tea", 3),
        ("kuberentes", "kubernetes", 1),
        ("instalation", "installation", 1),
        ("recieve", "receive", 1),
        ("tea", "coffee", 5),
    ],
)
def test_slips_are_counted(one: str, other: str, count: int) -> None:
    assert slips.slips(one, other) == slips.slips(other, one) == count


@given(LETTERS, LETTERS)
def test_they_are_between_nothing_and_all_letters(one: str, other: str) -> None:
    count = slips.slips(one, other)
    assert (count == 0) == (one == other)
    assert abs(len(one) - len(other)) <= count <= max(len(one), len(other))
    assert count == slips.slips(other, one)


@given(LETTERS, st.data())
def test_one_slip_is_one(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    assert slips.slips(text, f"{text[:place]}x{text[place:]}") == 1
    if place + 1 < len(text):
        swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        assert slips.slips(text, swapped) == (text[place] != text[place + 1])


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("tae", {"tea": 1}, "tea"),
        ("tae", {"tea": 5, "tee": 9, "tar": 9}, "tar"),
        ("tae", {"coffee": 1}, None),
        ("te", {"tea": 1}, None),
        ("t", {"a": 1}, None),
        ("instlaaltion", {"installation": 1}, "installation"),
        ("installashun", {"installation": 1}, None),
        ("green", {"grean": 1, "greet": 3}, "greet"),
        ("tea", {"tea": 1}, None),
        ("tea", {}, None),
    ],
)
def test_the_nearest_is_meant(word: str, known: dict[str, int], meant: str | None) -> None:
    assert slips._nearest(word, known.items()) == meant


def test_fewer_slips_count_before_more_pages() -> None:
    assert slips._nearest("kuberentes", [("kubernates", 100), ("kubernetes", 1)]) == "kubernetes"
