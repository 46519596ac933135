"""Paging by keyset: a cursor names the last row seen, so every page costs what the first one does.

`fetch` reads one page of any select, from one database or merged from many. A `Keyset` says in
which order, `Cursors` for which list, a `PageRequest` which page of it.
"""

from sheaf.paging.cursors import MAX_CURSOR, START, BadCursor, Cursors, Position, UnknownKey
from sheaf.paging.fetching import (
    MAX_DEPTH,
    BadPage,
    PageRequest,
    Row,
    RowPage,
    Scatter,
    Source,
    fetch,
    gather,
    merge,
    page_at,
    source,
)
from sheaf.paging.keysets import Keyset, SortKey, asc, desc

__all__ = [
    "MAX_CURSOR",
    "MAX_DEPTH",
    "START",
    "BadCursor",
    "BadPage",
    "Cursors",
    "Keyset",
    "PageRequest",
    "Position",
    "Row",
    "RowPage",
    "Scatter",
    "SortKey",
    "Source",
    "UnknownKey",
    "asc",
    "desc",
    "fetch",
    "gather",
    "merge",
    "page_at",
    "source",
]
