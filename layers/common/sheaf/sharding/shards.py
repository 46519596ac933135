"""Shards: the databases, and which of them holds a slug."""

import time
from collections.abc import Callable
from functools import cache, lru_cache
from random import uniform
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine

from sheaf import settings
from sheaf.database import connections
from sheaf.database.outages import DRIVER_ERRORS, Unavailable, raise_translated, translated
from sheaf.sharding import ownership, slot_maps
from sheaf.sharding.ownership import Moved
from sheaf.sharding.slot_maps import SlotMap

P = ParamSpec("P")
T = TypeVar("T")
# What is done with a connection to the shard that has a slug or handle, and with that name.
Work: TypeAlias = Callable[Concatenate[Connection, str, P], T]

# The shard that also holds what belongs to no slug.
HOME = 0
# A map this old may be wrong without anybody telling: the shard may be gone.
_MAP_SECONDS = 60
_MOVE_SECONDS = 1.5


class _Route:
    """The slot map that this process follows, and when it was read (by the wall clock)."""

    slot_map: SlotMap | None = None
    read_at = 0.0


_route = _Route()


class NotMigrated(RuntimeError):
    """There is no slot map, or it names shards that SHEAF_DATABASE_URLS does not."""


def home() -> Engine:
    """The shard that also holds what belongs to no slug, such as the signing keys.

    Each statement on it is a transaction of its own, which saves BEGIN and COMMIT their round
    trips (`transactions` is for what takes several statements).
    """
    return at(HOME)


def at(number: int) -> Engine:
    """A shard by its number: its place in SHEAF_DATABASE_URLS."""
    return _engine(settings.current().database_urls[number])


def apart(number: int) -> Engine:
    """A shard over a connection of its own, which the caller keeps and disposes of in the end."""
    return connections.engine(settings.current().database_urls[number])


def everywhere() -> list[Engine]:
    """All shards, those that own no slot included, in the order of their numbers."""
    return [at(number) for number in range(len(settings.current().database_urls))]


def owning(name: str) -> Engine:
    """The shard that holds this slug or handle, by the map that this process follows."""
    slot_map = current_map()
    return _following(slot_map.owner(name), slot_map.epoch)


def following(number: int) -> Engine:
    """A shard by its number, for what follows the map that this process follows."""
    return _following(number, current_map().epoch)


def all_owning() -> list[Engine]:
    """All shards that own slots, by the same map, in the order of their numbers."""
    slot_map = current_map()
    return [_following(number, slot_map.epoch) for number in sorted(set(slot_map.owners))]


@lru_cache(maxsize=512)
def _following(number: int, epoch: int) -> Engine:
    """The shard, for statements that follow the map of this epoch (see ownership.py)."""
    return at(number).execution_options(map_epoch=epoch)


def current_map() -> SlotMap:
    """The slot map that this process follows; raises NotMigrated."""
    if not _route.slot_map or abs(time.time() - _route.read_at) > _MAP_SECONDS:
        with home().connect() as connection:
            found = slot_maps.newest(connection)
        if found is None or max(found.owners) >= len(settings.current().database_urls):
            raise NotMigrated("the databases do not fit the slot map: run the migration")
        _route.slot_map, _route.read_at = found, time.time()
    return _route.slot_map


def forget_map() -> None:
    """Read the slot map again when it is needed next."""
    _route.slot_map = None


def read(name: str, work: Work[P, T], *args: P.args, **options: P.kwargs) -> T:
    """What `work` reads of a slug or handle, where it is kept; raises Unavailable."""

    def attempt() -> T:
        with owning(name).connect() as connection:
            found = work(connection, name, *args, **options)
            ownership.check_readable(connection, name)
        return found

    return following_moves(attempt)


def write(name: str, work: Work[P, T], *args: P.args, **options: P.kwargs) -> T:
    """What `work` returns that writes a slug or handle, where it is kept; raises Unavailable.

    Its statements ask if the shard has the slot (see ownership.py), and have it raise Moved.
    """

    def attempt() -> T:
        with owning(name).connect() as connection:
            return work(connection, name, *args, **options)

    return following_moves(attempt)


def on(
    number: int, work: Callable[Concatenate[Connection, P], T], *args: P.args, **options: P.kwargs
) -> T:
    """What `work` does on the shard of this number, whatever its slots; raises Unavailable."""

    def attempt() -> T:
        with at(number).connect() as connection:
            return work(connection, *args, **options)

    return following_moves(attempt)


def following_moves(work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """What `work` returns, done again with a newer map while it raises Moved; raises Unavailable.

    While a slot moves, it cannot be written for some tenths of a second. A work of which a database
    has done nothing, since the session was of no more use, is done again once, in another session.
    """
    give_up_at, renewed = time.monotonic() + _MOVE_SECONDS, False
    while True:
        try:
            return work(*args, **options)
        except Moved as moved:
            forget_map()
            if time.monotonic() > give_up_at:
                raise Unavailable("slots are on their way to another shard") from moved
            time.sleep(uniform(0.01, 0.05))  # noqa: S311
        except (*DRIVER_ERRORS, Unavailable) as error:
            fault = translated(error)
            if renewed or not isinstance(fault, Unavailable) or not fault.undone:
                raise_translated(error)
            renewed = True


def dispose() -> None:
    """Close all connections, and forget the map."""
    for engine in everywhere():
        engine.dispose()
    forget_map()


@cache
def _engine(address: str) -> Engine:
    return connections.engine(address)
