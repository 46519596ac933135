"""The checker finds what it is there to find."""

from dataclasses import replace
from uuid import UUID

from tests.faults.checker import Attempt, Revision, check, page_body, pair_body

FIRST = page_body("m1", None)
SECOND = page_body("m2", FIRST)
PAGES = [
    Revision("page-1", 1, None, UUID(int=1), FIRST),
    Revision("page-1", 2, 1, UUID(int=2), SECOND),
    Revision("page-1", 3, 2, UUID(int=3), page_body("m3", SECOND)),
]
PAIR = [
    Revision("pair-1/a", 1, None, UUID(int=4), pair_body("m4", (0, 0))),
    Revision("pair-1/b", 1, None, UUID(int=5), pair_body("m5", (1, 0))),
    Revision("pair-1/a", 2, 1, UUID(int=6), pair_body("m6", (1, 1))),
]
ALL = [*PAGES, *PAIR]
TRIED = [
    Attempt(f"m{number}", revision.slug, "acknowledged", revision.version)
    for number, revision in enumerate(ALL, start=1)
]


def test_what_is_right() -> None:
    others = [Attempt("x", "page-1", "refused"), Attempt("y", "page-1", "unknown")]
    assert check(ALL, [*TRIED, *others]) == []
    assert check([], []) == []


def test_the_answer_may_have_been_lost() -> None:
    unknown = [replace(attempt, outcome="unknown", version=0) for attempt in TRIED]
    assert check(ALL, unknown) == []


def test_a_gap_in_the_versions() -> None:
    found = check([PAGES[0], PAGES[2], *PAIR], TRIED)
    assert any("do not rise by one: [1, 3]" in violation for violation in found)


def test_a_version_twice() -> None:
    again = replace(PAGES[2], write_id=UUID(int=9), body=page_body("m9", SECOND))
    found = check([*ALL, again], [*TRIED, Attempt("m9", "page-1", "unknown")])
    assert found == ["page-1: the versions do not rise by one: [3, 3] from the 4. on"]


def test_a_text_built_on_one_that_was_not_read() -> None:
    stale = replace(PAGES[2], body=page_body("m3", FIRST))
    assert check([*PAGES[:2], stale, *PAIR], TRIED) == [
        "page-1 version 3: its writer had not read the text that it replaced"
    ]


def test_a_page_created_over_another() -> None:
    blind = replace(PAGES[1], body=page_body("m2", None))
    found = check([PAGES[0], blind], [TRIED[0], TRIED[1]])
    assert found == ["page-1 version 2: its writer had not read the text that it replaced"]


def test_a_wrong_record_of_the_origin() -> None:
    wrong = replace(PAGES[2], based_on=1)
    found = check([*PAGES[:2], wrong, *PAIR], TRIED)
    assert found == ["page-1 version 3: is recorded as based on 1"]


def test_a_write_stored_twice() -> None:
    twice = replace(PAIR[1], write_id=PAIR[0].write_id)
    found = check([*PAGES, PAIR[0], twice, PAIR[2]], TRIED)
    assert found == [f"write {UUID(int=4)} was stored 2 times"]


def test_two_writers_of_a_pair_that_saw_the_same() -> None:
    skewed = replace(PAIR[1], body=pair_body("m5", (0, 0)))
    assert check([*PAGES, PAIR[0], skewed, PAIR[2]], TRIED) == [
        "pair-1: 2 writers saw the same state, 0",
        "pair-1: nobody saw the state 1",
    ]


def test_an_acknowledged_write_that_is_gone() -> None:
    found = check(ALL[:-1], TRIED)
    assert found == ["pair-1/a version 2: was acknowledged and is not there"]


def test_an_acknowledged_write_with_the_content_of_another() -> None:
    other = replace(PAIR[2], body=pair_body("m9", (1, 1)))
    found = check([*ALL[:-1], other], [*TRIED, Attempt("m9", "pair-1/a", "unknown")])
    assert found == ["pair-1/a version 2: was acknowledged and is not there"]


def test_a_refused_write_that_was_stored() -> None:
    refused = replace(TRIED[-1], outcome="refused", reason="lock-lost")
    found = check(ALL, [*TRIED[:-1], refused])
    assert found == ["pair-1/a version 2: was refused (lock-lost) and is there"]


def test_a_revision_that_nobody_wrote() -> None:
    assert check(ALL, TRIED[:-1]) == ["pair-1/a version 2: nobody tried to write it"]
