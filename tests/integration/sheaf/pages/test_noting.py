"""What happened before there were events is noted by upkeep, each once, beside what happens now."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, make_url, text

import upkeep.app
from sheaf.database import schema
from sheaf.pages import noting
from sheaf.sharding import shards
from tests.context import new_context
from tests.fixtures import Servers, database
from tests.site import Site

# As the code of before writes them, which knows of no origin: some pages that moved among them.
_PAGES = """
INSERT INTO pages (slot, slug, state, version, fence, owner)
SELECT n % 4096, 'guide/' || n % 7 || '/page-' || n, 'live', 3, 1, gen_random_uuid()
FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
"""
_REVISIONS = """
INSERT INTO revisions (page_id, version, slot, slug, state, write_id, title, tags, body, blob,
    author, comment, moved_to, created_at)
SELECT id, n, slot, slug, 'live', gen_random_uuid(), '', '{}', '', '', 'user' || n, '',
    CASE WHEN n = 3 AND slot % 5 = 0 THEN 'guide/elsewhere' END,
    timestamptz '2026-01-01' + n * interval '1 day' + slot * interval '1 second'
FROM pages, generate_series(1, 3) AS n
WHERE slug LIKE 'guide/%' AND NOT EXISTS (SELECT FROM revisions WHERE page_id = pages.id)
"""


@pytest.fixture
def engine(servers: Servers) -> Iterator[Engine]:
    """A database of the release before."""
    with database(servers, "unnoted", None) as url:
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        schema.upgrade(engine, "0010")
        yield engine
        engine.dispose()


def write(connection: Connection, first: int, last: int) -> None:
    connection.execute(text(_PAGES), {"first": first, "last": last})
    connection.execute(text(_REVISIONS))


def noted(connection: Connection) -> list[tuple[object, ...]]:
    columns = "folder, at, slug, version, page_id, slot, author, imported"
    rows = connection.execute(text(f"SELECT {columns} FROM events"))
    return sorted(tuple(row) for row in rows)


def naive(connection: Connection) -> list[tuple[object, ...]]:
    """What events there must be, without the database's own functions."""
    found = []
    for row in connection.execute(text("SELECT * FROM revisions")):
        above = {row.slug[:place] for place, sign in enumerate(row.slug) if sign == "/"} | {""}
        there = row.moved_to or ""
        beyond = {there[:place] for place, sign in enumerate(there) if sign == "/"} | {""}
        for folder in above - beyond if row.moved_to else above:
            rest = (row.version, row.page_id, row.slot, row.author, False)
            found.append((folder, row.created_at, row.slug, *rest))
    return sorted(found)


def note_all(connection: Connection, limit: int) -> int:
    """How many revisions were noted."""
    total = 0
    while found := noting.note(connection, limit):
        total += found
    return total


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_all_revisions_are_noted_in_parts_of_any_size(engine: Engine, limit: int) -> None:
    with engine.begin() as connection:
        write(connection, 1, 30)
    schema.upgrade(engine)
    with engine.begin() as connection:
        assert noted(connection) == []
        assert note_all(connection, limit) == 90
        assert noted(connection) == naive(connection)
        assert noting.note(connection, limit) == 0


def test_what_the_code_of_before_writes_meanwhile_is_noted_once(engine: Engine) -> None:
    with engine.begin() as connection:
        write(connection, 1, 20)
    schema.upgrade(engine)
    with engine.begin() as connection:
        for start in range(21, 60, 10):
            write(connection, start, start + 9)
            noting.note(connection, 20)
        note_all(connection, 20)
        assert noted(connection) == naive(connection)


def test_what_goes_before_it_was_noted_is_gone(engine: Engine) -> None:
    with engine.begin() as connection:
        write(connection, 1, 30)
    schema.upgrade(engine)
    with engine.begin() as connection:
        noting.note(connection, 45)
        connection.execute(text("DELETE FROM revisions WHERE slot % 2 = 0"))
        note_all(connection, 10)
        assert noted(connection) == naive(connection) != []
        connection.execute(text("DELETE FROM revisions"))
        assert noted(connection) == []


def test_a_new_site_has_nothing_to_note(engine: Engine) -> None:
    schema.upgrade(engine)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM unnoted_revisions")).scalar() == 0
        write(connection, 1, 5)
        assert noted(connection) == naive(connection) != []


def test_upkeep_notes_them(site: Site) -> None:
    site.create("guide/tea", "# Tea\n")
    site.update("guide/tea", "# Tea\n\nmore", 1)
    before = site.get("/api/changes").json
    with shards.home().connect() as connection:
        connection.execute(text("DELETE FROM events"))
        place = "'00000000-0000-0000-0000-000000000000'"
        connection.execute(text(f"INSERT INTO unnoted_revisions VALUES (1, {place}, 0)"))
    assert site.get("/api/changes").json["items"] == []
    upkeep.app.handler({}, new_context())
    assert site.get("/api/changes").json["items"] == before["items"]
    with shards.home().connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM unnoted_revisions")).scalar() == 0


_NAMES = st.lists(st.sampled_from(["a", "ab", "a b", "ü"]), min_size=1, max_size=4).map("/".join)


@given(_NAMES, st.none() | _NAMES)
def test_the_folders_of_an_event(environment: Servers, slug: str, moved_to: str | None) -> None:
    with shards.home().connect() as connection:
        asked = text("SELECT event_folders(:slug, CAST(:moved_to AS text))")
        found = connection.execute(asked, {"slug": slug, "moved_to": moved_to}).scalars().all()
    names = slug.split("/")
    folders = ["/".join(names[:depth]) for depth in range(len(names))]
    if moved_to is not None:
        there = moved_to.split("/")
        beyond = ["/".join(there[:depth]) for depth in range(len(there))]
        folders = [folder for folder in folders if folder not in beyond]
    assert sorted(found) == sorted(folders)
