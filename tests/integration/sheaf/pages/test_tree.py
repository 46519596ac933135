"""The tree on real PostgreSQL, against a few lines of Python that see all slugs.

A temporary table belongs to its connection, so several connections stand for several shards.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, insert, text

from sheaf import hashing
from sheaf.database.tables import pages
from sheaf.pages import tree
from sheaf.pages.tree import Entry
from sheaf.paging import Cursors, PageRequest, RowPage, Source, gather
from tests.fixtures import Servers

MOST_SHARDS = 3
# Only "-" and "." are before a slash in byte order; the last one sorts otherwise in UTF-16.
SEGMENTS = st.sampled_from(
    ["a", "a-", "a-b", "a.b", "a-b-c", "a0", "ab", "b", "é", "\uffdc", "𝒜", "-"]
)
# Few folders, so that there is much in each.
FOLDERS = st.sampled_from(["", "a", "a-b", "a/a", "a0"])
SLUGS = st.builds(
    lambda folder, rest: "/".join([folder, *rest] if folder else rest),
    FOLDERS,
    st.lists(SEGMENTS, min_size=1, max_size=3),
)
# Whether each page is live.
PAGES = st.dictionaries(SLUGS, st.sampled_from([True, True, True, False]), max_size=40)


class Shards:
    """Tables to spread pages over."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self.connections = connections

    def fill(self, found: dict[str, bool]) -> None:
        for number, connection in enumerate(self.connections):
            connection.execute(pages.delete())
            rows = [
                row(slug, live)
                for slug, live in found.items()
                if hashing.slot(slug) % len(self.connections) == number
            ]
            if rows:
                connection.execute(insert(pages), rows)

    @property
    def sources(self) -> list[Source]:
        return [
            lambda statement, ask=connection.execute: ask(statement, {"map_epoch": 1})  # type: ignore[misc]
            for connection in self.connections
        ]

    def page(self, folder: str, limit: int, cursor: str | None) -> RowPage:
        cursors = Cursors({1: b"a secret"}, "tree", {"folder": folder})
        return tree.below(self.sources, folder, cursors, PageRequest(limit, cursor), gather)


def row(slug: str, live: bool) -> dict[str, Any]:
    state = "live" if live else "tombstone"
    same = {"slot": hashing.slot(slug), "version": 1, "fence": 1, "owner": uuid4()}
    return {"slug": slug, "state": state, "title": title(slug), **same}


def title(slug: str) -> str:
    return f"About {slug}"


@pytest.fixture(scope="module")
def connections(environment: Servers) -> Iterator[list[Connection]]:
    engine = create_engine(
        environment.database_url.replace("postgresql:", "postgresql+psycopg:"),
        pool_size=MOST_SHARDS,
        isolation_level="AUTOCOMMIT",
    )
    connections = [engine.connect() for _ in range(MOST_SHARDS)]
    for connection in connections:
        connection.execute(text("CREATE TEMPORARY TABLE pages (LIKE pages INCLUDING ALL)"))
    yield connections
    for connection in connections:
        connection.close()
    engine.dispose()


def expected(found: dict[str, bool], folder: str) -> list[Entry]:
    """What is directly below a folder, found by reading everything."""
    first = f"{folder}/" if folder else ""
    rest = [slug.removeprefix(first) for slug in found if found[slug] and slug.startswith(first)]
    return [
        Entry(
            name,
            first + name,
            page=name in rest,
            folder=any(each.startswith(f"{name}/") for each in rest),
            title=title(first + name) if name in rest else None,
        )
        for name in sorted({each.partition("/")[0] for each in rest})
    ]


def entries(folder: str, wanted: RowPage) -> list[Entry]:
    return [tree.entry(folder, *row) for row in wanted.rows]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=300,
)
@given(found=PAGES, folder=FOLDERS, limit=st.integers(1, 7), count=st.integers(1, MOST_SHARDS))
def test_the_tree_is_the_names_below_a_folder_forwards_and_backwards(
    connections: list[Connection], found: dict[str, bool], folder: str, limit: int, count: int
) -> None:
    shards = Shards(connections[:count])
    shards.fill(found)
    there = walk(shards, folder, limit, None, "next")
    whole = [entry for wanted in there for entry in entries(folder, wanted)]
    assert whole == expected(found, folder)
    assert all(len(wanted.rows) == limit for wanted in there[:-1])
    assert there[0].prev is None
    back = walk(shards, folder, limit, there[-1], "prev")
    assert [wanted.rows for wanted in reversed(back)] == [wanted.rows for wanted in there]


def walk(shards: Shards, folder: str, limit: int, start: RowPage | None, way: str) -> list[RowPage]:
    """From one page to the end of the list, by the cursors of this name."""
    found = [start or shards.page(folder, limit, None)]
    while cursor := getattr(found[-1], way):
        found.append(shards.page(folder, limit, cursor))
        assert len(found) < 50, "the list has no end"
    return found
