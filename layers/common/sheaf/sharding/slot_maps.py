"""The slot map: which shard owns which hash slot, and which slots move when shards change.

The map is explicit: it is stored and has an epoch, so everybody can say which map they mean.
Rendezvous hashing (Thaler and Ravishankar, 1998) only chooses which slots move, so that few do and
all who plan the same change get the same plan. Each epoch's map is a row in the home
shard, and each shard knows its own part.
"""

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from sheaf.database.tables import slot_maps, slot_owners
from sheaf.hashing import SLOTS, slot


@dataclass(frozen=True)
class Move:
    """A slot that changes its owner."""

    slot: int
    source: int
    target: int


@dataclass(frozen=True)
class SlotMap:
    """The owner of each slot, a shard's number; the epoch rises with each change."""

    epoch: int
    owners: bytes

    def __post_init__(self) -> None:
        if len(self.owners) != SLOTS:
            raise ValueError(f"a slot map has {SLOTS} slots, not {len(self.owners)}")

    @classmethod
    def even(cls, shards: int, epoch: int = 1) -> "SlotMap":
        """A map of all slots over `shards` shards, none with more than one slot above another."""
        return cls(epoch, bytes(number * shards // SLOTS for number in range(SLOTS)))

    def owner(self, name: str) -> int:
        """The shard that owns a slug or handle."""
        return self.owners[slot(name)]

    def slots_of(self, shard: int) -> list[int]:
        """The slots that a shard owns."""
        return [number for number, owner in enumerate(self.owners) if owner == shard]

    def moves_to(self, shards: int) -> list[Move]:
        """The moves after which all slots are spread evenly over shards 0 to `shards` - 1.

        No fewer moves would do. Slots of shards that go are all moved.
        """
        sizes = _even_sizes(self.owners, shards)
        leaving = self._surplus(sizes)
        room = [size - self.owners.count(shard) for shard, size in enumerate(sizes)]
        moves = []
        for number in leaving:
            open_shards = [shard for shard in range(shards) if room[shard] > 0]
            target = max(open_shards, key=lambda shard: _weight(number, shard))
            room[target] -= 1
            moves.append(Move(number, self.owners[number], target))
        return moves

    def _surplus(self, sizes: list[int]) -> list[int]:
        """The slots that have to leave: of each shard those that weigh least there."""
        leaving = []
        for shard in sorted(set(self.owners)):
            mine = sorted(self.slots_of(shard), key=lambda number: _weight(number, shard))
            keep = sizes[shard] if shard < len(sizes) else 0
            leaving += mine[: max(0, len(mine) - keep)]
        return sorted(leaving)

    def after(self, moves: list[Move]) -> "SlotMap":
        """The next map: with these moves done."""
        owners = bytearray(self.owners)
        for move in moves:
            owners[move.slot] = move.target
        return SlotMap(self.epoch + 1, bytes(owners))


def _even_sizes(owners: bytes, shards: int) -> list[int]:
    """How many slots each shard shall have: the odd ones go to those that have most already."""
    size, odd = divmod(SLOTS, shards)
    by_load = sorted(range(shards), key=lambda shard: (-owners.count(shard), shard))
    return [size + (shard in by_load[:odd]) for shard in range(shards)]


def _weight(number: int, shard: int) -> bytes:
    return hashlib.sha256(b"%d %d" % (number, shard)).digest()[:8]


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
