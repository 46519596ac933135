"""Where the site is, as its release has learned: kept in the home shard, for all instances.

Of a CDN's name a function's environment cannot tell: the CDN is made after the functions.
"""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from sheaf.database.tables import site_urls


def find(connection: Connection) -> str | None:
    """The address of the site, without a slash at its end; None if nobody has said it."""
    return connection.execute(select(site_urls.c.url)).scalar_one_or_none()


def keep(connection: Connection, url: str) -> None:
    """Note the address of the site."""
    keeping = insert(site_urls).values(id=1, url=url)
    connection.execute(keeping.on_conflict_do_update(index_elements=["id"], set_={"url": url}))
