"""The keys that sign cursors: kept in the home shard, so that all instances share them."""

import secrets
from collections.abc import Mapping

from sqlalchemy import Connection, insert, select

from sheaf.database.tables import signing_keys


def all_secrets(connection: Connection) -> Mapping[int, bytes]:
    """The secrets by id; the highest id is the one to sign with."""
    rows = connection.execute(select(signing_keys.c.id, signing_keys.c.secret))
    return {row.id: row.secret for row in rows}


def add_secret(connection: Connection) -> None:
    """Add a new key, which signs from now on; the older ones still verify."""
    connection.execute(insert(signing_keys).values(secret=secrets.token_bytes(32)))
