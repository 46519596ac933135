"""Every page of every list is read from an index, however long the list and however deep the page.

The statements are those that the lists send; PostgreSQL says what it did for them.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import md5
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Select, event, text

from sheaf import paging, settings
from sheaf.database import tables
from sheaf.database.transactions import transactional
from sheaf.pages import (
    destinations,
    lists,
    lookups,
    proposals,
    rerendering,
    similar,
    snapshots,
    surroundings,
    tags,
    tree,
)
from sheaf.pages.lists import Filters, Listing, Order
from sheaf.pages.snapshots import Snapshot
from sheaf.paging import Cursors, Keyset, PageRequest, Position, RowPage, Source
from sheaf.rendering import links
from sheaf.rendering.linked import Link
from sheaf.sharding import shards
from tests.fixtures import Servers, database

ROWS = int(os.environ.get("SHEAF_LIST_ROWS", "20000"))
LOADING_SECONDS = 600
LIMIT = 50
# Fifty rows, each found by its slug: what is read does not grow with the list.
MOST_BLOCKS = 800
MOST_SUGGESTED_BLOCKS = 40
# Twenty slugs, few of which are there.
MOST_NAMED_BLOCKS = 120
PARAMETER = re.compile(r"%\((\w+)\)s")
LOADED = (
    *(tables.pages, tables.page_tags, tables.links, tables.users),
    *(tables.revisions, tables.events),
)

# Half of all pages are bob's, a third has the tag `often`, a tenth is deleted, and nearly all link
# to `hub`; most people have one edit. Nearly all pages are in one folder, the others in 4,096 small
# ones; of a folder `old` all are deleted. Of one page there are very many versions. The database
# itself notes what has happened, much of it bob's, and much of it by imports.
LOAD = """
INSERT INTO pages (slot, slug, state, version, fence, owner, sort_title, title_words, title, tags,
    author, created_at, updated_at)
SELECT n % 4096, CASE WHEN n % 100 = 0 THEN 'old/' WHEN n % 2 = 0 THEN 'guide/'
        ELSE 'notes/' || left(md5(n::text), 3) || '/' END || md5(n::text),
    CASE WHEN n % 10 = 0 THEN 'tombstone' ELSE 'live' END, 1, 1, gen_random_uuid(),
    md5((n / 3)::text), md5((n / 3)::text), n,
    CASE WHEN n % 3 = 0 THEN '{often}'::text[] ELSE '{}' END,
    CASE WHEN n % 4 < 2 THEN 'bob' ELSE 'user' || n % 100 END,
    timestamptz '2026-01-01' + interval '1 second' * (n * 7919::bigint % :rows),
    timestamptz '2026-02-01' + interval '1 second' * (n * 104729::bigint % :rows / 2)
FROM generate_series(1, :rows) n;
INSERT INTO page_tags (slug, tag, slot, updated_at)
SELECT slug, unnest(tags), slot, updated_at FROM pages WHERE state = 'live';
INSERT INTO links (source, target, slot) SELECT slug, 'hub', slot FROM pages WHERE state = 'live';
INSERT INTO users (handle, slot, edits)
SELECT 'user' || n, n % 4096, CASE WHEN n % 20 = 0 THEN n ELSE 1 END
FROM generate_series(1, :rows) n;
INSERT INTO revisions (page_id, version, slot, slug, state, write_id, title, tags, body, blob,
    author, comment, origin, based_on, created_at)
SELECT id, n, slot, slug, state, gen_random_uuid(), title, tags, '', '', author, '',
    CASE WHEN title LIKE '%7' THEN 'import' ELSE '' END, nullif(n - 1, 0),
    updated_at + interval '1 microsecond' * n
FROM pages, generate_series(1, CASE WHEN title = '2' THEN :rows / 10 ELSE 1 END) n
WHERE title LIKE '%2' OR title LIKE '%7';
INSERT INTO search_snapshots (number, pages, langs) VALUES (1, :rows, '{}')
"""
BUSIEST = f"guide/{md5(b'2').hexdigest()}"

FILTERS = (
    Filters(),
    Filters(tag="often"),
    Filters(author="bob"),
    Filters(prefix="guide/"),
    Filters(tag="often", prefix="guide/"),
    Filters(state="tombstone"),
    Filters(state="tombstone", prefix="guide/"),
)


def _by_title_before_a_snapshot() -> Listing[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshots, "newest", Snapshot)
        return lists.all_pages(Filters(), "title")


ORDERS: tuple[Order, ...] = ("asc", "desc")
# Made when there are databases: by which column titles are sorted depends on what is there.
LISTS: dict[str, Callable[[], Listing[Any]]] = {
    f"pages {filters.given} {sort} {order}": partial(lists.all_pages, filters, sort, order)
    for filters in FILTERS
    for sort in lists._OFFERED[tuple(filters.given)]
    for order in ORDERS
}
LISTS |= {
    "pages by title before a snapshot": _by_title_before_a_snapshot,
    "users handle": partial(lists.all_users, "handle"),
    "users edits": partial(lists.all_users, "edits"),
    "backlinks": partial(lists.backlinks, "hub"),
    "revisions": partial(lists.page_revisions, BUSIEST),
}
LISTS |= {
    f"changes in {folder or 'all'} by {author} imports {imports}": partial(
        lists.changes, folder, author, imports=imports
    )
    for folder in ("", "guide")
    for author in (None, "bob")
    for imports in (False, True)
}
# What PostgreSQL may believe about the values of all columns: it has not looked at them yet, or did
# so long ago; and of a value that it does not know it believes that it is as rare as most.
_UNKNOWN = ", ".join(f"stakind{number} = 0" for number in range(1, 6))
BELIEFS = {
    "nothing": "DELETE FROM pg_statistic",
    "few values": f"UPDATE pg_statistic SET stadistinct = 2, {_UNKNOWN}",
    "some values": f"UPDATE pg_statistic SET stadistinct = 100, {_UNKNOWN}",
    "many values": f"UPDATE pg_statistic SET stadistinct = 2000, {_UNKNOWN}",
    "no value twice": f"UPDATE pg_statistic SET stadistinct = -1, {_UNKNOWN}",
}


def test_all_that_is_offered_is_tried() -> None:
    assert {tuple(filters.given) for filters in FILTERS} == set(lists._OFFERED)


@pytest.fixture(scope="module")
def loaded(servers: Servers) -> Iterator[Engine]:
    """A database of its own with very many rows."""
    with database(servers, "indexes") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHEAF_DATABASE_URLS", url)
        patch.setenv("SHEAF_CACHE_URL", servers.cache_url)
        _start_anew()
        _load(shards.home())
        yield shards.home()
        shards.dispose()
    _start_anew()


def _start_anew() -> None:
    settings.current.cache_clear()
    shards.forget_map()
    shards._following.cache_clear()
    lists._secrets.cache_clear()
    snapshots._known.cache_clear()


def _load(engine: Engine) -> None:
    """Make the rows first and the indexes then, which is much faster."""
    indexes = [index for table in LOADED for index in table.indexes]
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.patience = LOADING_SECONDS
        for setting in ("statement_timeout = 0", "maintenance_work_mem = '256MB'"):
            connection.execute(text(f"SET {setting}"))
        connection.execute(text("SET synchronous_commit = off"))
        for index in indexes:
            index.drop(connection)
        for statement in LOAD.split(";"):
            connection.execute(text(statement), {"rows": ROWS})
        for index in indexes:
            index.create(connection)
        for table in LOADED:
            connection.execute(text(f"VACUUM ANALYZE {table.name}"))
    engine.dispose()


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from _nodes(inner)


def _middle(source: Source, statement: Select[Any], keyset: Keyset, *, backward: bool) -> Position:
    """A place so deep in the list that none could be counted to."""
    keys = statement.with_only_columns(
        *(key.column for key in keyset.keys), maintain_column_froms=True
    )
    ordered = keyset.cut(keys, None, backward=False)
    (row,) = source(ordered.offset(ROWS // 50).limit(1))
    return Position(tuple(row), backward)


def _explain(engine: Engine, statement: str, parameters: Any) -> dict[str, Any]:
    """What was done for a statement."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters
        ).scalar_one()
    done: dict[str, Any] = found[0]["Plan"]
    return done


def _plan(connection: Connection, statement: str) -> dict[str, Any]:
    """What would be done for a statement with any parameters: what our connections ask for."""
    numbers: dict[str, int] = {}
    for name in PARAMETER.findall(statement):
        numbers.setdefault(name, len(numbers) + 1)
    numbered = PARAMETER.sub(lambda found: f"${numbers[found[1]]}", statement)
    found = connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {numbered}")
    plan: dict[str, Any] = found.scalar_one()[0]["Plan"]
    return plan


def _plans(engine: Engine, statement: str) -> Iterator[dict[str, Any]]:
    """What would be done for a statement by what is known of the rows, and by each belief."""
    with engine.connect() as connection:
        yield _plan(connection, statement)
    for belief in BELIEFS.values():
        with transactional(engine).connect() as connection:
            connection.exec_driver_sql(belief)
            yield _plan(connection, statement)
            connection.rollback()


def _check_plans(
    engine: Engine,
    statement: str,
    parameters: Any,
    check: Callable[[dict[str, Any]], None],
    most_blocks: int,
) -> None:
    """Check what would be done for a statement, what was done, and how much was read for it."""
    for plan in _plans(engine, statement):
        check(plan)
    done = _explain(engine, statement, parameters)
    check(done)
    assert done["Shared Hit Blocks"] + done["Shared Read Blocks"] <= most_blocks


def _check_indexed(plan: dict[str, Any]) -> None:
    assert not [node for node in _nodes(plan) if "Sort" in node["Node Type"]]
    _check_read_in_order(plan)


def _check_read_in_order(plan: dict[str, Any]) -> None:
    kinds = {(node["Node Type"], node.get("Relation Name")) for node in _nodes(plan)}
    # Out of order, or all of it; of the tables that say where slots are, a few rows are read so.
    unordered = ("Seq Scan", "Bitmap Heap Scan")
    assert not kinds & {(kind, table.name) for kind in unordered for table in LOADED}


def _check_found_by_slug(plan: dict[str, Any]) -> None:
    kinds = {(node["Node Type"], node.get("Index Name")) for node in _nodes(plan)}
    assert {name for kind, name in kinds if "Index" in kind and str(name).startswith("pages")} == {
        "pages_slug_key"
    }


@contextmanager
def _noted(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent while the block runs, with their parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_others: Any) -> None:
        sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _asked(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str, backward: bool | None
) -> tuple[str, Any]:
    """What a list asks for a page in its middle, or for the first one, with the parameters."""
    fetch = paging.fetch

    def fetch_there(
        sources: Sequence[Source],
        statement: Select[Any],
        keyset: Keyset,
        cursors: Cursors,
        wanted: PageRequest,
        *others: Any,
    ) -> RowPage:
        if backward is not None:
            place = _middle(sources[0], statement, keyset, backward=backward)
            wanted = PageRequest(wanted.limit, cursors.encode(place, keyset))
        sent.clear()
        found = fetch(sources, statement, keyset, cursors, wanted, *others)
        assert len(found.rows) == LIMIT
        return found

    monkeypatch.setattr(paging, "fetch", fetch_there)
    with _noted(engine) as sent:
        lists.read(LISTS[name](), PageRequest(LIMIT))
    return sent[0]


@pytest.mark.parametrize("backward", [None, False, True], ids=["first", "forward", "backward"])
@pytest.mark.parametrize("name", LISTS)
def test_a_page_is_read_from_an_index_however_deep(
    loaded: Engine, monkeypatch: pytest.MonkeyPatch, name: str, backward: bool | None
) -> None:
    statement, parameters = _asked(loaded, monkeypatch, name, backward)
    _check_plans(loaded, statement, parameters, _check_indexed, MOST_BLOCKS)


@pytest.mark.parametrize("typed", ["", "a", "ab", "FE"])
def test_suggestions_are_read_from_an_index(loaded: Engine, typed: str) -> None:
    with _noted(loaded) as sent:
        assert len(lookups.suggestions(typed, 10)) == 10
    statement, parameters = sent[-1]
    _check_plans(loaded, statement, parameters, _check_indexed, MOST_SUGGESTED_BLOCKS)


def test_what_an_older_renderer_has_made_is_read_from_an_index(loaded: Engine) -> None:
    with _noted(loaded) as sent:
        assert len(rerendering.stale(0, LIMIT)) == LIMIT
    statement, parameters = sent[-1]
    _check_plans(loaded, statement, parameters, _check_indexed, MOST_BLOCKS)


@pytest.mark.parametrize("asked", [BUSIEST, "guide/8", "Notes/8/index", "zzz", "hub", "old/a"])
def test_what_is_similar_is_read_from_an_index(loaded: Engine, asked: str) -> None:
    with _noted(loaded) as sent:
        assert len(similar.to(asked)) <= similar.MOST
    # Before what suggestions and searches ask for.
    statement, parameters = next(each for each in sent if "UNION ALL" in each[0])
    _check_plans(loaded, statement, parameters, _check_read_in_order, MOST_BLOCKS)


def test_names_that_are_taken_are_looked_up(loaded: Engine) -> None:
    with _noted(loaded) as sent:
        assert proposals.propose(BUSIEST.rpartition("/")[2], "guide").taken
    _check_plans(loaded, *sent[-1], _check_found_by_slug, MOST_NAMED_BLOCKS)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize(
    ("folder", "place", "count", "most_blocks"),
    [
        ("", None, 2, 150),
        ("guide", None, LIMIT, MOST_BLOCKS),
        ("guide", "8", LIMIT, MOST_BLOCKS),
        ("notes", "8", LIMIT, MOST_BLOCKS),
    ],
    ids=["top", "folder of pages", "deep in it", "deep in a folder of folders"],
)
def test_what_is_below_a_name_is_not_read(
    loaded: Engine, folder: str, place: str | None, count: int, most_blocks: int, backward: bool
) -> None:
    cursors = Cursors(lists._secrets(0), "tree", {"folder": folder})
    cursor = cursors.encode(Position((place,) if place else None, backward), tree.NAMES)
    with _noted(loaded) as sent:
        found = lists.read(lists.below(folder), PageRequest(LIMIT, cursor)).items
    assert len(found) == count
    assert {entry.folder for entry in found} == {folder != "guide"}
    assert {entry.page for entry in found} == {folder == "guide"}
    statement, parameters = sent[-1]
    _check_plans(loaded, statement, parameters, _check_read_in_order, most_blocks)


@pytest.mark.parametrize("slug", ["guide/8", "guide", "notes/8/index", BUSIEST, "hub", "zzz"])
def test_what_is_around_a_page_is_looked_up(loaded: Engine, slug: str) -> None:
    given = {**surroundings._parameters(slug), "map_epoch": 1}
    statement = surroundings._statement().compile(dialect=loaded.dialect)
    _check_plans(
        loaded,
        str(statement),
        statement.construct_params(given),
        _check_each_found,
        3 * MOST_BLOCKS,
    )


def test_the_pages_of_a_tag_are_not_all_read_to_list_it(loaded: Engine) -> None:
    with _noted(loaded) as sent:
        assert tags.everything().items
    _check_plans(loaded, *sent[-1], _check_read_in_order, 3 * MOST_BLOCKS)


def test_what_links_lead_to_is_looked_up(loaded: Engine) -> None:
    paths = [f"guide/{md5(str(n).encode()).hexdigest()}" for n in range(10)]
    names = [path.rpartition("/")[2] for path in paths]
    read = [Link(links.readings(f"../../{path}/", "guide/x")) for path in paths]
    read += [Link(links.named(name, "guide/x"), name) for name in names]
    given = {**destinations._parameters(read, "guide"), "map_epoch": 1}
    statement = destinations._statement(names_too=True).compile(dialect=loaded.dialect)
    _check_plans(
        loaded, str(statement), statement.construct_params(given), _check_each_found, MOST_BLOCKS
    )


def _check_each_found(plan: dict[str, Any]) -> None:
    scans = [node for node in _nodes(plan) if node.get("Relation Name") == "pages"]
    assert not [node for node in scans if node["Node Type"] == "Seq Scan"]
    used = {str(node.get("Index Name")) for node in _nodes(plan)}
    assert {name for name in used if name.startswith("pages")} <= {
        *("pages_slug_key", "pages_by_slug", "pages_by_path", "pages_by_name", "pages_by_title")
    }
