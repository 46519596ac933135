"""How PostgreSQL finds pages: by its indexes, also when it could read the table instead."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Select, text

from sheaf.database.tables import pages
from sheaf.database.transactions import transactional
from sheaf.search import queries, statements, vectors
from sheaf.search.ranking import Counts, Order
from sheaf.search.statements import Search
from sheaf.search.vectors import Text
from sheaf.sharding import ownership, shards
from tests.fixtures import Servers

FILL = """
INSERT INTO pages (slot, slug, state, version, fence, owner, title, sort_title, title_words, plain,
    search)
SELECT 0, 'page/' || n, 'live', 1, 1, gen_random_uuid(), 'Page ' || n, 'page ' || n, 'page ' || n,
    (SELECT string_agg(md5(n || ' ' || m), ' ') FROM generate_series(1, 40) AS m),
    to_tsvector('simple', 'common word' || n || ' ' || chr(19968 + n % 5000) || '页 页')
FROM generate_series(1, 20000) AS n
"""


@pytest.fixture(scope="module")
def connection(environment: Servers) -> Iterator[Connection]:
    """A transaction with 20,000 pages in it."""
    with transactional(shards.owning("home")).connect() as connection:
        connection.execute(text(FILL))
        # What autovacuum does in its time.
        connection.execute(text("SELECT gin_clean_pending_list('pages_search')"))
        connection.execute(text("ANALYZE pages"))
        yield connection
        connection.rollback()


def plan(connection: Connection, statement: Select[tuple[object, ...]]) -> str:
    compiled = statement.compile(dialect=connection.dialect)
    rows = connection.exec_driver_sql(
        f"EXPLAIN {compiled}", compiled.params | ownership.epoch(connection)
    )
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    "q", ["word7", "common", '"common word7"', "丰页", "丰", "word7 NOT common"]
)
@pytest.mark.parametrize("may_be_long", [True, False])
def test_pages_are_found_by_the_index(connection: Connection, q: str, may_be_long: bool) -> None:
    query = queries.parse(q)
    search = Search(Order.of(query, Counts()), (), 1, may_be_long=may_be_long)
    statement, keyset = search.hits("", None)
    shown = plan(connection, keyset.cut(statement, None, backward=False).limit(21))
    assert "Bitmap Index Scan on pages_search" in shown
    assert "Seq Scan on pages" not in shown
    # Worked out once, not for every page: the query; which slots arrive and which are gone;
    # whether the slot map is new enough.
    assert len(re.findall("^ *InitPlan", shown, re.MULTILINE)) == 4


def test_titles_are_suggested_by_indexes(connection: Connection) -> None:
    shown = plan(connection, statements.suggested("page 199", 10))
    assert "using pages_by_title on" in shown
    assert "using pages_by_title_words on" in shown
    assert "Seq Scan on pages" not in shown


def test_a_vector_of_any_text_fits(connection: Connection) -> None:
    """PostgreSQL refuses more than 1 MB; half a million different pairs would be more."""
    runs = "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(500_000))
    words = " ".join(map(str, range(200_000)))
    for plain in (runs, words, "\ufdfa" * 300_000, "\U00020000\U00020001" * 100_000):
        statement = pages.update().where(pages.c.slug == "page/1").values(vectors.values())
        connection.execute(statement, vectors.parameters(Text(plain, plain, plain, [plain])))


PARTS = st.sampled_from(
    [
        *("NOT", "OR", '"', "'", "''", "\\", ":*", "<->", "&", "|", "!", "(", ")", "~", "#", "@"),
        *(
            "in:",
            "tag:",
            "author:",
            "--x",
            "C#",
            "c++",
            "部署",
            "水",
            "가",
            "é",
            "ไทย",
            "🎉",
            "\u0301",
        ),
    ]
)
TYPED = st.one_of(st.text(), st.lists(PARTS).map(" ".join), st.lists(PARTS).map("".join)).filter(
    lambda text: text.isprintable()
)
READ = text("SELECT CAST(:query AS tsquery), CAST(:vector AS tsvector)")
one_transaction = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@one_transaction
@given(TYPED, st.sampled_from([(), ("de", "fr"), ("ar", "ta", "tr")]))
def test_what_is_asked_for_any_text_can_be_read(
    connection: Connection, typed: str, langs: tuple[str, ...]
) -> None:
    query = queries.parse(typed)
    beginning = query.of_words().with_words(query.of_words().words, {})
    for asked in (query, query.of_words(), beginning):
        tsquery = asked.tsquery(langs)
        read = connection.execute(READ, {"query": tsquery, "vector": ""}).one()[0]
        assert bool(read) == bool(tsquery)


@one_transaction
@given(TYPED, TYPED, st.lists(TYPED.filter(bool), max_size=2))
def test_any_page_is_found_by_its_own_words(
    connection: Connection, title: str, plain: str, tags: list[str]
) -> None:
    vector = vectors.parameters(Text(title, "", plain, tags))["new_search"]
    for typed in (title, plain, *(f'tag:"{tag}"' for tag in tags if '"' not in tag)):
        query = queries.parse(typed, operators=False)
        narrowed = query.narrowing
        if query.is_empty or (narrowed and typed in (title, plain)):
            continue
        found = text("SELECT CAST(:vector AS tsvector) @@ CAST(:query AS tsquery)")
        given_ = {"vector": vector, "query": query.of_words().tsquery(())}
        if not (query.terms and narrowed):
            assert connection.execute(found, given_).scalar_one(), (typed, given_)
