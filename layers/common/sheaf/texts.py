"""Texts at the door: names of things in one spelling and on one line, whoever wrote them.

None of it depends on how new the interpreter's Unicode tables are: what they do not know yet
passes as it is.
"""

import re
import unicodedata
from itertools import groupby

# White space of any script, breaks of lines, and controls (C0, C1). Each run is one blank.
_BLANKS = re.compile(
    "[\0- \x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+",
)
# What would turn the text around that stands behind it, and the mark at the beginning of files.
_REMOVED = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")
# Default_Ignorable_Code_Point, in the syntax of a character class. Nobody sees these alone; joiners
# (ZWNJ, ZWJ), marks of direction (LRM, RLM) and soft hyphens are among them.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_VISIBLE = re.compile(f"[^{INVISIBLE} ]")
# Marks belong to no word by themselves: a run that is longer than any that is written.
_LONG_RUN = re.compile(r"[^\w\s\x00-\x7f]{32,}")
# A language tag as RFC 5646 has it; people write pt_BR as well. Of two letters there are these
# languages in IANA's registry, of three there are thousands.
_OF_TWO = (
    "a[abefkmnrsvyz]|b[aeghimnors]|c[aehorsuvy]|d[aevz]|e[elnostu]|f[afijory]|g[adlnuv]"
    "|h[aeiortuyz]|i[adegikostu]|j[av]|k[agijklmnorsuvwy]|l[abginotuv]|m[ghiklnrsty]"
    "|n[abdeglnorvy]|o[cjmrs]|p[ailst]|q[u]|r[mnouw]|s[acdeghiklmnoqrstuvw]"
    "|t[aeghiklnorstwy]|u[gkrz]|v[eio]|w[ao]|x[h]|y[io]|z[ahu]"
)
_LANG = re.compile(rf"(?:{_OF_TWO}|[a-z]{{3}})(?:[-_][a-z0-9]{{1,8}})*", re.ASCII | re.IGNORECASE)
# What RFC 5646 (4.4.1) has room for at least.
_MAX_LANG = 35


def line(text: str, longest: int | None = None) -> str:
    """A text as one line in composed form (NFC), of at most `longest` code points.

    White space, breaks of lines and controls become single blanks, with none at either end. Marks
    of direction that reach beyond themselves (embeddings, overrides, isolates) are left out. A line
    without anything to be seen is "".

    >>> line(" Cafe\\u0301\\u00a0 au\\nlait ")
    'Café au lait'
    """
    spaced = _BLANKS.sub(" ", _REMOVED.sub("", text)).strip(" ")
    whole = composed(spaced)[:longest].rstrip(" ")
    return whole if _VISIBLE.search(whole) else ""


def language(written: str) -> str | None:
    """The tag of a language, as HTML has it; None of what is no tag, such as a country's.

    >>> language("pt_BR"), language("Portuguese"), language("jp")
    ('pt-BR', None, None)
    """
    is_tag = len(written) <= _MAX_LANG and _LANG.fullmatch(written)
    return written.replace("_", "-") if is_tag else None


def composed(text: str) -> str:
    """A text in Unicode's composed form, NFC, in a time that grows as its length does.

    By itself `unicodedata` takes minutes to order some hundred thousand marks in a row. Callers on
    busy paths may ask it first whether there is anything to do.
    """
    return unicodedata.normalize("NFC", _LONG_RUN.sub(_ordered, text))


def _ordered(run: re.Match[str]) -> str:
    """The marks of a run in canonical order, decomposed: nothing is left to be moved."""
    apart = "".join(unicodedata.normalize("NFD", character) for character in run[0])
    parts = groupby(apart, key=lambda character: unicodedata.combining(character) > 0)
    return "".join(
        "".join(sorted(part, key=unicodedata.combining) if are_marks else part)
        for are_marks, part in parts
    )
