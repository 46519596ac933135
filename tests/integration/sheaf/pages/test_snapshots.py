"""What upkeep counts for searches: when, of what, and that a list goes on with what it began by."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

import upkeep.app
from sheaf.pages import snapshots
from sheaf.pages.snapshots import Snapshot
from sheaf.search.ranking import Counts
from sheaf.sharding import resharding, shards
from tests.context import new_context
from tests.fixtures import Servers, migrate_together
from tests.fixtures import database as new_database
from tests.integration.conftest import Configure
from tests.integration.sheaf.pages.library import Shelved, count, hits, shelve
from tests.site import Site
from tests.waiting import wait_until


@pytest.fixture
def url(clean: Servers) -> str:
    return clean.database_url


def newest() -> Snapshot:
    """As a minute later."""
    snapshots._known.cache_clear()
    return snapshots.newest()


def always() -> bool:
    return True


def age(url: str, interval: str) -> None:
    """Have the newest snapshot be older."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE search_snapshots SET created_at = now() - CAST(%s AS interval)", [interval]
        )


def stored(url: str) -> tuple[list[int], list[int]]:
    """The numbers of snapshots, and those that words were counted for."""
    with psycopg.connect(url) as connection:
        numbers = connection.execute("SELECT number FROM search_snapshots ORDER BY 1").fetchall()
        counted = connection.execute("SELECT DISTINCT snapshot FROM word_counts ORDER BY 1")
        return [row[0] for row in numbers], [row[0] for row in counted]


def test_words_and_links_of_all_pages_are_counted(url: str) -> None:
    shelve(
        Shelved("a", "Green tea", "leaves of tea", lang="en-GB", to=("b", "nowhere")),
        Shelved("b", "Tea", "leaf", "Kettles", ("Größe",), "de", to=("b", "a")),
        Shelved("c", "Cup", "leaf", to=("b",)),
    )
    count()
    assert newest() == Snapshot(1, 3, ("de", "en"))
    lexemes = ["tea", "leaf", "~leav", "kettles", "grosse", "#grosse", "cup", "never"]
    found = snapshots.counts(newest(), lexemes)
    assert found == Counts(
        3, ("de", "en"), {"tea": 2, "leaf": 2, "kettles": 1, "grosse": 1, "cup": 1}
    )
    assert {hit.slug: hit.links for hit in hits("tea OR cup")} == {"a": 1, "b": 3, "c": 0}


def test_deleted_pages_are_not_counted(site: Site) -> None:
    site.create("a", "leaf")
    site.create("b", "leaf")
    site.delete("b", 1)
    upkeep.app.handler({}, new_context())
    assert newest().pages == 1


def test_nothing_is_counted_where_nothing_is(clean: Servers) -> None:
    assert not snapshots.make(0, always)
    assert newest() == Snapshot()


def test_one_is_made_in_a_day_or_when_much_has_changed(url: str) -> None:
    shelve(*(Shelved(f"p{number}", "Leaf") for number in range(30)))
    assert snapshots.make(0, always)
    assert not snapshots.make(30, always)
    age(url, "6 minutes")
    assert snapshots.make(0, always)
    age(url, "6 minutes")
    assert not snapshots.make(3, always)
    assert snapshots.make(1, always)
    age(url, "23 hours")
    assert not snapshots.make(3, always)
    age(url, "25 hours")
    assert snapshots.make(0, always)
    assert newest().number == 4


def test_two_are_kept(url: str) -> None:
    shelve(Shelved("a", "Leaf"))
    for number in (1, 2, 3):
        count()
        kept = [each for each in (number - 1, number) if each]
        assert stored(url) == (kept, kept)
    assert snapshots.numbered(3) == newest()
    assert snapshots.numbered(2) == Snapshot(2, 1)
    assert snapshots.numbered(1) is None
    assert snapshots.numbered(0) == Snapshot()


def test_who_goes_on_knows_a_newer_one_than_this_process(url: str) -> None:
    shelve(Shelved("a", "Leaf"))
    count()
    assert newest().number == 1
    age(url, "2 days")
    assert snapshots.make(0, always)
    assert snapshots.newest().number == 1
    assert snapshots.numbered(2) == Snapshot(2, 1)


@pytest.mark.parametrize("calls", range(5))
def test_what_was_begun_and_not_ended_is_begun_anew(url: str, calls: int) -> None:
    shelve(*(Shelved(slug, "Leaf", to=("b", "c")) for slug in "abc"))
    count()
    shelved = stored(url)
    age(url, "2 days")
    left = [True] * calls
    assert not snapshots.make(0, lambda: bool(left and left.pop()))
    assert newest().number == 1
    assert shelved[0] == stored(url)[0]
    count()
    assert newest().number == 2
    assert stored(url) == ([1, 2], [1, 2])
    assert {hit.slug: hit.links for hit in hits("leaf")} == {"a": 0, "b": 3, "c": 3}


def test_none_is_made_before_all_pages_are_indexed(site: Site, url: str) -> None:
    for slug in ("a", "b"):
        site.create(slug, "# Leaf")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE pages SET renderer = 1 WHERE slug = 'b'")
    assert not snapshots.make(0, always)
    assert upkeep.app.handler({}, new_context())
    assert newest() == Snapshot(1, 2)


def test_common_words_of_a_large_site_alone_are_kept(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_LEAST_SHARE", 0.5)
    shelve(*(Shelved(f"p{n}", f"Title {n}", f"leaf {'rare' if n < 2 else ''}") for n in range(6)))
    count()
    found = snapshots.counts(newest(), ["leaf", "rare", "title", "3"]).having
    assert found == {"leaf": 6, "title": 6, "3": 1}


def test_of_very_many_pages_a_part_is_counted(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "_SAMPLE", 50)
    shelve(*(Shelved(f"p{number}", "Leaf", to=("p1",)) for number in range(200)))
    count()
    assert newest().pages == 200
    assert 100 < snapshots.counts(newest(), ["leaf"]).having["leaf"] < 320
    assert hits("leaf in:p1")[0].links == 200


def test_a_save_and_a_snapshot_do_not_wait_for_each_other(site: Site, url: str) -> None:
    site.create("a", "# Leaf\n\n[b](b)")
    site.create("b", "# Leaf")
    saved: list[int] = []

    def save() -> bool:
        version = len(saved) + 1
        saved.append(site.update("b", f"# Leaf {version}", version).status_code)
        return True

    assert snapshots.make(0, save)
    assert set(saved) == {200}
    assert newest().number == 1
    assert hits("leaf in:b")[0].links == 1


def test_a_page_keeps_its_links_when_it_is_saved(site: Site, url: str) -> None:
    site.create("a", "# Other\n\n[b](b)")
    site.create("b", "# Leaf")
    count()
    site.update("b", "# Leaf again", 1)
    assert [hit.links for hit in hits("leaf")] == [1]


@pytest.fixture
def three(servers: Servers, configure: Configure) -> Iterator[list[str]]:
    """The site on three databases, of which two have slots."""
    with ExitStack() as stack:
        urls = [stack.enter_context(new_database(servers, f"counted_{n}", None)) for n in range(3)]
        for number in (2, 3):
            migrate_together(urls[:number])
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        yield urls
        shards.dispose()


def test_of_all_databases_and_pages_take_what_was_counted_along(three: list[str]) -> None:
    names = [f"p{number:02}" for number in range(30)]
    shelve(*(Shelved(slug, f"Leaf {slug}", "tea", to=(names[0], names[1])) for slug in names))
    count()
    assert newest() == Snapshot(1, 30)
    assert snapshots.counts(newest(), ["tea", "p07"]).having == {"tea": 30, "p07": 1}
    before = [_told(slug) for slug in names]
    resharding.run(3)
    assert len({shards.owning(slug) for slug in names}) == 3
    assert [_told(slug) for slug in names] == before
    count()
    assert newest() == Snapshot(2, 30)
    assert [_told(slug) for slug in names] == before


COLUMNS = "title_words, words, weights, search::text"


def _told(slug: str) -> tuple[object, ...]:
    """All that a page is found by, and how many link to it."""
    with shards.owning(slug).connect() as connection:
        asked = f"SELECT {COLUMNS} FROM pages WHERE slug = %s"
        row = connection.exec_driver_sql(asked, (slug,)).one()
    return (*map(str, row), hits(f"tea in:{slug}")[0].links)


def test_a_database_that_is_down_is_no_reason_to_count_less(
    three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelve(*(Shelved(f"p{number:02}", "Leaf") for number in range(10)))
    count()
    parts = three[1].rpartition("/")
    with psycopg.connect(three[0], autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {parts[2]} ALLOW_CONNECTIONS false")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [parts[2]]
        )
        age(three[0], "2 days")
        upkeep.app.handler({}, new_context())
        assert newest() == Snapshot(1, 10)
        admin.execute(f"ALTER DATABASE {parts[2]} ALLOW_CONNECTIONS true")
    wait_until(_makes_one, "no snapshot was made")


def _makes_one() -> bool:
    upkeep.app.handler({}, new_context())
    return newest() == Snapshot(2, 10)
