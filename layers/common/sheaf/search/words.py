"""Words: how text is taken apart for search, the same way for what is indexed and for queries.

What people do not type makes no difference: case, accents and width, so `naive` finds "Naïve", and
all else that Unicode's collation does not see at its first level, so `lodz` finds "Łódź" (see
ops/folds.py). Where no spaces stand between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese),
or endings grow on them (Korean), a run of characters is indexed as all its pairs of neighbours, and
what is looked for in it likewise.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise

from sheaf.search import folds
from sheaf.texts import composed

# What may be in a word between spaces: all below the scripts of East Asia (which begin at U+2E80)
# but Thai and Lao, Burmese, Hangul's parts, Khmer.
_SPACED = "!-\u0dff\u0f00-\u0fff\u10a0-\u10ff\u1200-\u177f\u1800-\u2e7f"
_MARKS = "\u3099\u309a" + "".join(
    chr(code)
    for code in (*range(0x0E00, 0x0F00), *range(0x1000, 0x10A0), *range(0x1780, 0x1800))
    if unicodedata.category(chr(code))[0] == "M"
)
# One character of a run: a letter and the marks on it.
CHARACTER = f"[^{_SPACED}{_MARKS} ][{_MARKS}]*"
_CHARACTER = re.compile(CHARACTER)
_PIECE = re.compile(f"(?:{CHARACTER})+|[{_SPACED}{_MARKS}]+")

_IN_WORD = re.compile(f"(?<=[{_SPACED}])")
_BEHIND_WORD, _BEHIND_RUN = re.compile(f"(?![{_SPACED}])"), re.compile(f"(?![{_MARKS}])")
# Forms of a word are no longer than their beginning and so many letters more.
_LONGEST = 20
_REST = re.compile(f"[{_SPACED}{_MARKS}]{{0,{_LONGEST}}}(?![{_SPACED}{_MARKS}])")
_PART = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
# What is before a sign is looked at behind it, as signs are found faster than letters.
_SIGN = re.compile(r"(?:#(?<=(?<![\w#+])[A-Za-z]#)|\+\+(?<=(?<![\w#+])[A-Za-z]\+\+))(?![\w#+])")
_KEY_BYTES = 1000
_ZERO_WIDTH_SPACE = "\u200b"
# With these kana stay two characters, as those of half width are.
_VOICED = re.compile("([\u3099\u309a])")


class _Folds(dict[int, str]):
    """What becomes of each character, by its number; worked out when it is first seen."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold(chr(code))
        return folded


def _fold(character: str) -> str:
    # Soft hyphens, joiners and other controls of layout are not there for people who search.
    if unicodedata.category(character) == "Cf" and character != _ZERO_WIDTH_SPACE:
        return ""
    letters = _letters(character)
    return "".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in letters)


def _letters(character: str) -> str:
    marks, others = _tables()
    # Some become what their parts would not: й has a key of its own.
    if (whole := character.casefold()) in others:
        return others[whole]
    # Casefolding may bring accents of its own.
    parts = _VOICED.split(_bare(_bare(character, marks).casefold(), marks))
    # Back to whole syllables.
    letters = "".join(unicodedata.normalize("NFC", part) for part in parts)
    return "".join(others.get(each, _digit(each)) for each in letters)


def _bare(text: str, marks: frozenset[str]) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text) if each not in marks)


def _digit(character: str) -> str:
    """A decimal digit of any script as one of ours; anything else as it is."""
    return str(unicodedata.decimal(character, character))


@cache
def _tables() -> tuple[frozenset[str], dict[str, str]]:
    """The marks that are left out, and what becomes of letters."""
    ranges = [[int(end, 16) for end in each.split("-")] for each in folds.MARKS.split()]
    marks = frozenset(chr(code) for ends in ranges for code in range(ends[0], ends[-1] + 1))
    pairs = (each.split(":") for each in folds.FOLDS.split())
    return marks, {chr(int(letter, 16)): _characters(others) for letter, others in pairs}


def _characters(codes: str) -> str:
    return "".join(chr(int(code, 16)) for code in codes.split("+") if code)


_FOLDS = _Folds()


def fold_lengths(text: str) -> Iterator[int]:
    """How many characters each of a text in composed form becomes: none, one or several."""
    return map(len, map(_FOLDS.__getitem__, map(ord, text)))


def folded(text: str) -> str:
    """A text in composed form (NFC), folded; all that belongs to no word becomes a space."""
    return text.translate(_FOLDS)


def split(text: str) -> tuple[str, ...]:
    """The words and runs of a text, folded, in their order."""
    letters = _all_letters(text)
    return tuple(_PIECE.findall(letters) if _has_runs(letters) else letters.split())


def _all_letters(text: str) -> str:
    return folded(_composed(text))


def _composed(text: str) -> str:
    # To see that it is takes less.
    return text if unicodedata.is_normalized("NFC", text) else composed(text)


def _has_runs(letters: str) -> bool:
    return not letters.isascii() and _CHARACTER.search(letters) is not None


def key(text: str) -> str:
    """By what titles and tags are compared, sorted and suggested: the words of a text, folded.

    There is one space between them. A text of signs only is itself, in lower case. A letter may
    become many, and an index takes no longer keys than this.
    """
    whole = " ".join(split(text)) or composed(text).casefold()
    return whole.encode()[:_KEY_BYTES].decode(errors="ignore")


def tag_key(name: str) -> str:
    """By what tags are compared: as titles, but c#, f# and c++ are others than c and f."""
    return name_with_sign(name) or key(name)


def terms(text: str) -> list[str]:
    """What is indexed of a text, in its order: words, pairs, and the last of each run."""
    letters = _all_letters(text)
    if not _has_runs(letters):
        return letters.split()
    pieces = _PIECE.findall(letters)
    return [term for piece in pieces for term in ((piece,) if piece.isascii() else _terms(piece))]


def spelled(text: str) -> dict[str, str]:
    """The words of a text that are not as they are folded, written in small letters, and each as it
    is folded. Not those of runs."""
    if text.isascii() or not any(map(_is_folded, set(whole := _composed(text)))):
        return {}
    # The dot of a small i that was a capital one is no letter.
    small = dict.fromkeys(_LETTERS.findall(whole.casefold().replace("i\u0307", "i")))
    pairs = ((word, folded(word)) for word in small if not word.isascii())
    return {word: plain for word, plain in pairs if plain != word and not is_run(word)}


@cache
def _is_folded(character: str) -> bool:
    is_letter = character.isalpha() and not character.isascii()
    return is_letter and _FOLDS[ord(character)] != character.casefold()


def replaced(text: str, others: Mapping[str, str]) -> str:
    """A text with others in place of some words, which are named as they are folded."""

    def change(piece: re.Match[str]) -> str:
        return others.get(folded(composed(piece[0])), piece[0])

    return _PART.sub(lambda part: _PIECE.sub(change, part[0]), text)


def queried(phrase: Sequence[str]) -> list[str]:
    """What to look for, in this order and without a gap, when a phrase was split into these.

    A single character stands for all that begin with it: a pair, or the end of a run.
    """
    *before, last = map(_terms, phrase)
    # The text may go on where the phrase ends, so its last pair need not be the last of a run.
    return [term for each in before for term in each] + (last[:-1] or last)


def is_run(piece: str) -> bool:
    """Whether it is written without spaces between words."""
    return not piece.isascii() and _CHARACTER.match(piece) is not None


def signed(text: str) -> list[str]:
    """The names in a text to which a sign belongs: c#, f#, c++; in small letters."""
    if "#" not in text and "++" not in text:
        return []
    return [text[found.start() - 1 : found.end()].lower() for found in _SIGN.finditer(text)]


def name_with_sign(text: str) -> str:
    """The one of these that a text is, and nothing else: "c#"; "" if it is none."""
    return next(iter(signed(text)), "") if len(split(text)) == 1 else ""


def _terms(piece: str) -> list[str]:
    if not is_run(piece):
        return [piece]
    characters = _CHARACTER.findall(piece)
    return [one + other for one, other in pairwise(characters)] + characters[-1:]


def pattern(phrase: Sequence[str], *, goes_on: bool = False) -> str:
    """A regular expression that finds a phrase, which was split into these, in folded text; its
    last word may go on. It may also find what is within words: see `end`.

    It has no class of all letters, which takes half a millisecond to compile.
    """
    first, last = phrase[0], phrase[-1]
    # What is before the letters is looked at behind them, as letters are found faster.
    found = first if is_run(first) else f"{first}(?<![a-z0-9]{first})"
    for before, piece in pairwise(phrase):
        found += (" *" if is_run(before) or is_run(piece) else " +") + piece
    return found if goes_on or is_run(last) else f"{found}(?![a-z0-9])"


def end(
    text: str, start: int, stop: int, phrase: Sequence[str], *, goes_on: bool = False
) -> int | None:
    """Where a phrase ends that its `pattern` has found in folded text from `start` to `stop`; None
    if it is within words, or goes on for too long."""
    if _IN_WORD.match(text, start) and not is_run(phrase[0]):
        return None
    after = _REST if goes_on else _BEHIND_RUN if is_run(phrase[-1]) else _BEHIND_WORD
    found = after.match(text, stop)
    return found.end() if found else None
