"""diff3: what two people made of one text, as one text again.

What only one of them changed is taken from that side. Where their changes overlap or touch, and are
not the same, a person has to decide. See S. Khanna, K. Kunal and B. C. Pierce, "A Formal
Investigation of Diff3", FSTTCS 2007; results are those of `git merge-file`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sheaf import alignment


@dataclass(frozen=True)
class Conflict:
    """What both changed: `base` as it was, and what became of it, without what is the same at its
    beginning and at its end. `line`, counted from 1, is where `mine` is in the merged text.
    """

    line: int
    base: str
    mine: str
    theirs: str


@dataclass(frozen=True)
class Merge:
    """The merged text, which has `mine` where there is a conflict; `lines` is how many lines of
    the base they changed, or added to it, that the merged text has from them.
    """

    text: str
    lines: int
    conflicts: list[Conflict]


@dataclass(frozen=True)
class _Change:
    """The lines from `start` to before `end` of the base are these now."""

    start: int
    end: int
    lines: Sequence[str]


# Changes that overlap or touch: mine, and theirs.
_Group = tuple[list[_Change], list[_Change]]


def merge(base: str, mine: str, theirs: str) -> Merge:
    """Both changes of a text. Lines end with "\\n"; one that ends otherwise is another line."""
    old = _lines(base)
    mine_changes, their_changes = (_changes(old, _lines(text)) for text in (mine, theirs))
    merged: list[str] = []
    taken, done = 0, 0
    conflicts = []
    for group in _groups(mine_changes, their_changes):
        start, end = _extent([*group[0], *group[1]])
        merged += old[done:start]
        done = end
        my_lines, their_lines = (_applied(old, start, end, side) for side in group)
        if not group[0]:
            taken += max(end - start, len(their_lines))
            merged += their_lines
            continue
        if group[1] and my_lines != their_lines:
            conflicts.append(_conflict(len(merged), old[start:end], my_lines, their_lines))
        merged += my_lines
    merged += old[done:]
    return Merge("".join(merged), taken, conflicts)


def _lines(text: str) -> list[str]:
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _changes(old: Sequence[str], new: Sequence[str]) -> list[_Change]:
    return [
        _Change(span.old, span.old_end, new[span.new : span.new_end])
        for span in alignment.changes(old, new)
    ]


def _groups(mine: Iterable[_Change], theirs: Iterable[_Change]) -> Iterator[_Group]:
    sided = [*((change, 0) for change in mine), *((change, 1) for change in theirs)]
    group: _Group = ([], [])
    end = -1
    for change, side in sorted(sided, key=lambda each: (each[0].start, each[0].end)):
        if change.start > end >= 0:
            yield group
            group = ([], [])
        group[side].append(change)
        end = max(end, change.end)
    if end >= 0:
        yield group


def _extent(changes: Iterable[_Change]) -> tuple[int, int]:
    starts, ends = zip(*((change.start, change.end) for change in changes), strict=True)
    return min(starts), max(ends)


def _applied(old: Sequence[str], start: int, end: int, changes: Iterable[_Change]) -> list[str]:
    """What became of the lines from `start` to before `end`."""
    lines: list[str] = []
    for change in changes:
        lines += [*old[start : change.start], *change.lines]
        start = change.end
    return lines + list(old[start:end])


def _conflict(
    before: int, base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]
) -> Conflict:
    same, same_end = alignment.shared_ends(mine, theirs)
    mine, theirs = (side[same : len(side) - same_end] for side in (mine, theirs))
    return Conflict(before + same + 1, *map("".join, (base, mine, theirs)))
