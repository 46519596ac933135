"""Letters are the same in search where Unicode's collation sees no difference at first."""

import unicodedata
from collections import defaultdict

import pytest

from ops import folds, letters
from sheaf.search import words

pytestmark = pytest.mark.skipif(
    unicodedata.unidata_version != letters.UNICODE, reason="has newer tables of Unicode"
)
# Told apart although collation does not: see ops/folds.py.
TYPED = ("ї", "ў")
VOICED = ("\u3099", "\u309a")


def folded(text: str) -> str:
    return words.folded(unicodedata.normalize("NFC", text))


def is_typed(character: str) -> bool:
    parts = unicodedata.normalize("NFKD", character)
    return (
        character.lower() in TYPED
        or parts[-1] in VOICED
        or any(not folds.primary(each) and folds.is_typed(each) for each in parts)
    )


def collated() -> list[str]:
    return [
        letter
        for letter in folds.letters()
        if not is_typed(letter) and not folds.is_letter_above(letter)
    ]


def test_the_module_is_what_is_written() -> None:
    assert folds.TARGET.read_text(encoding="utf-8") == folds.module()
    assert folds.TARGET.stat().st_size < 12_000


def test_what_is_equal_to_collation_is_equal_in_search() -> None:
    found = defaultdict(set)
    for letter in collated():
        found[folds.primary(letter)].add(folded(letter))
    # Kurdish has ە for a vowel, Persian ۀ for ه with a sign.
    kurdish = folds.primary("ە")
    assert {key: same for key, same in found.items() if len(same) > 1} == {kurdish: {"ە", "ه"}}


def test_what_collation_tells_apart_stays_apart() -> None:
    by_hand = {weight for letter in folds.HANDWRITTEN for weight in folds.primary(letter)}
    hamza = {weight for letter in "آأؤإئ" for weight in folds.primary(letter)}
    changed = [
        letter
        for letter in collated()
        if folds.primary(folded(letter)) != folds.primary(letter)
        and not {*folds.primary(letter)} & (by_hand | hamza)
    ]
    # Another form of ⵡ to Unicode, and a letter to collation.
    assert changed == ["\u2d6f"]


def test_marks_that_are_left_out_are_left_out_everywhere() -> None:
    assert {folded(mark) for mark in folds.marks()} == {""}
