"""The migration of all databases: their schema, the first signing key, the first slot map."""

from collections.abc import Sequence

from sqlalchemy import URL, Connection, Engine, select

from sheaf.database import schema, signing_keys
from sheaf.database.tables import pages
from sheaf.database.transactions import prepares
from sheaf.sharding import slot_maps
from sheaf.sharding.slot_maps import SlotMap


class NonePrepared(RuntimeError):
    """Databases of a site that has several can do nothing together with others."""

    def __init__(self, urls: Sequence[URL]) -> None:
        where = ", ".join(
            f"{url.host or 'localhost'}:{url.port or 5432}/{url.database}" for url in urls
        )
        super().__init__(
            f"max_prepared_transactions is 0 at {where}, and a site on several databases needs more"
            " on each, 64 say. Set it, and start PostgreSQL again."
        )


def upgrade(engines: Sequence[Engine]) -> list[str]:
    """Bring all databases, the home shard first, to the newest schema.

    Returns the ids of the migrations that ran. The first time the slots are spread over all
    databases; those added later own none until `sheaf reshard` gives them some.
    Raises NonePrepared before anything is done.
    """
    if len(engines) > 1:
        _check_prepares(engines)
    ran = [revision for engine in engines for revision in schema.upgrade(engine)]
    with engines[0].begin() as home:
        if not signing_keys.all_secrets(home):
            signing_keys.add_secret(home)
        first_map = None if slot_maps.newest(home) else _first_map(home, len(engines))
    if first_map:
        _spread(first_map, engines)
    return list(dict.fromkeys(ran))


def _check_prepares(engines: Sequence[Engine]) -> None:
    unable = []
    for engine in engines:
        with engine.connect() as connection:
            if not prepares(connection):
                unable.append(engine.url)
    if unable:
        raise NonePrepared(unable)


def _first_map(home: Connection, count: int) -> SlotMap:
    """The map of a new site: even, unless there are pages already, which are all at home."""
    has_pages = home.execute(select(pages.c.id).limit(1)).one_or_none() is not None
    return SlotMap.even(1 if has_pages else count)


def _spread(slot_map: SlotMap, engines: Sequence[Engine]) -> None:
    """Tell the databases which slots they own, and everybody, last, where the slots are."""
    for number in set(slot_map.owners):
        with engines[number].begin() as connection:
            slot_maps.own(connection, slot_map, number)
    with engines[0].begin() as home:
        slot_maps.publish(home, slot_map)
