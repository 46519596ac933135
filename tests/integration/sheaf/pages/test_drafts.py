"""Drafts: texts that were not saved, kept for their authors and for nobody else."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from sheaf.pages import drafts
from sheaf.pages.saves import EMPTY
from sheaf.sharding.ownership import Moved
from tests.integration.sheaf.pages.marks import put_into_slot

SLUG = "notes/tea"
TEXT = replace(EMPTY, title="Tea", tags=("hot",), body="leaves")
A_DAY = timedelta(days=1)


def keep(connection: Connection, author: str = "alice", body: str = "leaves") -> UUID:
    return drafts.keep(connection, SLUG, author, 3, replace(TEXT, body=body), "better")


def age(connection: Connection, draft: UUID, interval: str) -> None:
    statement = text("UPDATE drafts SET created_at = now() - CAST(:age AS interval) WHERE id = :id")
    connection.execute(statement, {"age": interval, "id": draft})


def test_a_draft_is_all_that_was_to_be_saved(connection: Connection) -> None:
    kept = keep(connection)
    (draft,) = drafts.of_page(connection, SLUG, "alice")
    assert (draft.id, draft.slug, draft.based_on) == (kept, SLUG, 3)
    assert (draft.title, draft.tags, draft.body) == ("Tea", ["hot"], "leaves")
    assert draft.comment == "better"


def test_the_same_text_twice_is_one_draft_as_new_as_the_last(connection: Connection) -> None:
    first = keep(connection)
    age(connection, first, "2 days")
    assert keep(connection) == first
    assert drafts.remove_old(connection, A_DAY) == 0
    assert len(drafts.of_page(connection, SLUG, "alice")) == 1


def test_drafts_are_their_authors_and_their_pages(connection: Connection) -> None:
    mine, theirs = keep(connection), keep(connection, "bob")
    assert mine != theirs
    assert [draft.id for draft in drafts.of_page(connection, SLUG, "bob")] == [theirs]
    assert drafts.of_page(connection, "notes", "alice") == []


def test_the_newest_come_first_and_not_all_of_them(connection: Connection) -> None:
    kept = [keep(connection, body=f"text {number}") for number in range(drafts.MAX_LISTED + 1)]
    for number, draft in enumerate(kept):
        age(connection, draft, f"{number} minutes")
    assert [draft.id for draft in drafts.of_page(connection, SLUG, "alice")] == kept[:-1]


def test_only_old_ones_are_removed(connection: Connection) -> None:
    old, new = keep(connection, body="old"), keep(connection, body="new")
    age(connection, old, "25 hours")
    assert drafts.remove_old(connection, A_DAY) == 1
    assert [draft.id for draft in drafts.of_page(connection, SLUG, "alice")] == [new]


@pytest.mark.parametrize("state", [{"mode": "blocked"}, {"from_epoch": 2}])
def test_nothing_is_kept_where_the_slot_is_not(
    connection: Connection, state: dict[str, object]
) -> None:
    put_into_slot(connection, SLUG, **state)
    with pytest.raises(Moved):
        keep(connection)
    assert drafts.of_page(connection, SLUG, "alice") == []
