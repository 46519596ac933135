"""Edit leases: what one keeps others from, and that nobody saves by a claim from before it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, event, func, select

from sheaf.database.tables import pages
from sheaf.hashing import slot
from sheaf.pages import claims, edit_leases, saves
from sheaf.pages.claims import Claim
from sheaf.pages.edit_leases import Lease, LeaseHeld
from sheaf.pages.saves import EMPTY, LockLost, Write
from sheaf.sharding.ownership import Moved
from tests.integration.sheaf.pages.marks import mark_of, put_into_row, put_into_slot, row_of

SLUG, OTHER = "notes/tea", "notes/coffee"
FENCE = 1000
OURS = UUID(int=1)
A_MINUTE = timedelta(minutes=1)
# A fence of the year 2033.
FAR_AHEAD = 2_000_000_000_000_000


def take(
    connection: Connection, holder: str, length: timedelta = A_MINUTE, *, over: bool = False
) -> Lease:
    return edit_leases.take(connection, SLUG, holder, length, take_over=over)[0]


def run_out(connection: Connection) -> None:
    put_into_row(connection, SLUG, lease_expires_at=func.statement_timestamp() - A_MINUTE)


def save(connection: Connection, claim: Claim) -> None:
    saves.save(connection, claim, Write(uuid4(), "alice", "", "live", EMPTY))


def claimed(connection: Connection) -> Claim:
    return claims.claim(connection, SLUG, FENCE, OURS)


def _first(connection: Connection) -> Claim:
    claim = claimed(connection)
    take(connection, "bob")
    return claim


def _take_over(connection: Connection) -> Claim:
    take(connection, "alice")
    claim = claimed(connection)
    take(connection, "bob", over=True)
    return claim


def _after_the_end(connection: Connection) -> Claim:
    take(connection, "alice")
    claim = claimed(connection)
    run_out(connection)
    take(connection, "bob")
    return claim


def _late_renewal(connection: Connection) -> Claim:
    """While the edit lease was over somebody else may have claimed the page."""
    take(connection, "bob")
    claim = claimed(connection)
    run_out(connection)
    take(connection, "bob")
    return claim


@pytest.mark.parametrize("taking", [_first, _take_over, _after_the_end, _late_renewal])
@pytest.mark.parametrize("mark", ["fence", "owner"])
def test_either_mark_that_a_lease_leaves_stops_who_claimed_before(
    connection: Connection, taking: Callable[[Connection], Claim], mark: str
) -> None:
    claim = taking(connection)
    fence, owner = mark_of(connection, SLUG)
    assert fence == FENCE + 1
    assert owner != OURS
    if mark == "fence":  # from now on the only one that is in the way
        put_into_row(connection, SLUG, owner=OURS)
    else:
        put_into_row(connection, SLUG, fence=FENCE)
    with pytest.raises(LockLost):
        save(connection, claim)


def test_renewing_leaves_the_marks_as_they_are(connection: Connection) -> None:
    take(connection, "bob")
    claim = claimed(connection)
    take(connection, "bob")
    assert mark_of(connection, SLUG) == (FENCE, OURS)
    save(connection, claim)


def test_a_slug_without_a_page_gets_a_row_that_any_lock_may_claim(connection: Connection) -> None:
    lease, is_new = edit_leases.take(connection, SLUG, "bob", A_MINUTE)
    row = row_of(connection, SLUG)
    assert (row.state, row.version, row.slot, row.fence) == ("claimed", 0, slot(SLUG), 0)
    assert (row.lease_holder, row.lease_fence) == ("bob", lease.fence)
    assert is_new
    claims.claim(connection, SLUG, 1, OURS)


def test_two_rows_that_were_made_by_leases_have_two_owners(connection: Connection) -> None:
    take(connection, "bob")
    edit_leases.take(connection, OTHER, "bob", A_MINUTE)
    assert mark_of(connection, SLUG)[1] != mark_of(connection, OTHER)[1]


def test_a_lease_says_who_holds_it_and_until_when(connection: Connection) -> None:
    lease = take(connection, "bob")
    row = row_of(connection, SLUG)
    assert (lease.holder, lease.seconds_left, lease.taken_from) == ("bob", 60, None)
    assert lease.expires_at == row.lease_expires_at == row.lease_taken_at + A_MINUTE
    assert edit_leases.find(connection, SLUG) == lease
    assert edit_leases.find(connection, OTHER) is None
    claims.claim(connection, OTHER, FENCE, OURS)
    assert edit_leases.find(connection, OTHER) is None


def test_seconds_are_rounded_up_and_never_negative(connection: Connection) -> None:
    assert take(connection, "bob", timedelta(milliseconds=30_001)).seconds_left == 31
    run_out(connection)
    found = edit_leases.find(connection, SLUG)
    assert found
    assert (found.holder, found.seconds_left) == ("bob", 0)


def test_only_the_request_takes_a_lease_from_who_holds_it(connection: Connection) -> None:
    held = take(connection, "alice")
    with pytest.raises(LeaseHeld) as caught:
        edit_leases.take(connection, SLUG, "bob", A_MINUTE)
    assert str(caught.value) == "alice"
    assert (caught.value.lease.holder, caught.value.lease.fence) == ("alice", held.fence)
    assert row_of(connection, SLUG).lease_holder == "alice"
    over, is_new = edit_leases.take(connection, SLUG, "bob", A_MINUTE, take_over=True)
    assert (over.holder, over.taken_from, is_new) == ("bob", "alice", True)
    assert over.fence > held.fence


def test_only_the_time_keeps_a_lease_from_others(connection: Connection) -> None:
    held = take(connection, "alice")
    run_out(connection)
    taken, is_new = edit_leases.take(connection, SLUG, "bob", A_MINUTE)
    assert (taken.holder, taken.taken_from, is_new) == ("bob", None, True)
    assert taken.fence > held.fence


def test_one_kept_out_by_a_lease_that_is_over_takes_it_at_once(connection: Connection) -> None:
    take(connection, "alice")

    @event.listens_for(connection, "after_cursor_execute", once=True)
    def end_between_two_statements(*_: object) -> None:
        run_out(connection)

    taken, is_new = edit_leases.take(connection, SLUG, "bob", A_MINUTE)
    assert (taken.holder, taken.seconds_left, is_new) == ("bob", 60, True)
    assert edit_leases.find(connection, SLUG) == taken


def test_the_holder_renews_under_the_same_fence(connection: Connection) -> None:
    first = take(connection, "bob")
    taken_at = row_of(connection, SLUG).lease_taken_at
    renewed, is_new = edit_leases.take(connection, SLUG, "bob", 2 * A_MINUTE)
    assert (renewed.fence, renewed.seconds_left, is_new) == (first.fence, 120, False)
    assert row_of(connection, SLUG).lease_taken_at == taken_at
    shorter = take(connection, "bob", A_MINUTE / 2)
    assert shorter.seconds_left == 30


def test_a_late_renewal_has_the_same_fence_and_begins_anew(connection: Connection) -> None:
    first = take(connection, "bob")
    taken_at = row_of(connection, SLUG).lease_taken_at
    run_out(connection)
    renewed, is_new = edit_leases.take(connection, SLUG, "bob", A_MINUTE)
    assert (renewed.fence, renewed.seconds_left, is_new) == (first.fence, 60, True)
    assert row_of(connection, SLUG).lease_taken_at > taken_at


def test_the_holder_before_is_known_as_long_as_the_lease_lives(connection: Connection) -> None:
    take(connection, "alice")
    take(connection, "bob", over=True)
    assert take(connection, "bob").taken_from == "alice"
    assert take(connection, "bob", over=True).taken_from == "alice"
    run_out(connection)
    assert take(connection, "bob").taken_from is None
    assert take(connection, "carol", over=True).taken_from == "bob"


def test_the_fence_of_a_lease_is_never_below_the_clock(connection: Connection) -> None:
    """Rows may be removed: what begins again has to go on above what was there."""
    now = func.floor(func.extract("epoch", func.statement_timestamp()) * 1_000_000)
    before = connection.scalar(select(now))
    first = take(connection, "alice")
    between = connection.scalar(select(now))
    second = take(connection, "bob", over=True)
    assert before <= first.fence <= between <= second.fence <= connection.scalar(select(now))


def test_the_fence_of_a_lease_rises_though_the_clock_was_ahead(connection: Connection) -> None:
    take(connection, "alice")
    put_into_row(connection, SLUG, lease_fence=FAR_AHEAD)
    assert take(connection, "bob", over=True).fence == FAR_AHEAD + 1


def test_a_lease_leaves_the_page_as_it_was(connection: Connection) -> None:
    save(connection, claimed(connection))
    before = row_of(connection, SLUG)._asdict()
    take(connection, "bob")
    after = row_of(connection, SLUG)._asdict()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {
        "fence", "owner", "lease_holder", "lease_fence", "lease_taken_at", "lease_expires_at",
    }  # fmt: skip


def test_giving_up_ends_the_lease_and_keeps_its_name(connection: Connection) -> None:
    lease = take(connection, "bob")
    edit_leases.take(connection, OTHER, "bob", A_MINUTE)
    put_into_row(connection, OTHER, slot=slot(SLUG))
    marks = mark_of(connection, SLUG)
    assert edit_leases.give_up(connection, SLUG, "bob")
    found = edit_leases.find(connection, SLUG)
    assert found
    assert (found.holder, found.fence, found.seconds_left) == ("bob", lease.fence, 0)
    assert mark_of(connection, SLUG) == marks
    assert not edit_leases.give_up(connection, SLUG, "bob")
    other = edit_leases.find(connection, OTHER)
    assert other
    assert other.seconds_left == 60


def test_only_the_slug_says_whose_lease_is_given_up(connection: Connection) -> None:
    take(connection, "bob")
    edit_leases.take(connection, OTHER, "bob", A_MINUTE)
    put_into_row(connection, OTHER, slot=slot(SLUG))
    assert edit_leases.give_up(connection, SLUG, "bob")
    other = edit_leases.find(connection, OTHER)
    assert other
    assert other.seconds_left == 60


def test_nobody_gives_up_what_is_anothers_or_nobodys(connection: Connection) -> None:
    assert not edit_leases.give_up(connection, SLUG, "bob")
    take(connection, "alice")
    with pytest.raises(LeaseHeld):
        edit_leases.give_up(connection, SLUG, "bob")
    run_out(connection)
    expired = row_of(connection, SLUG).lease_expires_at
    assert not edit_leases.give_up(connection, SLUG, "bob")
    assert not edit_leases.give_up(connection, SLUG, "alice")
    assert row_of(connection, SLUG).lease_expires_at == expired


def _take(connection: Connection, slug: str) -> object:
    return edit_leases.take(connection, slug, "bob", A_MINUTE, take_over=True)


def _give_up(connection: Connection, slug: str) -> object:
    return edit_leases.give_up(connection, slug, "bob")


@pytest.mark.parametrize("change", [_take, _give_up])
@pytest.mark.parametrize("owned", [{"mode": "blocked"}, {"from_epoch": 2}])
def test_leases_of_a_page_that_moves_stay_as_they_are(
    connection: Connection, change: Callable[[Connection, str], object], owned: dict[str, Any]
) -> None:
    take(connection, "bob")
    before = row_of(connection, SLUG)
    for slug in (SLUG, OTHER):
        put_into_slot(connection, slug, **owned)
        with pytest.raises(Moved):
            change(connection, slug)
    assert row_of(connection, SLUG) == before
    assert connection.scalars(select(pages.c.slug)).all() == [SLUG]


def test_a_row_of_a_slot_that_is_not_the_slugs_is_left_alone(connection: Connection) -> None:
    take(connection, "bob")
    put_into_row(connection, SLUG, slot=slot(OTHER))
    assert not edit_leases.give_up(connection, SLUG, "bob")
