"""Slips: what somebody may have meant who typed a word that no page has.

Words of titles and headings are compared. PostgreSQL finds those that share three letters in a row
(pg_trgm), and of short words those that begin alike; the nearest by letters that are missing, too
many, wrong or swapped is taken, of several the one that most pages have.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Integer, Select, func, literal_column, or_, select

from sheaf.database.tables import begins_with, word_counts
from sheaf.search.words import is_run

# From so many letters on, one slip is allowed, and two.
_ONE, _TWO = 3, 7
# Shorter words have too few letters in a row.
_LONG = 6
_LOOKED_AT = 3000


def nearest(home: Connection, word: str, snapshot: int) -> str | None:
    """Which word of titles was meant; None if none is near enough."""
    if not _allowed(word):
        return None
    return _nearest(word, ((row[0], row[1]) for row in home.execute(_like(word, snapshot))))


def _like(word: str, snapshot: int) -> Select[Any]:
    counted = word_counts.c
    if len(word) < _LONG:
        # By the first letter, or the second where the first is missing or swapped.
        alike = or_(*(begins_with(counted.word, first) for first in sorted({*word[:2]})))
    else:
        alike = counted.word.op("%")(word)
    shortest, longest = len(word) - _allowed(word), len(word) + _allowed(word)
    return (
        select(counted.word, counted.pages)
        .where(counted.snapshot == snapshot, counted.is_name, alike)
        .where(func.length(counted.word).between(shortest, longest))
        .limit(literal_column(str(_LOOKED_AT), Integer))
    )


def _allowed(word: str) -> int:
    # In a run a character is more than a letter.
    return 0 if is_run(word) else (len(word) >= _ONE) + (len(word) >= _TWO)


def _nearest(word: str, known: Iterable[tuple[str, int]]) -> str | None:
    allowed, letters = _allowed(word), {*word}
    near = [
        (distance, -pages, other)
        for other, pages in known
        # A slip makes a difference of two letters at most.
        if len(letters.symmetric_difference(other)) <= 2 * allowed
        and 0 < (distance := slips(word, other)) <= allowed
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
