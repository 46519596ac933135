"""Alignment: which lines of two texts are the same ones, as people and git see it.

The fewest lines are left over that are on one side only, by E. W. Myers, "An O(ND) Difference
Algorithm and Its Variations", Algorithmica 1 (1986), in linear space. Of all ways to have so few,
what is left over stands as far down as it can, next to what the other side has there: so git does
it, and so two changes are apart for both or for neither (see diff3.py).

Lines are values of any kind that can be told apart. The work is bounded: where texts differ in so
many lines that the fewest cannot be found, those that are once on each side are aligned; of texts
with too many lines, those at the beginning and at the end.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

# What may be done for two texts: half a second of each on a core of today. Half of the steps that
# are left may be for one part of the texts. Equal lines are passed so much faster.
_STEPS = 1_000_000
_CHEAPER = 4
_MOVES = 250_000
# The lines of a text of 1 MiB are ten bytes long then.
_MOST_LINES = 100_000
_FAR = 1 << 60


class Match(NamedTuple):
    """`size` lines from `old` on in one text are those from `new` on in the other."""

    old: int
    new: int
    size: int


class Span(NamedTuple):
    """Lines of one text, from `old` to before `old_end`, and those of the other in their place."""

    old: int
    old_end: int
    new: int
    new_end: int


_Pair = tuple[int, int]


def matches(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Match]:
    """The lines that two texts have in common, in order, and no longer match beside another."""
    if max(len(old), len(new)) > _MOST_LINES:
        return list(_runs(_ends(old, new)))
    numbers: dict[Hashable, int] = {}
    one, other = ([numbers.setdefault(line, len(numbers)) for line in text] for text in (old, new))
    pairs = list(_pairs(one, other))
    left = [-1, *(i for i, _ in pairs), len(one)]
    right = [-1, *(j for _, j in pairs), len(other)]
    _Rest(one, left, right).settle()
    _Rest(other, right, left).settle()
    return list(_runs(zip(left[1:-1], right[1:-1], strict=True)))


def changes(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Span]:
    """What is between the matches of two texts: the lines that are not the same, in order."""
    found, i, j = [], 0, 0
    for match in (*matches(old, new), Match(len(old), len(new), 0)):
        if (i, j) != (match.old, match.new):
            found.append(Span(i, match.old, j, match.new))
        i, j = match.old + match.size, match.new + match.size
    return found


def shared_ends(old: Sequence[Hashable], new: Sequence[Hashable]) -> tuple[int, int]:
    """How many lines both texts begin with, and how many of the others both end with."""
    inner = _inner(old, new, Span(0, len(old), 0, len(new)))
    return inner.old, len(old) - inner.old_end


def _ends(old: Sequence[Hashable], new: Sequence[Hashable]) -> Iterator[_Pair]:
    begun, _, ended = _trimmed(old, new, Span(0, len(old), 0, len(new)))
    yield from begun
    yield from ended


def _runs(pairs: Iterable[_Pair]) -> Iterator[Match]:
    old, new, size = 0, 0, 0
    for i, j in pairs:
        if (i, j) != (old + size, new + size):
            if size:
                yield Match(old, new, size)
            old, new, size = i, j, 0
        size += 1
    if size:
        yield Match(old, new, size)


def _pairs(old: Sequence[int], new: Sequence[int]) -> Iterator[_Pair]:
    """The lines of the longest common sequence. What one side has alone is not searched at all."""
    whole = Span(0, len(old), 0, len(new))
    begun, inner, ended = _trimmed(old, new, whole)
    yield from begun
    rows = _shared(old, range(inner.old, inner.old_end), new)
    columns = _shared(new, range(inner.new, inner.new_end), old)
    search = _Search([old[i] for i in rows], [new[j] for j in columns])
    yield from ((rows[i], columns[j]) for i, j in search.pairs())
    yield from ended


def _shared(text: Sequence[int], places: Iterable[int], others: Iterable[int]) -> list[int]:
    known = set(others)
    return [place for place in places if text[place] in known]


def _trimmed(
    old: Sequence[Hashable], new: Sequence[Hashable], box: Span
) -> tuple[list[_Pair], Span, list[_Pair]]:
    """The pairs that a box begins with, what is between, and the pairs that it ends with."""
    inner = _inner(old, new, box)
    begun = list(zip(range(box.old, inner.old), range(box.new, inner.new), strict=True))
    ends = range(inner.old_end, box.old_end), range(inner.new_end, box.new_end)
    return begun, inner, list(zip(*ends, strict=True))


def _inner(old: Sequence[Hashable], new: Sequence[Hashable], box: Span) -> Span:
    """A box without the lines that both sides of it begin and end with."""
    i, i_end, j, j_end = box
    while i < i_end and j < j_end and old[i] == new[j]:
        i, j = i + 1, j + 1
    while i < i_end and j < j_end and old[i_end - 1] == new[j_end - 1]:
        i_end, j_end = i_end - 1, j_end - 1
    return Span(i, i_end, j, j_end)


class _Search:
    """The longest common sequence of two texts, half by half."""

    def __init__(self, old: Sequence[int], new: Sequence[int]) -> None:
        self._old, self._new = old, new
        self._steps_left = _STEPS
        # How far the ways of each diagonal `i - j` go down in `old`, forwards and backwards. Of
        # diagonals below zero that is kept where lists count from their ends.
        size = len(old) + len(new) + 3
        self._forth, self._back = [0] * size, [0] * size

    def pairs(self) -> Iterator[_Pair]:
        """The pairs in order."""
        todo: list[Span | list[_Pair]] = [Span(0, len(self._old), 0, len(self._new))]
        while todo:
            box = todo.pop()
            if not isinstance(box, Span):
                yield from box
                continue
            begun, inner, ended = _trimmed(self._old, self._new, box)
            yield from begun
            todo.append(ended)
            todo += reversed(list(self._parts(inner)))

    def _parts(self, box: Span) -> Iterator[Span | list[_Pair]]:
        """What a box is made of, in order: smaller ones, and pairs."""
        if box.old == box.old_end or box.new == box.new_end or self._steps_left <= 0:
            return
        middle = self._middle(box)
        cuts = [middle] if middle else self._rare(box)
        i, j = box.old, box.new
        for i_end, j_end in cuts:
            yield Span(i, i_end, j, j_end)
            i, j = i_end, j_end
        if cuts:
            yield Span(i, box.old_end, j, box.new_end)

    def _middle(self, box: Span) -> _Pair | None:
        """Where a shortest way through a box is at half of its length; None if that is far.

        Ways from both ends go on by one line at a time, and then as far as lines are equal, until
        two meet.
        """
        old, new, forth, back = self._old, self._new, self._forth, self._back
        top, bottom = box.old - box.new_end, box.old_end - box.new
        low = high = first = box.old - box.new
        back_low = back_high = last = box.old_end - box.new_end
        forth[first], back[last] = box.old, box.old_end
        enough = self._steps_left // 2
        while self._steps_left > enough:
            low, high = _wider(low, high, top, bottom, forth, -1)
            for k in range(high, low - 1, -2):
                i = begun = forth[k - 1] + 1 if forth[k - 1] >= forth[k + 1] else forth[k + 1]
                j = i - k
                while i < box.old_end and j < box.new_end and old[i] == new[j]:
                    i, j = i + 1, j + 1
                forth[k] = i
                self._steps_left -= 1 + (i - begun) // _CHEAPER
                if (first - last) % 2 and back_low <= k <= back_high and back[k] <= i:
                    return i, j
            back_low, back_high = _wider(back_low, back_high, top, bottom, back, _FAR)
            for k in range(back_high, back_low - 1, -2):
                i = begun = back[k - 1] if back[k - 1] < back[k + 1] else back[k + 1] - 1
                j = i - k
                while i > box.old and j > box.new and old[i - 1] == new[j - 1]:
                    i, j = i - 1, j - 1
                back[k] = i
                self._steps_left -= 1 + (begun - i) // _CHEAPER
                if (first - last) % 2 == 0 and low <= k <= high and i <= forth[k]:
                    return i, j
        return None

    def _rare(self, box: Span) -> list[_Pair]:
        """Before most of the lines that a box has once on each side; see B. Cohen's "patience"."""
        self._steps_left -= box.old_end - box.old + box.new_end - box.new
        rows = _once(self._old, range(box.old, box.old_end))
        columns = _once(self._new, range(box.new, box.new_end))
        return _increasing([(i, columns[line]) for line, i in rows.items() if line in columns])


def _wider(
    low: int, high: int, top: int, bottom: int, reached: list[int], nowhere: int
) -> tuple[int, int]:
    """The diagonals that one more step leads to; those beside them lead nowhere."""
    if low > top:
        low -= 1
        reached[low - 1] = nowhere
    else:
        low += 1
    if high < bottom:
        high += 1
        reached[high + 1] = nowhere
    else:
        high -= 1
    return low, high


def _once(text: Sequence[int], places: range) -> dict[int, int]:
    counts = Counter(text[place] for place in places)
    return {text[place]: place for place in places if counts[text[place]] == 1}


def _increasing(pairs: Sequence[_Pair]) -> list[_Pair]:
    """As many pairs as go on in both texts, of pairs that are in the order of the first."""
    ends: list[int] = []  # the least end of a sequence of each length
    last: list[int] = []  # which pair that is
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1], last[length : length + 1] = [j], [number]
    found, number = [], last[-1] if last else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


class _Rest:
    """What one side has alone, between pairs `k - 1` and `k`, whose lines are `places`."""

    def __init__(self, lines: Sequence[int], places: list[int], others: Sequence[int]) -> None:
        self._lines, self._places, self._others = lines, places, others
        self._k = 0
        self._moves_left = _MOVES

    def settle(self) -> None:
        """Move each as far down as it goes; what it meets on its way becomes one with it."""
        while self._k < len(self._places) - 1 and self._moves_left > 0:
            self._k += 1
            size = 0
            while self._size > size:
                size = self._size
                while self._up():
                    pass
                beside = self._go_down()
            while size and beside and self._k > beside:
                self._up()

    def _go_down(self) -> int:
        """To the last place; the answer is the last one at which the other side has lines, too."""
        beside = self._k if self._is_beside() else 0
        while self._down():
            if self._is_beside():
                beside = self._k
        return beside

    @property
    def _size(self) -> int:
        return self._places[self._k] - self._places[self._k - 1] - 1

    def _is_beside(self) -> bool:
        return self._others[self._k] - self._others[self._k - 1] > 1

    def _up(self) -> bool:
        """Before the pair above, if its line may as well be the last one here."""
        above = self._places[self._k - 1]
        if self._k == 1 or self._lines[above] != self._lines[above + self._size]:
            return False
        self._places[self._k - 1] += self._size
        self._k -= 1
        self._moves_left -= 1
        return True

    def _down(self) -> bool:
        """Behind the pair below, if its line may as well be the first one here."""
        below = self._places[self._k]
        if (
            self._k == len(self._places) - 1
            or self._lines[below - self._size] != self._lines[below]
        ):
            return False
        self._places[self._k] -= self._size
        self._k += 1
        self._moves_left -= 1
        return True
