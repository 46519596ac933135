"""The peers that read a page of the list of a million: Sheaf, three libraries, and SQL by hand.

Each returns the slugs of the page that begins at a `Place`, after it has done for the other columns
what it does.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg
from fastapi_pagination import LimitOffsetPage, LimitOffsetParams, set_page, set_params
from fastapi_pagination.cursor import CursorPage, CursorParams
from fastapi_pagination.ext.sqlalchemy import paginate
from pydantic import BaseModel, ConfigDict
from sqlakeyset import select_page, serialize_bookmark
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.engine import make_url

from bench import list_django
from sheaf.database.tables import pages
from sheaf.pages import lists
from sheaf.pages.reads import ITEM
from sheaf.paging import PageRequest

SIZE = 50
OURS, SQLAKEYSET = "Sheaf", "sqlakeyset"
CURSOR, LIMIT_OFFSET = "fastapi-pagination, cursor", "fastapi-pagination, offset"
DJANGO = "Django's Paginator"
KEYSET, OFFSET = "SQL by hand, keyset", "SQL by hand, OFFSET"

_STATEMENT = (
    select(*ITEM)
    .where(pages.c.state == "live")
    .order_by(pages.c.updated_at.desc(), pages.c.slug.desc())
)
_COLUMNS = ", ".join(column.name for column in ITEM)
_LIVE = f"SELECT {_COLUMNS} FROM pages WHERE state = 'live'"
_ORDER = "ORDER BY updated_at DESC, slug DESC"


@dataclass(frozen=True)
class Place:
    """Where a page begins: its number, Sheaf's cursor, and the sort key of the row before it."""

    number: int
    cursor: str | None = None
    key: tuple[datetime, str] | None = None

    @property
    def skipped(self) -> int:
        """How many rows are before it."""
        return (self.number - 1) * SIZE


Read = Callable[[Place], list[str]]


class Item(BaseModel):
    """A page in a list, for FastAPI."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    slug: str
    title: str
    tags: list[str]
    state: str
    version: int
    author: str
    created_at: datetime
    updated_at: datetime
    blob: str


def peers(url: str) -> dict[str, Read]:
    """All contenders, each with a connection of its own that stays open."""
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    connection = psycopg.connect(url, autocommit=True)
    return {
        OURS: _ours,
        SQLAKEYSET: lambda place: _sqlakeyset(engine, place),
        CURSOR: lambda place: _cursor(engine, place),
        LIMIT_OFFSET: lambda place: _limit_offset(engine, place),
        DJANGO: _django(url),
        KEYSET: lambda place: _keyset(connection, place),
        OFFSET: lambda place: _offset(connection, place),
    }


def _ours(place: Place) -> list[str]:
    """The list of the API: `sheaf.paging.fetch` with its statement, keyset and cursors."""
    found = lists.read(lists.all_pages(lists.Filters()), PageRequest(SIZE, place.cursor))
    return [item.slug for item in found.items]


def _sqlakeyset(engine: Engine, place: Place) -> list[str]:
    marker = (place.key, False) if place.key else None
    with engine.connect() as connection:
        page = select_page(connection, _STATEMENT, per_page=SIZE, page=marker)
    # A page is of use with its cursors, which are made when they are asked for.
    page.paging.bookmark_next, page.paging.bookmark_previous  # noqa: B018
    return [row.slug for row in page]


def _cursor(engine: Engine, place: Place) -> list[str]:
    bookmark = serialize_bookmark((place.key, False)) if place.key else ""
    cursor = quote(base64.b64encode(bookmark.encode())) or None
    with (
        engine.connect() as connection,
        set_page(CursorPage[Item]),
        set_params(CursorParams(cursor=cursor, size=SIZE)),
    ):
        # The columns have lists, which cannot be looked up in the set of those already seen.
        page = paginate(connection, _STATEMENT, unique=False)
    return [item.slug for item in page.items]


def _limit_offset(engine: Engine, place: Place) -> list[str]:
    with (
        engine.connect() as connection,
        set_page(LimitOffsetPage[Item]),
        set_params(LimitOffsetParams(limit=SIZE, offset=place.skipped)),
    ):
        page = paginate(connection, _STATEMENT, unique=False)
    return [item.slug for item in page.items]


def _django(url: str) -> Read:
    number_to_slugs = list_django.reader(url, SIZE)
    return lambda place: number_to_slugs(place.number)


def _keyset(connection: "psycopg.Connection[Any]", place: Place) -> list[str]:
    beyond = "AND (updated_at, slug) < (%s, %s)" if place.key else ""
    rows = connection.execute(f"{_LIVE} {beyond} {_ORDER} LIMIT {SIZE}", place.key or ())
    return [row[1] for row in rows.fetchall()]


def _offset(connection: "psycopg.Connection[Any]", place: Place) -> list[str]:
    statement = f"{_LIVE} {_ORDER} LIMIT {SIZE} OFFSET %s"
    return [row[1] for row in connection.execute(statement, (place.skipped,)).fetchall()]
