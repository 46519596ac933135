import difflib
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.http import encodings
from sheaf.pages import diffs
from sheaf.pages.diffs import MAX_CHANGES, Hunk
from sheaf.pages.revisions import Revision
from sheaf.pages.rewording import Piece
from sheaf.rendering import templates

MAX_TEXT = 1024 * 1024
# What takes longest takes one; a busy machine fails none.
MAX_SECONDS = 10.0
SITE = {
    "name": "Sheaf",
    "accent": "",
    "licence": "",
    "start_page": "home",
    "indexed": True,
    "menu": "",
    "footer": "",
}

words = st.sampled_from(["tea", "milk", "three", "minutes", "茶", "é", "", " ", "\r", "\t", "."])
lines = st.lists(words, max_size=4).map(" ".join)
texts = st.lists(lines, max_size=30).map("\n".join)


def revision(number: int, body: str) -> Revision:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    return Revision(
        *(number, "Tea", "alice", "", now, "live", "blob"),
        *(None, None),
        origin="edit",
        file="tea.md",
        tags=[],
        body=body,
    )


def unified(old: str, new: str) -> str:
    return diffs.unified(revision(1, old), revision(2, new))


def hunks(old: str, new: str) -> list[Hunk]:
    return diffs.shown(revision(1, old), revision(2, new)).hunks


def lines_of(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


@given(texts, texts)
def test_a_unified_diff_leads_from_one_text_to_the_other(old: str, new: str) -> None:
    diff = unified(old, new)
    assert applied(diff, lines_of(old)) == lines_of(new)
    assert (diff == "") == (lines_of(old) == lines_of(new))


HEAD = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def applied(diff: str, old: Sequence[str]) -> list[str]:
    """What `patch` makes of a text, when every number has to be right."""
    new: list[str] = []
    read = 0
    for head, changes in each_hunk(diff):
        start, size, there, its_size = (1 if n is None else int(n) for n in head.groups())
        begin = start - 1 if size else start
        new += old[read:begin]
        assert len(new) == (there - 1 if its_size else there)
        before = [line[1:] for line in changes if line[0] in " -"]
        after = [line[1:] for line in changes if line[0] in " +"]
        assert (len(before), len(after)) == (size, its_size)
        assert list(old[begin : begin + size]) == before
        new += after
        read = begin + size
    return [*new, *old[read:]]


def each_hunk(diff: str) -> Iterator[tuple[re.Match[str], list[str]]]:
    told = diff.split("\n")[2:-1]
    heads = [(number, head) for number, line in enumerate(told) if (head := HEAD.fullmatch(line))]
    ends = [*(number for number, _ in heads[1:]), len(told)]
    for (start, head), end in zip(heads, ends, strict=False):
        yield head, told[start + 1 : end]


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 4), st.integers(0, 20))
def test_a_change_is_told_as_difflib_does(before: int, gone: int, come: int, after: int) -> None:
    old = [f"line {number}" for number in range(before + gone + after)]
    new = [*old[:before], *(f"new {number}" for number in range(come)), *old[before + gone :]]
    names = ("version 1", "version 2")
    theirs = "".join(f"{line}\n" for line in difflib.unified_diff(old, new, *names, lineterm=""))
    if old and new:
        assert unified("\n".join(old), "\n".join(new)) == theirs


def text_of(pieces: Sequence[Piece], *, changed: Sequence[bool] = (True, False)) -> str:
    return "".join(piece.text for piece in pieces if piece.changed in changed)


def one_side(hunk: Hunk, side: str) -> list[str]:
    rows = [getattr(row, side) for row in hunk.rows]
    return [line for pieces in rows if pieces for line in text_of(pieces).split("\n")]


@given(texts, texts)
def test_what_is_shown_is_what_both_texts_have(old: str, new: str) -> None:
    rest, others = lines_of(old), lines_of(new)
    read = there = 0
    for hunk in hunks(old, new):
        removed, added = one_side(hunk, "old"), one_side(hunk, "new")
        skipped = hunk.line - 1 - there
        assert rest[read : read + skipped] == others[there : there + skipped]
        read, there = read + skipped, there + skipped
        assert rest[read : read + len(removed)] == removed
        assert others[there : there + len(added)] == added
        read, there = read + len(removed), there + len(added)
    assert rest[read:] == others[there:]


@given(texts, texts)
def test_words_that_are_not_marked_are_in_both(old: str, new: str) -> None:
    for hunk in hunks(old, new):
        for row in hunk.rows:
            kept = [text_of(pieces, changed=[False]) for pieces in (row.old, row.new)]
            assert "".join(kept[0].split()) == "".join(kept[1].split())
            assert not row.same or row.old == row.new


@given(texts, texts)
def test_one_column_shows_what_two_show(old: str, new: str) -> None:
    for hunk in hunks(old, new):
        runs = list(hunk.runs)
        for side, kinds in (("old", ("same", "removed")), ("new", ("same", "added"))):
            told = [text_of(pieces).split("\n") for kind, pieces in runs if kind in kinds]
            assert [line for run in told for line in run] == one_side(hunk, side)


def rows(old: str, new: str) -> list[tuple[str, str]]:
    """Each row as it would be told: what is marked stands in brackets."""
    return [(marked(row.old), marked(row.new)) for hunk in hunks(old, new) for row in hunk.rows]


def marked(pieces: Sequence[Piece]) -> str:
    return "".join(f"[{text}]" if changed else text for changed, text in pieces)


def test_a_line_stands_beside_what_it_became() -> None:
    old = "# Tea\n\nThree minutes are enough.\n\nWith milk in it.\n"
    new = "# Tea\n\nFirst of all: water.\n\nFour minutes are enough.\n\nWith no milk in it.\n"
    assert rows(old, new) == [
        ("# Tea\n", "# Tea\n"),
        ("", "[First of all: water.\n]"),
        ("[Three] minutes are enough.", "[Four] minutes are enough."),
        ("", ""),
        ("With milk in it.", "With [no ]milk in it."),
    ]


def test_a_long_page_is_compared() -> None:
    old = [f"line {number}" for number in range(7000)]
    new = [*old[:3500], "line 3500, mine", *old[3501:]]
    (hunk,) = hunks("\n".join(old), "\n".join(new))
    assert (hunk.line, len(hunk.rows)) == (3498, 3)
    assert rows("\n".join(old), "\n".join(new))[1] == ("line 3500", "line 3500[, mine]")
    diff = unified("\n".join(old), "\n".join(new)).splitlines()
    assert diff[2:] == [
        "@@ -3498,7 +3498,7 @@",
        *(f" line {number}" for number in (3497, 3498, 3499)),
        "-line 3500",
        "+line 3500, mine",
        *(f" line {number}" for number in (3501, 3502, 3503)),
    ]


def test_of_very_many_changes_the_last_is_made_of_many() -> None:
    def text(word: str, times: int) -> str:
        return "".join(f"{word} {number}\nsame {number}\n" for number in range(times))

    for times, is_coarse in ((MAX_CHANGES, False), (MAX_CHANGES + 5, True)):
        shown = diffs.shown(revision(1, text("a", times)), revision(2, text("b", times)))
        assert shown.is_coarse is is_coarse
        assert one_side(shown.hunks[-1], "old")[-2:] == [f"a {times - 1}", f"same {times - 1}"]


def numbered(form: str, size: int) -> str:
    return "".join(form.format(number, number % 10) for number in range(size))


def any_of(letters: str, seed: int, between: str, size: int) -> str:
    return between.join(random.Random(seed).choices(letters, k=size))


def changed_lines(letters: str, seed: int, count: int, size: int) -> str:
    changed = (any_of(letters, seed * count + number, "", size) for number in range(count))
    return "".join(f"{line}\nsame {number}\n" for number, line in enumerate(changed))


SLOW: dict[str, Callable[[int], str]] = {
    "letters": lambda n: any_of("abcdefghij", n, "\n", MAX_TEXT // 2),
    "two letters": lambda n: ("a\nb\n", "b\na\na\n")[n] * (MAX_TEXT // 4),
    "every other line": lambda n: numbered("a\n{1}\n" if n else "{1}\na\n", MAX_TEXT // 4),
    "far apart": lambda n: numbered("a{0}\n" * 7 + f"{n}{{1}}\n", MAX_TEXT // 50),
    "one line": lambda n: any_of("ab cd. ", n, "", MAX_TEXT),
    "blank lines": lambda n: ("\n", "x\n")[n] * MAX_TEXT,
    "signs": lambda n: ("&", "<&")[n] * MAX_TEXT,
    "words": lambda n: changed_lines("ab,. ", n, MAX_CHANGES, 30),
    "paragraphs": lambda n: changed_lines("ab,. ", n, 700, 80),
}


@pytest.mark.parametrize("shape", SLOW)
def test_no_text_takes_long(shape: str) -> None:
    before, after = (revision(n + 1, SLOW[shape](n)[:MAX_TEXT]) for n in (0, 1))
    began = time.process_time()
    diffs.unified(before, after)
    assert time.process_time() - began < MAX_SECONDS
    for view in (None, "side"):
        began = time.process_time()
        compared = {"before": before, "after": after, "shown": diffs.shown(before, after)}
        html = templates.render("diff.html", site=SITE, slug="tea", view=view, **compared)
        encodings.compress(html.encode(), "br", 5)
        assert time.process_time() - began < MAX_SECONDS
