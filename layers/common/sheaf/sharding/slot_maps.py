"""The slot map as it is stored: in the home shard, each epoch a row; and each shard's own part."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from sheaf.database.tables import slot_maps, slot_owners
from sheaf.sharding.slot_map import SlotMap


def newest(connection: Connection) -> SlotMap | None:
    """The map that counts; None before the first migration is over."""
    columns = (slot_maps.c.epoch, slot_maps.c.owners)
    statement = select(*columns).order_by(slot_maps.c.epoch.desc()).limit(1)
    row = connection.execute(statement).one_or_none()
    return SlotMap(*tuple(row)) if row else None


def publish(connection: Connection, slot_map: SlotMap) -> None:
    """Make this the map that counts. It is no error if it is there already."""
    row = {"epoch": slot_map.epoch, "owners": slot_map.owners}
    connection.execute(insert(slot_maps).values(row).on_conflict_do_nothing())


def own(connection: Connection, slot_map: SlotMap, shard: int) -> None:
    """Tell a new shard which slots are its own. It is no error if it knows already."""
    rows = [
        {"slot": number, "from_epoch": slot_map.epoch, "mode": "owned"}
        for number in slot_map.slots_of(shard)
    ]
    if rows:
        connection.execute(insert(slot_owners).values(rows).on_conflict_do_nothing())
