"""Ownership: each shard knows which slots are its own, and refuses callers with an older map.

A caller that routes by the slot map may have an old one. So it is the shard that decides, in the
very statement that writes, or after a read before its result counts. The epoch of the map that was
followed comes with the connection (see shards.py).
"""

from collections.abc import Iterable

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Select,
    SmallInteger,
    all_,
    and_,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from sheaf.database.tables import reader_epochs, slot_owners
from sheaf.hashing import slot

# The parameter of `keys`.
SLOTS = bindparam("owned_slots", type_=ARRAY(SmallInteger))
_SLOT = bindparam("owned_slot", type_=SmallInteger)
_EPOCH = bindparam("map_epoch", type_=BigInteger)
_IS_SETTLED = slot_owners.c.mode == "owned"
_OWNED = and_(slot_owners.c.from_epoch <= _EPOCH, _IS_SETTLED)


class Moved(Exception):
    """The shard does not own the slot any more or not yet, or not by this map."""


def key(connection: Connection, name: str) -> dict[str, object]:
    """The parameters by which a statement asks if a slug or handle may be written here."""
    return {**epoch(connection), "owned_slot": slot(name)}


def keys(connection: Connection, names: Iterable[str]) -> dict[str, object]:
    """As `key`, for several, in their order."""
    return {**epoch(connection), "owned_slots": [slot(name) for name in names]}


def epoch(connection: Connection | Engine) -> dict[str, object]:
    """The parameter that says which map was followed."""
    return {"map_epoch": connection.get_execution_options()["map_epoch"]}


def writable() -> CTE:
    """The slot, if it may be written here; no row otherwise. Takes the parameters of `key`.

    Locked until the statement's end: a slot that moves waits for the writes that have begun.
    """
    return _locked(slot_owners.c.slot == _SLOT).cte("owned")


def writable_of_several() -> CTE:
    """Those of several slots that may be written here, as `writable`, by what `keys` gives."""
    return _several_locked().cte("owned")


def _several_locked() -> Select[tuple[int]]:
    # In one order, so that nobody waits in a circle.
    return _locked(slot_owners.c.slot == func.any(SLOTS)).order_by(slot_owners.c.slot)


def _locked(wanted: ColumnElement[bool]) -> Select[tuple[int]]:
    slots: Select[tuple[int]] = select(slot_owners.c.slot).where(wanted, _OWNED)
    return slots.with_for_update(read=True)


def settled() -> Select[tuple[int]]:
    """The slots that this shard has and that are on their way to or from no other, by any map."""
    slots: Select[tuple[int]] = select(slot_owners.c.slot).where(_IS_SETTLED)
    return slots


def readable(column: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a row with this slot is to be read here (takes the parameter of `epoch`).

    While slots move, both shards have rows of them, and each has the slots noted. Outside of that
    nothing is excluded, and no index need be read for it. With too old a map no row is found at
    all, so only a caller that finds none has to `check_up_to_date`.
    """
    # Two conditions, each with an index: together they would be looked for in all 4096 rows. As
    # arrays, because of NOT IN PostgreSQL believes that it leaves out half of the rows.
    arriving = select(slot_owners.c.slot).where(slot_owners.c.from_epoch > _EPOCH)
    gone = select(slot_owners.c.slot).where(slot_owners.c.until_epoch <= _EPOCH)
    conditions = (column != all_(func.array(one.scalar_subquery())) for one in (arriving, gone))
    return and_(*conditions, is_up_to_date())


def is_up_to_date() -> ColumnElement[bool]:
    """Whether the map that was followed is no older than this shard allows (as `readable`)."""
    return _UP_TO_DATE.exists()


_VALID = and_(
    slot_owners.c.from_epoch <= _EPOCH,
    or_(slot_owners.c.until_epoch.is_(None), slot_owners.c.until_epoch > _EPOCH),
)
_UP_TO_DATE = select(reader_epochs.c.id).where(reader_epochs.c.least <= _EPOCH)
_READABLE = _UP_TO_DATE.where(
    select(slot_owners.c.slot).where(slot_owners.c.slot == _SLOT, _VALID).exists()
)
_WRITABLE = select(writable().c.slot)
_WRITABLE_ONES = _several_locked()


def check_readable(connection: Connection, name: str) -> None:
    """Raise Moved unless what was read here of a slug or handle was up to date."""
    if connection.execute(_READABLE, key(connection, name)).one_or_none() is None:
        raise Moved(name)


def check_up_to_date(connection: Connection) -> None:
    """Raise Moved unless what was read here of all slots was up to date."""
    if connection.execute(_UP_TO_DATE, epoch(connection)).one_or_none() is None:
        raise Moved("the slot map is old")


def check_writable(connection: Connection, name: str) -> None:
    """Raise Moved unless a slug or handle may be written here."""
    if connection.execute(_WRITABLE, key(connection, name)).one_or_none() is None:
        raise Moved(name)


def lock_writable(connection: Connection, names: Iterable[str]) -> None:
    """Keep the slots of several names here until the transaction ends; raises Moved."""
    wanted = set(map(slot, names))
    parameters = {**epoch(connection), "owned_slots": list(wanted)}
    if wanted - set(connection.execute(_WRITABLE_ONES, parameters).scalars()):
        raise Moved("one of several slots")
