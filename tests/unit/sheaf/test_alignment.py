import random
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf import alignment
from sheaf.alignment import Match, matches

# Few kinds of lines: much can be aligned with much.
_TEXTS = st.lists(st.sampled_from("abc"), max_size=12)


def _longest(old: Sequence[str], new: Sequence[str]) -> int:
    """The length of the longest common sequence, by the table that everybody knows."""
    row = [0] * (len(new) + 1)
    for line in old:
        above, row = row, [0]
        for j, other in enumerate(new):
            row.append(above[j] + 1 if line == other else max(above[j + 1], row[j]))
    return row[-1]


@given(_TEXTS, _TEXTS)
def test_as_many_lines_as_can_be_are_aligned(old: list[str], new: list[str]) -> None:
    found = matches(old, new)
    assert sum(match.size for match in found) == _longest(old, new)


@given(_TEXTS, _TEXTS)
def test_matches_are_equal_in_order_and_as_long_as_they_go(old: list[str], new: list[str]) -> None:
    found = matches(old, new)
    for match in found:
        assert match.size > 0
        assert old[match.old :][: match.size] == new[match.new :][: match.size]
    for match, later in pairwise(found):
        end, new_end = match.old + match.size, match.new + match.size
        assert (later.old, later.new) != (end, new_end)
        assert later.old >= end
        assert later.new >= new_end


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ("abc", "", []),
        ("abc", "abc", [Match(0, 0, 3)]),
        # Which of equal lines is new: the last one.
        ("aa", "aaa", [Match(0, 0, 2)]),
        ("xabab", "xabcabab", [Match(0, 0, 3), Match(3, 6, 2)]),
        # What is left over on both sides stands together.
        ("abab", "abxab", [Match(0, 0, 2), Match(2, 3, 2)]),
    ],
)
def test_what_is_left_over_is_as_far_down_as_it_goes(
    old: str, new: str, expected: list[Match]
) -> None:
    assert matches(old, new) == expected


def _shuffled(lines: list[str]) -> list[str]:
    return random.Random(1).sample(lines, len(lines))


_MANY = [str(number) for number in range(30_000)]
_CHANCE = random.Random(2)
_FAMILIES: dict[str, tuple[list[str], list[str]]] = {
    "all equal": (["a"] * 100_000, ["a"] * 90_000),
    "two kinds": (_CHANCE.choices("ab", k=100_000), _CHANCE.choices("ab", k=100_000)),
    "in another order": (_MANY, _shuffled(_MANY)),
    "turned around": (_MANY, _MANY[::-1]),
    "halves": (_MANY, _MANY[15_000:] + _MANY[:15_000]),
    "another period": (list("abcde") * 20_000, list("abced") * 20_000),
    "runs": ((["a"] * 999 + ["b"]) * 100, (["a"] * 998 + ["b"]) * 100),
    "every other": (["a"] * 100_000, ["a", "b"] * 50_000),
    "one line moves far": (["b"] + ["a"] * 100_000, ["a"] * 100_000 + ["b"]),
}


@pytest.mark.parametrize("family", _FAMILIES)
def test_work_is_bounded(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps are counted, not seconds: a hundredth of what may be done is a hundredth of it."""
    old, new = _FAMILIES[family]
    assert _seconds(lambda: matches(old, new)) < 20  # it is one; a busy machine fails none
    monkeypatch.setattr(alignment, "_STEPS", 100)
    monkeypatch.setattr(alignment, "_MOVES", 100)
    found = matches(old, new)
    assert all(old[m.old : m.old + m.size] == new[m.new : m.new + m.size] for m in found)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def test_where_texts_are_far_apart_their_rare_lines_are_aligned() -> None:
    chance = random.Random(3)
    common = [f"heading {number}" for number in range(500)]
    old, new = ([*common], [*common])
    for text in (old, new):
        for _ in range(5_000):
            text.insert(chance.randrange(len(text)), chance.choice("abcdefgh"))
    aligned = {old[m.old + n] for m in matches(old, new) for n in range(m.size)}
    assert aligned >= set(common)


def test_of_very_many_lines_the_ends_are_aligned() -> None:
    lines = ["a"] * 100_000
    assert matches(["b", *lines], ["c", *lines]) == [Match(1, 1, 100_000)]
    assert matches([*lines, "b"], [*lines, "c", "c"]) == [Match(0, 0, 100_000)]
