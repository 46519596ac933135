"""Claims: a writer's mark on a page's row, made before it reads.

The lock's fence and the writer's id go into the row first; every later write must find them
unchanged. So whatever happens to the lock service, a writer whose claim was superseded cannot
write any more, and what it read after its claim is what it will replace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.sql.dml import ReturningInsert

from sheaf.database.tables import pages
from sheaf.database.transactions import at_once
from sheaf.pages import edit_leases, events
from sheaf.pages.edit_leases import Lease
from sheaf.pages.reads import is_stale
from sheaf.sharding import ownership

_NOBODY = UUID(int=0)


class ClaimRefused(Exception):
    """The page was claimed with a fence as high as ours, or higher: `stored_fence`."""

    def __init__(self, slug: str, stored_fence: int) -> None:
        super().__init__(slug)
        self.stored_fence = stored_fence


@dataclass(frozen=True)
class Claim:
    """The page as it was when we claimed it, and the mark that lets us write it."""

    slug: str
    fence: int
    owner: UUID
    page_id: UUID
    version: int
    state: str
    author: str
    updated_at: datetime
    # By which the author of the last write knows it again, if no answer came.
    write_id: UUID | None = None
    blob: str = ""
    title: str = ""
    tags: Sequence[str] = ()
    file: str = ""
    # Where the page went, if it has moved away.
    moved_to: str | None = None
    # Whether it is to be rendered anew.
    stale: bool = False
    # How that version came about, if by other than an edit.
    origin: str = ""
    # The last edit lease, alive or not: whether it lets us write is for the writer to say.
    lease: Lease | None = None

    @property
    def live(self) -> bool:
        """Whether there is a page that people can read."""
        return self.state == "live"

    @property
    def moved_away(self) -> bool:
        """Whether a page was here that has moved, and not only an alias of one."""
        return self.moved_to is not None and self.origin != events.ALIAS


def claim(connection: Connection, slug: str, fence: int, owner: UUID) -> Claim:
    """Mark the page's row as ours and return what it holds, in one statement.

    A slug without a page gets a row in state `claimed`, version 0. An equal fence with the
    same owner is our own earlier claim and is accepted again. Raises ClaimRefused, or Moved if the
    slug is another shard's.
    """
    mine = {"claimed_slug": slug, "claimed_fence": fence, "claimed_owner": owner}
    row = connection.execute(_CLAIM, mine | ownership.key(connection, slug)).one_or_none()
    if row is None:
        ownership.check_writable(connection, slug)
        raise ClaimRefused(slug, _stored_fence(connection, slug))
    return _claim_of(tuple(row), slug, fence, owner)


def claim_all(connection: Connection, marks: Mapping[str, tuple[int, UUID]]) -> dict[str, Claim]:
    """As `claim`, of several pages in one statement, with fence and owner of each: those of the
    pages that could be claimed. Why another could not, `claim` says."""
    slugs = list(marks)
    fences, owners = zip(*marks.values(), strict=True)
    mine = {"slugs": slugs, "fences": list(fences), "owners": list(owners)}
    rows = connection.execute(_CLAIM_ALL, mine | ownership.keys(connection, slugs))
    return {slug: _claim_of(tuple(row), slug, *marks[slug]) for *row, slug in rows}


def look(connection: Connection, slug: str) -> Claim:
    """What a claim would return, without a mark in the row: nothing can be written with it."""
    row = connection.execute(_LOOK, {"slug": slug}).one_or_none()
    if row is None:
        return Claim(slug, 0, _NOBODY, _NOBODY, 0, "claimed", "", datetime.now(UTC))
    return _claim_of(tuple(row), slug, 0, _NOBODY)


def _claim_of(row: tuple[Any, ...], slug: str, fence: int, owner: UUID) -> Claim:
    lease = edit_leases.of_row(row[len(_PAGE) :])
    return Claim(slug, fence, owner, *(*row[: len(_PAGE)], lease))


def _stored_fence(connection: Connection, slug: str) -> int:
    statement = select(pages.c.fence).where(pages.c.slug == slug)
    return connection.execute(statement).scalar_one_or_none() or 0


_PAGE = (
    pages.c.id,
    pages.c.version,
    pages.c.state,
    pages.c.author,
    pages.c.updated_at,
    pages.c.write_id,
    pages.c.blob,
    pages.c.title,
    pages.c.tags,
    pages.c.file,
    pages.c.moved_to,
    is_stale,
    case((pages.c.origin_version == pages.c.version, pages.c.origin), else_="").label("origin"),
)


def _claim() -> ReturningInsert[Any]:
    slug = bindparam("claimed_slug", type_=pages.c.slug.type)
    fence = bindparam("claimed_fence", type_=pages.c.fence.type)
    owner = bindparam("claimed_owner", type_=pages.c.owner.type)
    return _marking(select(slug, ownership.writable().c.slot, fence, owner), pages.c.slug == slug)


def _claim_all() -> ReturningInsert[Any]:
    slugs = bindparam("slugs", type_=ARRAY(Text))
    fences = bindparam("fences", type_=ARRAY(BigInteger))
    owners = bindparam("owners", type_=ARRAY(pages.c.owner.type))
    wanted = func.unnest(slugs, ownership.SLOTS, fences, owners)
    marks = wanted.table_valued("slug", "slot", "fence", "owner").render_derived().c
    is_owned = marks.slot == ownership.writable_of_several().c.slot
    # In one order, so that nobody waits in a circle.
    rows = select(marks.slug, marks.slot, marks.fence, marks.owner).order_by(marks.slug)
    claiming = _marking(rows.where(is_owned), pages.c.slug == func.any(slugs))
    return claiming.returning(pages.c.slug)


def _marking(marks: Select[Any], is_marked: ColumnElement[bool]) -> ReturningInsert[Any]:
    """Slug, slot, fence and owner of new rows, or a mark in a row that is there; waits for none."""
    marks = marks.add_columns(literal("claimed"), literal(0))
    free = at_once(select(pages.c.id).where(is_marked))
    claiming = insert(pages).from_select(_MARKED, marks.where(free))
    theirs, ours = pages.c, claiming.excluded
    is_older = theirs.fence < ours.fence
    is_mine = and_(theirs.fence == ours.fence, theirs.owner == ours.owner)
    return claiming.on_conflict_do_update(
        index_elements=[theirs.slug],
        set_={"fence": ours.fence, "owner": ours.owner},
        where=or_(is_older, is_mine),
    ).returning(*_PAGE, *edit_leases.COLUMNS)


_MARKED = ("slug", "slot", "fence", "owner", "state", "version")
# Built once: building a statement takes longer than running it.
_CLAIM, _CLAIM_ALL = _claim(), _claim_all()
_LOOK = select(*_PAGE, *edit_leases.COLUMNS).where(pages.c.slug == bindparam("slug"))


def remove_abandoned(connection: Connection, after: timedelta) -> int:
    """Remove rows that were claimed long ago and never became a page; says how many.

    Not those that somebody has an edit lease on.
    """
    statement = delete(pages).where(
        pages.c.state == "claimed",
        pages.c.created_at < func.now() - after,
        func.coalesce(pages.c.lease_expires_at < func.now(), True),
    )
    return connection.execute(statement).rowcount
