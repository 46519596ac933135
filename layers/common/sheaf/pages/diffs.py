"""Diffs: what changed between two versions of a page, line by line and within the lines."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from sheaf import alignment
from sheaf.alignment import Span
from sheaf.pages.revisions import Revision
from sheaf.pages.rewording import Piece, Rewording, Row, unchanged

# So many lines are shown around each change.
_AROUND = 3
# People are shown so many changes apart; what follows is shown as the last of them.
MAX_CHANGES = 2000

Kind = Literal["same", "removed", "added"]


class Hunk(NamedTuple):
    """Changes that are near each other, with lines around them, from a line of the new text on."""

    line: int
    rows: list[Row]

    @property
    def runs(self) -> Iterator[tuple[Kind, list[Piece]]]:
        """The same in one column: what was removed, and then what was added in its place."""
        for same, rows in groupby(self.rows, key=lambda row: row.same):
            olds, news = zip(*((row.old, row.new) for row in rows), strict=True)
            if same:
                yield "same", _joined(news)
                continue
            if any(olds):
                yield "removed", _joined(olds)
            if any(news):
                yield "added", _joined(news)


class Shown(NamedTuple):
    """What people are shown, and whether the last change is made of many."""

    hunks: list[Hunk]
    is_coarse: bool


def unified(before: Revision, after: Revision) -> str:
    """The unified diff; empty if all lines are the same."""
    old, new = _lines(before), _lines(after)
    diff = []
    for parts in _hunks(alignment.changes(old, new), len(old)):
        diff.append(_head([span for _, span in parts]))
        for same, span in parts:
            removed, added = old[span.old : span.old_end], new[span.new : span.new_end]
            diff += (
                [f" {line}" for line in added]
                if same
                else [f"-{line}" for line in removed] + [f"+{line}" for line in added]
            )
    names = [f"--- version {before.version}", f"+++ version {after.version}"]
    return "".join(f"{line}\n" for line in names + diff) if diff else ""


def shown(before: Revision, after: Revision) -> Shown:
    """The same for people: each change with the lines around it, and the words that are others."""
    old, new = _lines(before), _lines(after)
    changes, rewording = _over_blanks(alignment.changes(old, new), old), Rewording()
    is_coarse = len(changes) > MAX_CHANGES
    if is_coarse:
        changes[MAX_CHANGES - 1 :] = [_whole(changes[MAX_CHANGES - 1], changes[-1])]
    found = []
    for parts in _hunks(changes, len(old)):
        rows: list[Row] = []
        for same, span in parts:
            removed, added = old[span.old : span.old_end], new[span.new : span.new_end]
            rows += [unchanged(added)] if same else rewording.rows(removed, added)
        found.append(Hunk(parts[0][1].new + 1, rows))
    return Shown(found, is_coarse)


def _lines(revision: Revision) -> list[str]:
    return revision.body.removesuffix("\n").split("\n") if revision.body else []


def _over_blanks(changes: Iterable[Span], old: Sequence[str]) -> list[Span]:
    """The changes, those as one that only blank lines are between: they tell no paragraph apart."""
    found: list[Span] = []
    for change in changes:
        between = old[found[-1].old_end : change.old] if found else ["the text's beginning"]
        found.append(change if any(map(str.strip, between)) else _whole(found.pop(), change))
    return found


def _whole(first: Span, last: Span) -> Span:
    return Span(first.old, last.old_end, first.new, last.new_end)


def _hunks(changes: Iterable[Span], size: int) -> Iterator[list[tuple[bool, Span]]]:
    """Changes that share lines around them, with these, which are the same on both sides.

    `size` is how many lines the old text has.
    """
    near: list[Span] = []
    for change in changes:
        if near and change.old - near[-1].old_end > 2 * _AROUND:
            yield list(_parts(near, size))
            near = []
        near.append(change)
    if near:
        yield list(_parts(near, size))


def _parts(changes: Sequence[Span], size: int) -> Iterator[tuple[bool, Span]]:
    before = min(_AROUND, changes[0].old)
    i, j = changes[0].old - before, changes[0].new - before
    for change in changes:
        if i < change.old:
            yield True, Span(i, change.old, j, change.new)
        yield False, change
        i, j = change.old_end, change.new_end
    after = min(_AROUND, size - i)
    if after:
        yield True, Span(i, i + after, j, j + after)


def _head(spans: Sequence[Span]) -> str:
    whole = _whole(spans[0], spans[-1])
    return f"@@ -{_range(whole.old, whole.old_end)} +{_range(whole.new, whole.new_end)} @@"


def _range(start: int, end: int) -> str:
    """Lines as unified diffs tell of them: the first one's number, and how many unless one."""
    if end - start == 1:
        return str(start + 1)
    return f"{start + 1 if end > start else start},{end - start}"


def _joined(lines: Iterable[Sequence[Piece]]) -> list[Piece]:
    """Pieces of lines as those of one text."""
    pieces: list[Piece] = []
    for found in filter(None, lines):
        first = found[0]
        pieces.append(Piece(first.changed, f"\n{first.text}") if pieces else first)
        pieces += found[1:]
    return pieces
