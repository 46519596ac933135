"""Edit leases: one person says "I am editing this page", for a while, and others are told so.

A lease lives in the page's own row, for this makes it as safe as a claim. A claim reads the row
that it locks, so no lease that was taken a moment before escapes it, however long it had to wait;
a separate table would be read as it was when the claim's statement began. And taking a lease also
raises the row's fence and puts a new owner there: a writer who had made a claim before can no
longer save. What a lease decides is decided by one statement each, by the database's clock.

The fence of a lease names one holding: it rises whenever somebody else takes the lease and
stays when the holder renews it, even late. So "is it still mine?" asks for fence and holder, never
for a time. It is never below the clock in microseconds, so that rows may be removed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    Interval,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    case,
    cast,
    extract,
    func,
    literal,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from sheaf.database.tables import pages
from sheaf.database.transactions import at_once
from sheaf.sharding import ownership

_page = pages.c
# One instant throughout a statement, so that its conditions cannot contradict each other.
_NOW: ColumnElement[datetime] = func.statement_timestamp(type_=DateTime(timezone=True))
_ROW = select(_page.id).where(_page.slug == bindparam("leased_slug"))
_LIVE = and_(_page.lease_holder.is_not(None), _page.lease_expires_at > _NOW)
_MICROSECONDS = func.floor(extract("epoch", _NOW) * 1_000_000)
_SECONDS_LEFT = func.greatest(0, func.ceil(extract("epoch", _page.lease_expires_at - _NOW)))


@dataclass(frozen=True)
class Lease:
    """The last lease of a page: `seconds_left`, rounded up, is 0 when it has run out."""

    holder: str
    fence: int
    seconds_left: int
    expires_at: datetime
    # The one that the holder took it from, if it was alive then.
    taken_from: str | None


# What a statement that locks or reads the page's row has to return for `of_row`.
COLUMNS: tuple[ColumnElement[Any], ...] = (
    _page.lease_holder,
    _page.lease_fence,
    cast(_SECONDS_LEFT, Integer).label("seconds_left"),
    _page.lease_expires_at,
    _page.lease_taken_from,
)


class LeaseHeld(Exception):
    """Somebody else holds the lease."""

    def __init__(self, slug: str, lease: Lease) -> None:
        super().__init__(lease.holder)
        self.slug = slug
        self.lease = lease


def of_row(values: tuple[Any, ...]) -> Lease | None:
    """The lease in the values of COLUMNS; None if there never was one."""
    return Lease(*values) if values[0] is not None else None


def find(connection: Connection, slug: str) -> Lease | None:
    """The last lease of a page, alive or not; None if there never was one."""
    row = connection.execute(_FIND, {"leased_slug": slug}).one_or_none()
    return of_row(tuple(row)) if row else None


def take(
    connection: Connection, slug: str, holder: str, length: timedelta, *, take_over: bool = False
) -> tuple[Lease, bool]:
    """Take the lease for `length` from now, or renew it; the lease, and whether it is new.

    `take_over` takes it away from another holder, too; else LeaseHeld is raised. A slug without
    a page gets a row in state `claimed`, as with a claim. Raises Moved if it is another shard's.
    """
    wanted = {"leased_slug": slug, "holder": holder, "length": length, "take_over": take_over}
    row = connection.execute(_TAKE, wanted | ownership.key(connection, slug)).one_or_none()
    if row:
        lease, is_new = Lease(*tuple(row)[:-1]), row[-1]
        return lease, is_new
    ownership.check_writable(connection, slug)
    _raise_if_held(connection, slug, holder)
    # The holder that kept us out is gone already.
    return take(connection, slug, holder, length, take_over=take_over)


def give_up(connection: Connection, slug: str, holder: str) -> bool:
    """End the holder's lease now; False if nobody holds one. Raises LeaseHeld or Moved."""
    mine = {"leased_slug": slug, "holder": holder} | ownership.key(connection, slug)
    if connection.execute(_GIVE_UP, mine).one_or_none():
        return True
    ownership.check_writable(connection, slug)
    _raise_if_held(connection, slug, holder)
    return False


def _raise_if_held(connection: Connection, slug: str, holder: str) -> None:
    lease = find(connection, slug)
    if lease and lease.seconds_left and lease.holder != holder:
        raise LeaseHeld(slug, lease)


def _find() -> Select[Any]:
    return select(*COLUMNS).where(_page.slug == bindparam("leased_slug"))


def _take() -> ReturningInsert[Any]:
    me = bindparam("holder", type_=Text)
    expires_at = _NOW + bindparam("length", type_=Interval)
    mine = _page.lease_holder == me
    kept = and_(mine, _LIVE)
    owned = ownership.writable()
    columns = {
        "slug": bindparam("leased_slug", type_=_page.slug.type),
        "slot": owned.c.slot,
        "state": literal("claimed"),
        "version": literal(0),
        # No lock was taken yet: any holder's fence is higher.
        "fence": literal(0),
        "owner": func.gen_random_uuid(),
        "lease_holder": me,
        "lease_fence": _MICROSECONDS,
        "lease_taken_at": _NOW,
        "lease_expires_at": expires_at,
    }
    taking = insert(pages).from_select(
        list(columns), select(*columns.values()).where(at_once(_ROW))
    )
    next_fence = func.greatest(_page.lease_fence + 1, _MICROSECONDS)
    robbed = case((_LIVE, _page.lease_holder))
    return taking.on_conflict_do_update(
        index_elements=[_page.slug],
        set_={
            # A writer that claimed the page before this lease was there may not save any more.
            "fence": case((kept, _page.fence), else_=_page.fence + 1),
            "owner": case((kept, _page.owner), else_=func.gen_random_uuid()),
            "lease_holder": me,
            "lease_fence": case((mine, _page.lease_fence), else_=next_fence),
            "lease_taken_at": case((kept, _page.lease_taken_at), else_=_NOW),
            "lease_taken_from": case((kept, _page.lease_taken_from), else_=robbed),
            "lease_expires_at": expires_at,
        },
        where=or_(mine, not_(_LIVE), bindparam("take_over", type_=Boolean)),
    ).returning(*COLUMNS, (_page.lease_taken_at == _NOW).label("is_new"))


def _give_up() -> ReturningUpdate[Any]:
    mine = _page.lease_holder == bindparam("holder")
    ending: Update = update(pages).values(lease_expires_at=_NOW)
    here = and_(_page.slot == ownership.writable().c.slot, _page.slug == bindparam("leased_slug"))
    return ending.where(at_once(_ROW), here, mine, _LIVE).returning(_page.slug)


# Built once: building a statement takes longer than running it.
_FIND, _TAKE, _GIVE_UP = _find(), _take(), _give_up()
