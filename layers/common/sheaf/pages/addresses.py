"""Addresses: where the site is, and which pages it has, for programs that look from outside."""

import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Integer, Select, literal_column, select, text

from sheaf import settings, telemetry
from sheaf.database import site_url
from sheaf.database.outages import Unavailable
from sheaf.database.tables import is_live, pages
from sheaf.pages.errors import Unaddressed
from sheaf.sharding import ownership, scattering, shards

# An index of just the live pages; PostgreSQL keeps in mind how many rows it had of late.
_ABOUT_HOW_MANY = text("SELECT reltuples FROM pg_class WHERE oid = 'pages_by_slug'::regclass")


@dataclass(frozen=True)
class Located:
    """A live page, and when it was last changed."""

    slug: str
    updated_at: datetime


def base() -> str:
    """Where the site is, without a slash at its end: by its setting, or as its release has noted.

    Raises Unaddressed, and Unavailable.
    """
    found = settings.current().site_url or _noted(int(time.time() // 60))
    if not found:
        raise Unaddressed
    return found


def known() -> str:
    """As `base`, for what does without: "" if nobody knows or, for a minute, if nobody answers."""
    return settings.current().site_url or _known(int(time.time() // 60))


@lru_cache(maxsize=1)
def _known(minute: int) -> str:
    try:
        return _noted(minute) or ""
    except Unavailable as error:
        telemetry.log("WARNING", "address not looked up", reason=telemetry.reason(error))
        return ""


@lru_cache(maxsize=1)
def _noted(_minute: int) -> str | None:
    """As the release has noted, which is read once a minute."""
    return shards.on(shards.HOME, site_url.find)


def about_how_many() -> int:
    """How many live pages there are, by what the databases believe; raises Unavailable.

    They look again whenever a tenth of them has changed.
    """
    numbers = range(len(shards.everywhere()))
    return sum(shards.on(number, _believed) for number in numbers)


def _believed(connection: Connection) -> int:
    return max(0, int(connection.execute(_ABOUT_HOW_MANY).scalar_one()))


def of_slots(slots: range, limit: int) -> list[Located]:
    """Up to so many live pages of these hash slots, by slug; raises Unavailable."""
    found = (Located(*row) for row in scattering.rows(_in_slots(slots, limit)))
    return sorted(found, key=lambda page: page.slug)[:limit]


def _in_slots(slots: range, limit: int) -> Select[Any]:
    mine = pages.c.slot.between(slots.start, slots.stop - 1)
    statement = select(pages.c.slug, pages.c.updated_at)
    wanted = statement.where(is_live, mine, ownership.readable(pages.c.slot))
    return wanted.limit(literal_column(str(limit), Integer))
