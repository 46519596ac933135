"""Slips: what somebody may have meant who typed a word that no page has.

Words of titles and headings are compared. PostgreSQL finds those that share three letters in a row
(pg_trgm), and of short words those that begin alike; the nearest by letters that are missing, too
many, wrong or swapped is taken, of several the one that most pages have.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Integer, Select, func, literal_column, or_, select

from sheaf.database.tables import word_counts

# From so many letters on, one slip is allowed, and two.
_ONE, _TWO = 3, 7
# Shorter words have too few letters in a row.
_LONG = 6
_LOOKED_AT = 3000
# How much of the letters in a row two words share at least: `similarity` of pg_trgm.
LEAST_SIMILARITY = 0.2


def like(word: str, snapshot: int) -> Select[Any]:
    """The words of titles that may have been meant, and how many pages have each."""
    counted = word_counts.c
    if len(word) < _LONG:
        # By the first letter, or the second where the first is missing or swapped.
        alike = or_(*(counted.word.startswith(each) for each in sorted({*word[:2]})))
    else:
        alike = counted.word.op("%")(word)
    length = func.length(counted.word)
    return (
        select(counted.word, counted.pages)
        .where(counted.snapshot == snapshot, counted.is_name, alike)
        .where(length.between(len(word) - 2, len(word) + 2))
        .limit(literal_column(str(_LOOKED_AT), Integer))
    )


def nearest(word: str, known: Iterable[tuple[str, int]]) -> str | None:
    """Which of the known words was meant; None if none is near enough."""
    allowed = (len(word) >= _ONE) + (len(word) >= _TWO)
    near = [
        (distance, -pages, other)
        for other, pages in known
        if 0 < (distance := slips(word, other)) <= allowed
    ]
    return min(near)[2] if near else None


def slips(one: str, other: str) -> int:
    """How many letters are missing, too many, wrong or swapped with their neighbour.

    (The optimal string alignment distance: Damerau, 1964.)
    """
    before, last = list[int](), list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, theirs in enumerate(other, 1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (letter != theirs))
            if row > 1 and column > 1 and (letter, theirs) == (other[column - 2], one[row - 2]):
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, last = last, line
    return last[-1]
