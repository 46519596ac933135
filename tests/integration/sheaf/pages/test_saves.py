"""Saves: what each of a save's conditions keeps out alone, and all that one statement writes.

The first tests leave but one of the conditions between a writer and a wrong write.
"""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Table, func, select

from sheaf.database.tables import links, outbox, page_tags, revisions
from sheaf.hashing import slot
from sheaf.pages import claims, reads, saves
from sheaf.pages.claims import Claim
from sheaf.pages.reads import PageItem
from sheaf.pages.saves import EMPTY, Content, LockLost, Write
from sheaf.sharding.ownership import Moved
from tests.integration.sheaf.pages.marks import put_into_row, put_into_slot, row_of

SLUG, OTHER = "notes/tea", "notes/coffee"
FENCE = 1000
OURS, THEIRS = UUID(int=1), UUID(int=2)
TEA = Content(
    title="Tea",
    tags=("hot", "leaf"),
    body="# Tea\n\nleaves",
    html="<p>leaves</p>",
    blob="f00",
    headings="Tea",
    plain="leaves",
    links=frozenset({"water", OTHER}),
)
EFFECTS = (revisions, outbox, links, page_tags)


def write(content: Content = TEA, state: str = "live", **other: str) -> Write:
    return Write(uuid4(), other.get("author", "alice"), other.get("comment", ""), state, content)


@pytest.fixture
def claim(connection: Connection) -> Claim:
    """A claim that stands."""
    return claims.claim(connection, SLUG, FENCE, OURS)


def stored(connection: Connection, *tables: Table) -> list[object]:
    """All there is, to compare."""
    rows = [row for table in (*EFFECTS, *tables) for row in connection.execute(select(table))]
    return [row_of(connection, SLUG), *rows]


def expect_lost(connection: Connection, claim: Claim) -> None:
    """The claim lets nobody write, and nothing of the write is there."""
    before = stored(connection)
    with pytest.raises(LockLost):
        saves.save(connection, claim, write())
    assert stored(connection) == before


def test_only_the_fence_keeps_out_a_claim_of_before(connection: Connection, claim: Claim) -> None:
    again = claims.claim(connection, SLUG, FENCE + 1, OURS)
    assert (again.owner, again.version) == (claim.owner, claim.version)
    expect_lost(connection, claim)
    saves.save(connection, again, write())


def test_only_the_fence_keeps_out_a_claim_that_was_never_made(
    connection: Connection, claim: Claim
) -> None:
    expect_lost(connection, replace(claim, fence=FENCE + 1))


def test_only_the_owner_keeps_out_another_with_the_same_fence(
    connection: Connection, claim: Claim
) -> None:
    """As after a lock service that has given one number to two."""
    put_into_row(connection, SLUG, owner=THEIRS)
    expect_lost(connection, claim)
    saves.save(connection, replace(claim, owner=THEIRS), write())


def test_only_the_version_keeps_one_claim_from_saving_twice(
    connection: Connection, claim: Claim
) -> None:
    saves.save(connection, claim, write())
    expect_lost(connection, claim)
    expect_lost(connection, replace(claim, version=2))
    saves.save(connection, replace(claim, version=1), write())


def test_only_the_slug_says_which_page(connection: Connection, claim: Claim) -> None:
    other = claims.claim(connection, OTHER, FENCE, OURS)
    put_into_row(connection, OTHER, slot=slot(SLUG))
    assert (other.fence, other.owner, other.version) == (claim.fence, claim.owner, claim.version)
    before = row_of(connection, OTHER)
    assert saves.save(connection, claim, write()).slug == SLUG
    assert row_of(connection, OTHER) == before


@pytest.mark.parametrize("owned", [{"mode": "blocked"}, {"from_epoch": 2}])
def test_only_the_slot_keeps_a_claim_from_a_page_that_moves(
    connection: Connection, claim: Claim, owned: dict[str, object]
) -> None:
    put_into_slot(connection, SLUG, **owned)
    before = stored(connection)
    with pytest.raises(Moved):
        saves.save(connection, claim, write())
    assert stored(connection) == before


def test_a_row_of_a_slot_that_is_not_the_slugs_is_left_alone(
    connection: Connection, claim: Claim
) -> None:
    put_into_row(connection, SLUG, slot=slot(OTHER))
    expect_lost(connection, claim)


def test_a_write_whose_answer_was_lost_is_recognised(connection: Connection, claim: Claim) -> None:
    mine = write()
    saved = saves.save(connection, claim, mine)
    before = stored(connection)
    assert saves.save(connection, claim, mine) == saved
    assert stored(connection) == before
    claims.claim(connection, SLUG, FENCE + 1, THEIRS)
    assert saves.save(connection, claim, mine) == saved


def test_a_write_of_another_page_is_not_taken_for_it(connection: Connection, claim: Claim) -> None:
    mine = write()
    other = claims.claim(connection, OTHER, FENCE, OURS)
    saves.save(connection, other, mine)
    with pytest.raises(LockLost):
        saves.save(connection, replace(claim, fence=1), mine)


def test_what_is_in_the_row_afterwards(connection: Connection, claim: Claim) -> None:
    mine = write()
    item = saves.save(connection, claim, mine)
    page = reads.find(connection, SLUG)
    assert page
    assert item == PageItem(**{name: getattr(page, name) for name in vars(item)})
    assert (page.id, page.slug, page.state) == (claim.page_id, SLUG, "live")
    assert (page.version, page.author) == (1, "alice")
    assert (page.title, page.tags, page.body) == ("Tea", ["hot", "leaf"], TEA.body)
    assert (page.html, page.blob) == (TEA.html, "f00")
    row = row_of(connection, SLUG)
    assert (row.sort_title, row.plain, row.write_id) == ("tea", "leaves", mine.id)
    assert (row.fence, row.owner) == (FENCE, OURS)
    assert "'leaves'" in row.search


def save_next(connection: Connection, claim: Claim, what: Write) -> PageItem:
    """Save over what the claim's page has become since."""
    version = row_of(connection, SLUG).version
    return saves.save(connection, replace(claim, version=version), what)


def test_versions_rise_by_one_and_each_is_a_revision(connection: Connection, claim: Claim) -> None:
    writes = [
        write(comment="one"),
        write(EMPTY, "tombstone", author="bob"),
        write(replace(TEA, title="Green Tea", tags=("leaf",)), comment="three"),
    ]
    items = [save_next(connection, claim, each) for each in writes]
    assert [item.version for item in items] == [1, 2, 3]
    rows = connection.execute(select(revisions).order_by(revisions.c.version)).all()
    assert len(rows) == 3
    for row, item, made in zip(rows, items, writes, strict=True):
        content = made.content
        assert (row.page_id, row.version, row.slug) == (item.id, item.version, SLUG)
        assert (row.slot, row.state, row.write_id) == (slot(SLUG), made.state, made.id)
        assert (row.author, row.comment) == (made.author, made.comment)
        assert (row.title, tuple(row.tags)) == (content.title, content.tags)
        assert (row.body, row.blob, row.created_at) == (content.body, content.blob, item.updated_at)
    assert [row.based_on for row in rows] == [None, 1, 2]


def test_each_save_is_announced_once(connection: Connection, claim: Claim) -> None:
    save_next(connection, claim, write())
    save_next(connection, claim, write(author="bob"))
    rows = connection.execute(select(outbox).order_by(outbox.c.id)).all()
    found = [(row.slot, row.slug, row.version, row.author) for row in rows]
    assert found == [(slot(SLUG), SLUG, 1, "alice"), (slot(SLUG), SLUG, 2, "bob")]


def links_of(connection: Connection) -> set[tuple[str, str, int]]:
    return {tuple(row) for row in connection.execute(select(links))}


def test_links_are_those_of_the_last_save(connection: Connection, claim: Claim) -> None:
    other = claims.claim(connection, OTHER, FENCE, OURS)
    saves.save(connection, other, write(replace(EMPTY, links=frozenset({"water"}))))
    kept = {(OTHER, "water", slot(OTHER))}
    here = slot(SLUG)
    save_next(connection, claim, write())
    assert links_of(connection) == kept | {(SLUG, "water", here), (SLUG, OTHER, here)}
    save_next(connection, claim, write(replace(TEA, links=frozenset({"water", "milk"}))))
    assert links_of(connection) == kept | {(SLUG, "water", here), (SLUG, "milk", here)}
    save_next(connection, claim, write(EMPTY))
    assert links_of(connection) == kept


def tags_of(connection: Connection) -> set[tuple[str, str, int, object]]:
    columns = (page_tags.c.slug, page_tags.c.tag, page_tags.c.slot, page_tags.c.updated_at)
    return {tuple(row) for row in connection.execute(select(*columns))}


def test_tags_are_those_of_the_last_save_and_of_its_time(
    connection: Connection, claim: Claim
) -> None:
    other = claims.claim(connection, OTHER, FENCE, OURS)
    at = saves.save(connection, other, write(replace(EMPTY, tags=("hot",)))).updated_at
    kept, here = {(OTHER, "hot", slot(OTHER), at)}, slot(SLUG)
    for tags in (("hot", "leaf"), ("leaf", "leaf", "green"), ()):
        at = save_next(connection, claim, write(replace(TEA, tags=tags))).updated_at
        assert tags_of(connection) == kept | {(SLUG, tag, here, at) for tag in tags}


def test_a_page_begins_with_its_first_save_and_again_after_a_deletion(
    connection: Connection, claim: Claim
) -> None:
    an_hour_ago = func.now() - timedelta(hours=1)
    put_into_row(connection, SLUG, created_at=an_hour_ago)
    first = save_next(connection, claim, write())
    assert begins(first)
    put_into_row(connection, SLUG, created_at=an_hour_ago)
    created_at = row_of(connection, SLUG).created_at
    second = save_next(connection, claim, write())
    assert second.created_at == created_at
    assert second.updated_at > first.updated_at
    deleted = save_next(connection, claim, write(EMPTY, "tombstone"))
    assert deleted.created_at == created_at
    again = save_next(connection, claim, write())
    assert begins(again)
    assert again.updated_at > deleted.updated_at


def begins(saved: PageItem) -> bool:
    """Whether the page was created now, by the clock, which was read again for each time."""
    return abs(saved.updated_at - saved.created_at) < timedelta(minutes=1)
