import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.diff3 import Conflict, Merge, merge
from tests.needs import needs

# Edits of a text: at a place (as a share of it), so many lines go and these come.
_EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 3), st.lists(st.integers(0, 9), max_size=3)),
    max_size=4,
)
_Edit = tuple[float, int, list[int]]
# Few kinds of lines, such as the blank ones between paragraphs, and the last may have no end.
_REPEATED = st.lists(st.sampled_from(["", "a", "b", "```"]), max_size=20)
_ENDS = st.sampled_from(["\n", "\n", "\n", ""])


def _text(lines: list[str], end: str = "\n") -> str:
    return "\n".join(lines) + end if lines else ""


def _edited(lines: list[str], edits: list[_Edit], line: Callable[[int], str]) -> list[str]:
    for share, gone, come in edits:
        place = round(share * len(lines))
        lines = lines[:place] + [line(number) for number in come] + lines[place + gone :]
    return lines


def _decided(merged: Merge, decide: Callable[[Conflict], str]) -> str:
    """The text in which each conflict is decided."""
    lines = merged.text.splitlines(keepends=True)
    for conflict in reversed(merged.conflicts):
        start = conflict.line - 1
        end = start + len(conflict.mine.splitlines())
        assert "".join(lines[start:end]) == conflict.mine
        lines[start:end] = [decide(conflict)]
    return "".join(lines)


@pytest.fixture(scope="module")
def git_merges(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[bool, str]]:
    needs(shutil.which("git") is not None, "git")
    home = tmp_path_factory.mktemp("merges")

    def run(base: str, mine: str, theirs: str, *options: str) -> tuple[bool, str]:
        for name, text in (("base", base), ("mine", mine), ("theirs", theirs)):
            Path(home, name).write_bytes(text.encode())
        command = ["git", "merge-file", "--stdout", "--quiet", *options, "mine", "base", "theirs"]
        done = subprocess.run(command, cwd=home, capture_output=True, check=False)
        assert done.returncode < 128, done.stderr
        return done.returncode == 0, done.stdout.decode()

    return run


@given(_REPEATED, _EDITS, _EDITS, st.tuples(_ENDS, _ENDS, _ENDS))
def test_merges_as_git_does(
    git_merges: Callable[..., tuple[bool, str]],
    lines: list[str],
    my_edits: list[_Edit],
    their_edits: list[_Edit],
    ends: tuple[str, str, str],
) -> None:
    def line(number: int) -> str:
        return ["", "a", "b", "```"][number] if number < 4 else f"line {number}"

    sides = (lines, _edited(lines, my_edits, line), _edited(lines, their_edits, line))
    base, mine, theirs = map(_text, sides, ends)
    merged = merge(base, mine, theirs)
    clean, text = git_merges(base, mine, theirs)
    assert clean == (not merged.conflicts)
    if clean:
        assert merged.text == text
    else:
        assert merged.text == git_merges(base, mine, theirs, "--ours")[1]
        assert (
            _decided(merged, lambda each: each.theirs)
            == (git_merges(base, mine, theirs, "--theirs")[1])
        )


@given(_REPEATED, _EDITS, _EDITS)
def test_both_sides_are_treated_alike(
    lines: list[str], my_edits: list[_Edit], their_edits: list[_Edit]
) -> None:
    base = _text(lines)
    mine, theirs = (_text(_edited(lines, edits, str)) for edits in (my_edits, their_edits))
    merged, turned = merge(base, mine, theirs), merge(base, theirs, mine)
    swapped = [replace(each, mine=each.theirs, theirs=each.mine) for each in turned.conflicts]
    assert [replace(each, line=0) for each in merged.conflicts] == [
        replace(each, line=0) for each in swapped
    ]
    assert _decided(merged, lambda each: each.theirs) == turned.text
    assert merge(base, base, theirs).text == theirs
    assert merge(base, mine, base) == Merge(mine, 0, [])
    assert merge(base, mine, mine) == Merge(mine, 0, [])


@given(st.integers(0, 30), _EDITS, _EDITS)
def test_no_line_is_lost(count: int, my_edits: list[_Edit], their_edits: list[_Edit]) -> None:
    """Each line is another one here, so that it can be told where it has gone."""
    base = [f"line {number}" for number in range(count)]

    def edited(edits: list[_Edit], who: str) -> list[str]:
        fresh = iter(range(1000))
        return _edited(base, edits, lambda _: f"{who} {next(fresh)}")

    mine, theirs = edited(my_edits, "mine"), edited(their_edits, "theirs")
    merged = merge(*map(_text, (base, mine, theirs)))
    shown = set(merged.text.splitlines())
    for conflict in merged.conflicts:
        shown |= {*conflict.mine.splitlines(), *conflict.theirs.splitlines()}
    kept = set(mine) & set(theirs)
    added = (set(mine) | set(theirs)) - set(base)
    assert kept | added <= shown
    if not merged.conflicts:
        assert shown == kept | added


def test_changes_apart_from_each_other_are_merged_and_counted() -> None:
    merged = merge("one\ntwo\nthree\n", "ONE\ntwo\nthree\n", "one\ntwo\n3\nfour\n")
    assert merged == Merge("ONE\ntwo\n3\nfour\n", 2, [])


def test_a_conflict_is_what_is_not_the_same() -> None:
    merged = merge("a\nb\nc\nd\n", "a\nfirst\nmine\nlast\nd\n", "a\nfirst\ntheirs\nlast\nd\n")
    assert merged == Merge(
        "a\nfirst\nmine\nlast\nd\n", 0, [Conflict(3, "b\nc\n", "mine\n", "theirs\n")]
    )


@pytest.mark.parametrize(
    ("mine", "theirs", "conflict"),
    [
        ("", "a\nB\n", Conflict(1, "a\nb\n", "", "a\nB\n")),
        ("a\nc\n", "a\nb\nd\n", Conflict(2, "b\n", "c\n", "b\nd\n")),
    ],
    ids=["all of it is gone", "next to each other"],
)
def test_what_touches_is_for_a_person_to_decide(mine: str, theirs: str, conflict: Conflict) -> None:
    merged = merge("a\nb\n", mine, theirs)
    assert merged == Merge(mine, 0, [conflict])


def test_who_both_begin_a_page_have_nothing_in_common_but_what_is_the_same() -> None:
    assert merge("", "# A\n\nmine\n", "# A\n\ntheirs\n").conflicts == [
        Conflict(3, "", "mine\n", "theirs\n")
    ]
