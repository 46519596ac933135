"""Claims: of two writers of one page only the later may go on, and it knows what it replaces."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from sheaf.database.tables import pages
from sheaf.hashing import slot
from sheaf.pages import claims, edit_leases, saves
from sheaf.pages.claims import Claim, ClaimRefused
from sheaf.pages.saves import EMPTY, Write
from sheaf.sharding.ownership import Moved
from tests.integration.sheaf.pages.marks import mark_of, put_into_row, put_into_slot, row_of

SLUG, OTHER = "notes/tea", "notes/coffee"
FENCE = 1000
OURS, THEIRS = UUID(int=1), UUID(int=2)
AN_HOUR = timedelta(hours=1)
fences, owners = st.integers(FENCE, FENCE + 2), st.sampled_from([OURS, THEIRS])


def save(connection: Connection, claim: Claim, state: str = "live") -> None:
    saves.save(connection, claim, Write(uuid4(), "alice", "", state, EMPTY))


def test_a_slug_without_a_page_gets_a_row(connection: Connection) -> None:
    claim = claims.claim(connection, SLUG, FENCE, OURS)
    row = row_of(connection, SLUG)
    assert (row.state, row.version, row.slot) == ("claimed", 0, slot(SLUG))
    assert (claim.slug, claim.fence, claim.owner) == (SLUG, FENCE, OURS)
    assert (claim.state, claim.version, claim.author) == ("claimed", 0, "")
    assert (claim.page_id, claim.updated_at) == (row.id, row.updated_at)
    assert (claim.live, claim.lease) == (False, None)
    assert mark_of(connection, SLUG) == (FENCE, OURS)


@pytest.mark.parametrize("state", ["live", "tombstone"])
def test_a_claim_returns_what_it_will_replace(connection: Connection, state: str) -> None:
    first = claims.claim(connection, SLUG, FENCE, OURS)
    save(connection, first, state)
    second = claims.claim(connection, SLUG, FENCE + 1, THEIRS)
    row = row_of(connection, SLUG)
    assert (second.page_id, second.version, second.state) == (first.page_id, 1, state)
    assert (second.author, second.updated_at) == ("alice", row.updated_at)
    assert second.live == (state == "live")


def test_a_claim_returns_the_lease(connection: Connection) -> None:
    lease, _ = edit_leases.take(connection, SLUG, "bob", AN_HOUR)
    assert claims.claim(connection, SLUG, FENCE, OURS).lease == lease


@pytest.mark.parametrize(
    ("fence", "owner", "refused"),
    [
        (FENCE + 1, THEIRS, False),
        (FENCE + 1, OURS, False),
        (FENCE, OURS, False),
        (FENCE, THEIRS, True),
        (FENCE - 1, THEIRS, True),
        (FENCE - 1, OURS, True),
    ],
)
def test_a_higher_fence_claims_and_an_equal_one_of_ours_again(
    connection: Connection, fence: int, owner: UUID, refused: bool
) -> None:
    claims.claim(connection, SLUG, FENCE, OURS)
    if refused:
        with pytest.raises(ClaimRefused) as caught:
            claims.claim(connection, SLUG, fence, owner)
        assert (str(caught.value), caught.value.stored_fence) == (SLUG, FENCE)
    else:
        claims.claim(connection, SLUG, fence, owner)
    assert mark_of(connection, SLUG) == ((FENCE, OURS) if refused else (fence, owner))


@given(data=st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_claims_of_several_are_as_those_of_each(
    connection: Connection, data: st.DataObject
) -> None:
    """And what is refused is left out."""
    names = [f"notes/{uuid4().hex}" for _ in range(4)]
    before, after = (
        {name: (data.draw(fences), data.draw(owners)) for name in data.draw(st.permutations(names))}
        for _ in range(2)
    )
    known = set[str]()
    for name in data.draw(st.lists(st.sampled_from(names), unique=True)):
        first = claims.claim(connection, name, *before[name])
        if data.draw(st.booleans()):
            save(connection, first)
        known.add(name)
    claimed = claims.claim_all(connection, after)
    for name, mark in after.items():
        stored = before[name]
        if name in known and mark != stored and mark[0] <= stored[0]:
            assert name not in claimed
            assert mark_of(connection, name) == stored
        else:
            assert claimed[name] == claims.claim(connection, name, *mark)
            assert mark_of(connection, name) == mark


def test_of_several_those_are_left_out_that_another_shard_has(connection: Connection) -> None:
    put_into_slot(connection, OTHER, mode="blocked")
    marks = {SLUG: (FENCE, OURS), OTHER: (FENCE, THEIRS)}
    assert list(claims.claim_all(connection, marks)) == [SLUG]
    with pytest.raises(Moved):
        claims.claim(connection, OTHER, FENCE, THEIRS)


def test_a_claim_is_of_one_page(connection: Connection) -> None:
    claims.claim(connection, SLUG, FENCE, OURS)
    claims.claim(connection, OTHER, FENCE - 1, THEIRS)
    claims.claim(connection, OTHER, FENCE + 1, THEIRS)
    assert mark_of(connection, SLUG) == (FENCE, OURS)
    with pytest.raises(ClaimRefused) as caught:
        claims.claim(connection, SLUG, 1, OURS)
    assert caught.value.stored_fence == FENCE


def test_a_row_that_is_gone_again_has_no_fence(connection: Connection) -> None:
    assert claims._stored_fence(connection, SLUG) == 0


def test_what_a_claim_leaves_as_it_was(connection: Connection) -> None:
    save(connection, claims.claim(connection, SLUG, FENCE, OURS))
    before = row_of(connection, SLUG)
    claims.claim(connection, SLUG, FENCE + 1, THEIRS)
    changed = {"fence": FENCE + 1, "owner": THEIRS}
    assert row_of(connection, SLUG)._asdict() == {**before._asdict(), **changed}


def test_a_page_that_is_moving_is_not_claimed(connection: Connection) -> None:
    claims.claim(connection, SLUG, FENCE, OURS)
    for name in (SLUG, OTHER):
        put_into_slot(connection, name, mode="blocked")
        with pytest.raises(Moved):
            claims.claim(connection, name, FENCE + 1, THEIRS)
    assert mark_of(connection, SLUG) == (FENCE, OURS)
    assert connection.scalars(select(pages.c.slug)).all() == [SLUG]


def _abandon(connection: Connection, **values: object) -> None:
    """A row that was claimed two hours ago, but for these values."""
    claims.claim(connection, SLUG, FENCE, OURS)
    long_ago = {"created_at": func.now() - 2 * AN_HOUR}
    put_into_row(connection, SLUG, **{**long_ago, **values})


@pytest.mark.parametrize(
    ("values", "removed"),
    [
        ({}, 1),
        ({"created_at": func.now() - AN_HOUR}, 0),
        ({"state": "live"}, 0),
        ({"state": "tombstone"}, 0),
        ({"lease_expires_at": func.now()}, 0),
        ({"lease_expires_at": func.now() - AN_HOUR}, 1),
    ],
    ids=["abandoned", "young", "live", "deleted", "leased", "lease over"],
)
def test_rows_that_never_became_a_page_are_removed(
    connection: Connection, values: dict[str, object], removed: int
) -> None:
    _abandon(connection, **values)
    claims.claim(connection, OTHER, FENCE, OURS)
    assert claims.remove_abandoned(connection, AN_HOUR) == removed
    left = set(connection.scalars(select(pages.c.slug)))
    assert left == ({OTHER} if removed else {SLUG, OTHER})
