"""Writes what becomes of letters in search, once for all interpreters: `python -m ops.folds`.

Letters and marks are the same where Unicode's collation (UTS #10, its default table, as pyuca has
it) sees no difference at its first level. Most of that Python's own tables tell; this is the rest,
and what collation leaves to languages. What people do type makes a difference nevertheless:

- the letters ї and ў, as й does in collation too, and voiced kana: パ and バ are no ハ to readers;
- marks that stand for sounds in scripts of South and Southeast Asia, where collation leaves them to
  its second level, such as tones in Thai and the anusvara in Hindi.

Letters that stand above others in old writing are left out as accents are, and not spelt out.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from pyuca.collator import Collator_10_0_0

import sheaf
from ops.letters import UNICODE, constants, ranges
from sheaf import texts

TARGET = Path(sheaf.__file__).parent / "search" / "folds.py"
_HEAD = f'''"""What becomes of letters in search. Written by ops/folds.py.

As code points, of Unicode {UNICODE}: the marks that make no difference, in ranges; and the letters
that are the same as others, each with these, where neither their decomposition nor their lower case
says so.
"""
'''
# What collation tells apart at its first level, or leaves to languages, and people do not type.
HANDWRITTEN = {"ı": "i", "ŋ": "n", "þ": "th"} | {
    "ٱ": "ا",
    "ة": "ه",
    "ۀ": "ه",
    "ى": "ي",
    "ی": "ي",
    "ک": "ك",
}
# What people tell apart, whatever becomes of the mark in it.
TYPED_LETTERS = "йїў"
# Canonical combining classes of marks that are typed: none, viramas, and those of one script each.
_TYPED_CLASSES = {0, 8, 9, *range(84, 133)}
_TYPED_MARKS = "\u1037"  # a tone in Burmese, though in the class of dots that are left out
_INVISIBLE = re.compile(f"[{texts.INVISIBLE}]")
_IMPLICIT = 0xFB00  # and above: weights that are made of code points, of what the table has not
_COLLATOR = Collator_10_0_0()


@cache
def primary(text: str) -> tuple[int, ...]:
    """What collation compares a text by, at its first level."""
    weights: tuple[int, ...] = _COLLATOR.sort_key(text)
    return weights[: weights.index(0)]


def letters(categories: str = "LM") -> Iterator[str]:
    """The characters of these categories that collation's table has.

    Raises RuntimeError with other tables of Unicode than those meant.
    """
    if unicodedata.unidata_version != UNICODE:
        raise RuntimeError(f"this interpreter has Unicode {unicodedata.unidata_version}")
    for character in map(chr, range(0x80, 0x110000)):
        if unicodedata.category(character)[0] in categories and _is_known(character):
            yield character


def _is_known(character: str) -> bool:
    return max(primary(character), default=0) < _IMPLICIT


def is_typed(mark: str) -> bool:
    """Whether a mark stays although collation sees no difference at its first level."""
    if unicodedata.category(mark) == "Me" or _INVISIBLE.match(mark):
        return False
    return unicodedata.combining(mark) in _TYPED_CLASSES or mark in _TYPED_MARKS


def is_letter_above(mark: str) -> bool:
    """Whether a mark is a letter that stands above another, such as the e of the first umlauts."""
    is_combining = unicodedata.name(mark, "").startswith("COMBINING")
    return is_combining and unicodedata.category(mark) == "Mn" and bool(primary(mark))


@cache
def marks() -> frozenset[str]:
    """What is left out of texts: marks that make no difference, and the Arabic tatweel."""
    every = filter(lambda each: unicodedata.category(each)[0] == "M", map(chr, range(0x110000)))
    left_out = {mark for mark in every if _makes_no_difference(mark) and not is_typed(mark)}
    return frozenset(left_out | {each for each in letters("L") if _is_bare_mark(each)})


def _makes_no_difference(mark: str) -> bool:
    return not primary(mark) or is_letter_above(mark) or not _is_known(mark)


def _is_bare_mark(letter: str) -> bool:
    return not primary(letter) and unicodedata.normalize("NFKD", letter) == letter


@cache
def folds() -> dict[str, str]:
    """What else becomes of characters: of themselves, or of what they are decomposed into."""
    found = {letter: letter for letter in TYPED_LETTERS} | HANDWRITTEN
    spelt = _spelling()
    for letter in sorted(set(letters()) - marks(), key=lambda each: (plain(each) != each, each)):
        whole, weights = letter.casefold(), primary(letter)
        if whole in found or _has_typed_mark(letter) or not spelt.keys() >= set(weights):
            continue
        meant = _folded("".join(spelt[weight] for weight in weights), found)
        if meant != _folded(plain(letter), found):
            found[whole] = meant
    return found


def _folded(text: str, known: dict[str, str]) -> str:
    return unicodedata.normalize("NFC", "".join(known.get(each, each) for each in text))


def plain(character: str) -> str:
    """What a character becomes by Python's tables and without marks."""
    return unicodedata.normalize("NFC", _bare(_bare(character).casefold()))


def _bare(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text) if each not in marks())


def _has_typed_mark(letter: str) -> bool:
    parts = unicodedata.normalize("NFKD", letter)
    return any(not primary(each) and each not in marks() for each in parts)


def _spelling() -> dict[int, str]:
    """For each weight of the first level the letter that most characters are by themselves."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for character in letters("LMS"):
        weights, letter = primary(character), plain(character)
        if weights == primary(letter) and len(letter) == len(weights) == 1 and _is_spelt(letter):
            found[weights[0]][letter] += 1
    return {weight: min(counts, key=_rank(counts)) for weight, counts in found.items()}


def _is_spelt(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LM" and not _has_typed_mark(letter)


# Of two that as many are, the one that collation has first.
def _rank(counts: Counter[str]) -> Callable[[str], tuple[int, tuple[int, ...]]]:
    return lambda letter: (-counts[letter], _COLLATOR.sort_key(letter))


def module() -> str:
    """The text of the module."""
    pairs = (f"{ord(each):x}:{_codes(other)}" for each, other in sorted(folds().items()))
    return constants(_HEAD, {"MARKS": ranges(map(ord, sorted(marks()))), "FOLDS": pairs})


def _codes(text: str) -> str:
    return "+".join(f"{ord(each):x}" for each in text)


if __name__ == "__main__":
    TARGET.write_text(module(), encoding="utf-8")
