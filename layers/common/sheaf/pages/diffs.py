"""Diffs: what changed between two versions of a page, line by line."""

from collections.abc import Iterator
from difflib import SequenceMatcher, unified_diff
from typing import Literal

from sheaf.pages.errors import TooLong
from sheaf.pages.revisions import Revision

# Two texts of this many lines are mostly compared in a tenth of a second, and in two when lines
# were chosen to make it slow. Three times as long texts would take half a minute then.
MAX_LINES = 2000

_AROUND = 3

Kind = Literal["same", "removed", "added"]
# Neighbouring lines of one kind, and with which line of the new text a hunk begins.
Run = tuple[Kind, str]
Hunk = tuple[int, list[Run]]


def unified(before: Revision, after: Revision) -> str:
    """The unified diff; empty if all lines are the same. Raises TooLong."""
    names = (f"version {before.version}", f"version {after.version}")
    lines = unified_diff(_lines(before), _lines(after), *names, n=_AROUND, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def hunks(before: Revision, after: Revision) -> list[Hunk]:
    """The same for people: each change with the lines around it. Raises as `unified` does."""
    old, new = _lines(before), _lines(after)
    groups = SequenceMatcher(None, old, new).get_grouped_opcodes(_AROUND)
    return [
        (group[0][3] + 1, [run for code in group for run in _runs(old, new, *code)])
        for group in groups
    ]


def _runs(
    old: list[str], new: list[str], kind: str, i: int, i_end: int, j: int, j_end: int
) -> Iterator[Run]:
    if kind == "equal":
        yield "same", "\n".join(new[j:j_end])
        return
    if i < i_end:
        yield "removed", "\n".join(old[i:i_end])
    if j < j_end:
        yield "added", "\n".join(new[j:j_end])


def _lines(revision: Revision) -> list[str]:
    lines = revision.body.removesuffix("\n").split("\n") if revision.body else []
    if len(lines) > MAX_LINES:
        raise TooLong(
            f"Version {revision.version} has {len(lines):,} lines; texts of up to"
            f" {MAX_LINES:,} are compared."
        )
    return lines
