"""The checker of batches finds what it is there to find, and nothing else."""

from dataclasses import replace

import pytest

from tests.faults.batch_checker import (
    MOVE,
    PUT,
    REMOVE,
    Batch,
    Change,
    Note,
    PageRow,
    Row,
    Stored,
    check_batches,
)

CHANGES = (
    Change(PUT, "tea", "m1"),
    Change(PUT, "new", "m2"),
    Change(REMOVE, "gone"),
    Change(MOVE, "here", moved_to="there"),
)
VERSIONS = {"tea": 2, "new": 1, "gone": 2, "there": 3}
BATCH = Batch("b1", CHANGES, "acknowledged", named=True, versions=VERSIONS)
BEFORE = [
    Row("tea", 1, "live", "m0", "", None, None),
    Row("gone", 1, "live", "m4", "", None, None),
    Row("here", 1, "live", "m5", "", None, None),
]
DONE = [
    Row("tea", 2, "live", "m1", "b1", None, None),
    Row("new", 1, "live", "m2", "b1", None, None),
    Row("gone", 2, "tombstone", "", "", None, None),
    Row("here", 2, "redirect", "", "", "there", None),
    Row("there", 3, "live", "m5", "", None, "here"),
]
NOTES = [Note("b1", "id-0", 3), Note("b1", "id-1", 3)]
PAGES = [
    PageRow("tea", "p1", 2, "live"),
    PageRow("new", "p2", 1, "live"),
    PageRow("gone", "p3", 2, "tombstone"),
    PageRow("here", "p6", 2, "redirect"),
    PageRow("there", "p4", 3, "live"),
]
# The first attempt was overruled.
DECISIONS = {"id-0": False, "id-1": True}
WHOLE = Stored([*BEFORE, *DONE], PAGES, NOTES, DECISIONS, frozenset({"b1"}))
NOTHING = Stored(BEFORE, [], NOTES, {"id-0": False}, frozenset())


def found(stored: Stored, batch: Batch = BATCH) -> str:
    return "\n".join(check_batches([batch], stored))


@pytest.mark.parametrize("outcome", ["acknowledged", "unknown"])
def test_a_batch_that_is_there(outcome: str) -> None:
    assert found(WHOLE, replace(BATCH, outcome=outcome)) == ""


@pytest.mark.parametrize("outcome", ["refused", "unknown"])
def test_a_batch_that_is_not_there(outcome: str) -> None:
    assert found(NOTHING, replace(BATCH, outcome=outcome)) == ""


@pytest.mark.parametrize("lacks", range(len(DONE)))
@pytest.mark.parametrize("outcome", ["acknowledged", "refused", "unknown"])
def test_a_part_of_a_batch(lacks: int, outcome: str) -> None:
    """Of a page that moves either half is missed."""
    rows = [*BEFORE, *DONE[:lacks], *DONE[lacks + 1 :]]
    stored = replace(WHOLE, revisions=rows, pages=[])
    assert "is there in part" in found(stored, replace(BATCH, outcome=outcome))


def test_one_that_was_answered_otherwise() -> None:
    assert "acknowledged, is not there" in found(NOTHING)
    assert "refused, is there" in found(WHOLE, replace(BATCH, outcome="refused"))
    told = {**VERSIONS, "there": 2}
    assert "said of there version 2, and it is 3" in found(WHOLE, replace(BATCH, versions=told))


def test_one_that_was_decided_otherwise() -> None:
    never = {"id-0": False, "id-1": False}
    assert "was never decided" in found(replace(WHOLE, decisions=never))
    assert "was never decided" in found(replace(WHOLE, decisions={}))
    twice = {"id-0": True, "id-1": True}
    assert "was decided 2 times" in found(replace(WHOLE, decisions=twice))
    absent = replace(NOTHING, decisions={"id-0": True})
    assert "was decided 1 times" in found(absent, replace(BATCH, outcome="unknown"))


def test_one_shard_alone_decides_nothing() -> None:
    assert found(replace(WHOLE, notes=[Note("b1", "id-1", 1)], decisions={})) == ""


def test_a_key_that_is_not_like_its_batch() -> None:
    assert "its key is not so" in found(replace(WHOLE, keys=frozenset()))
    kept = replace(NOTHING, keys=frozenset({"b1"}))
    assert "its key is not so" in found(kept, replace(BATCH, outcome="unknown"))
    unnamed = replace(BATCH, named=False)
    assert found(replace(WHOLE, keys=frozenset()), unnamed) == ""


def test_one_that_was_done_twice() -> None:
    again = Row("tea", 3, "live", "m1", "b1", None, None)
    stored = replace(WHOLE, revisions=[*WHOLE.revisions, again], pages=[])
    assert "was done 2 times" in found(stored)


def test_what_is_still_in_doubt() -> None:
    assert "is still in doubt" in found(replace(WHOLE, in_doubt=["sheaf-1"]))


def test_versions_that_are_missing() -> None:
    """A page that arrives may begin anywhere; no other does, nor leaves one out."""
    without_first = [row for row in WHOLE.revisions if row.mark != "m0"]
    assert "tea: begins with version 2" in found(replace(WHOLE, revisions=without_first))
    later = Row("tea", 4, "live", "m9", "", None, None)
    stored = replace(WHOLE, revisions=[*WHOLE.revisions, later], pages=[])
    assert "tea: version 4 comes after 2" in found(stored)
    arrived = later._replace(moved_from="x")
    assert found(replace(WHOLE, revisions=[*WHOLE.revisions, arrived], pages=[])) == ""


def test_a_page_that_is_at_two_slugs() -> None:
    doubled = [*PAGES[:-1], PageRow("there", "p1", 3, "live")]
    assert "page p1 is live at 2 slugs" in found(replace(WHOLE, pages=doubled))
    assert "tea: is kept 2 times" in found(replace(WHOLE, pages=[*PAGES, PAGES[0]]))
    behind = [PAGES[0]._replace(version=1), *PAGES[1:]]
    assert "tea: is at version 1, its history at 2" in found(replace(WHOLE, pages=behind))
