"""Pages that an older renderer has made are made anew by upkeep, and no save suffers by it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import upkeep.app
from local.gateway.functions import Context
from sheaf.caching.entry import Entry
from sheaf.database.outages import Unavailable
from sheaf.database.transactions import transactional
from sheaf.http import documents
from sheaf.pages import claims, editing, page_cache, reads, rerendering, saves
from sheaf.pages.relaying import Document
from sheaf.pages.saves import Write
from sheaf.rendering import articles, work
from sheaf.sharding import resharding, shards
from tests.context import new_context
from tests.fixtures import Servers, database, migrate_together
from tests.integration.conftest import Configure
from tests.site import CREATE, Site
from tests.waiting import wait_until

BODY = "# Old\n\n- [x] done, see [tea](tea.md)\n"
OLDER = MarkdownIt("commonmark", {"html": False}).enable("table")


@pytest.fixture
def url(clean: Servers) -> str:
    return clean.database_url


def as_before(url: str, slug: str, html: str | None = None) -> None:
    """Store a page as a renderer did that knew of no tasks, links or words."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE pages SET html = coalesce(%s, html), plain = '', search = '', renderer = 0,"
            " rendered_version = 0 WHERE slug = %s",
            [html, slug],
        )
        connection.execute("DELETE FROM links WHERE source = %s", [slug])


def run_upkeep() -> list[str]:
    """What upkeep has purged."""
    purged: list[str] = upkeep.app.handler({}, new_context())["purge"]
    return purged


def slugs_of(site: Site, path: str) -> list[str]:
    return [item["slug"] for item in site.get(path).json["items"]]


def all_stale(count: int = 1) -> list[str]:
    return [slug for number in range(count) for slug in rerendering.stale(number, 100)]


def html_of(slug: str) -> str:
    """The article that readers of a page are shown."""
    page = shards.read(slug, reads.find)
    assert page
    return articles.of_stored(page.html, page.body, page.title)


def found(slug: str) -> rerendering._Stored:
    page = shards.read(slug, rerendering._find)
    assert page
    return page


def test_an_old_page_becomes_as_if_it_were_saved_today(site: Site, url: str) -> None:
    site.create("old", BODY)
    fresh = site.get("/old")
    run_upkeep()
    as_before(url, "old", "<h1>Old</h1><ul><li>[x] done</li></ul>")
    page_cache.versioned().refresh(page_cache.key("old"), lambda: _document("old"))
    page_cache.near().close()
    before, item = site.get("/old"), site.get("/api/pages/old")
    assert "[x] done" in before.text
    assert run_upkeep() == [f"#{documents.cdn_tag('old')}"]
    page_cache.near().close()  # the next reader is another process
    after = site.get("/old", If_None_Match=before.headers["ETag"])
    assert (after.status_code, after.headers["ETag"]) == (200, fresh.headers["ETag"])
    assert after.text == fresh.text
    assert slugs_of(site, "/api/backlinks/tea") == ["old"]
    assert slugs_of(site, "/api/search?q=done") == ["old"]
    again = site.get("/api/pages/old")
    assert again.headers["ETag"] == item.headers["ETag"] == '"v1"'
    assert again.json == item.json
    assert len(site.get("/api/revisions/old").json["items"]) == 1
    assert site.get("/api/users/alice").json["edits"] == 1
    assert run_upkeep() == []


def _document(slug: str) -> Entry:
    return documents.of(slug, shards.read(slug, reads.find))


def test_what_is_saved_today_is_up_to_date(site: Site) -> None:
    site.create("a", "one")
    site.update("a", "two", 1)
    moving = {"from": "a", "to": "b", "if_match": '"v2"'}
    assert site.post("/api/moves", moving).status_code == 201
    assert all_stale() == []


def test_what_looks_the_same_is_not_purged(site: Site, url: str) -> None:
    site.create("same", BODY)
    run_upkeep()
    as_before(url, "same")
    assert run_upkeep() == []
    assert all_stale() == []
    assert slugs_of(site, "/api/backlinks/tea") == ["same"]


plain_words = st.text("abc äß漢.,;'", min_size=1, max_size=9).map(str.strip).filter(bool)
spans = st.one_of(
    plain_words,
    plain_words.map("*{}*".format),
    plain_words.map("**{}**".format),
    plain_words.map("`{}`".format),
    plain_words.map("[{}](https://example.org/x)".format),
)
lines = st.lists(spans, min_size=1, max_size=4).map(" ".join)
blocks = st.one_of(
    lines,
    lines.map("## {}".format),
    lines.map("> {}".format),
    st.lists(lines, min_size=1, max_size=3).map(lambda items: "".join(f"- {x}\n" for x in items)),
    plain_words.map("```\n{}\n```".format),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(blocks, min_size=1, max_size=5).map("\n\n".join))
def test_without_a_new_mark_a_page_reads_the_same(site: Site, url: str, body: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM revisions; DELETE FROM pages")
    assert site.put("any", body, CREATE).status_code == 201
    as_before(url, "any", OLDER.render(body))
    before = words_of("any")
    rerendering.rerender("any", documents.of)
    assert words_of("any") == before
    assert all_stale() == []


def words_of(slug: str) -> list[str]:
    """What a reader of the page reads."""
    return re.sub(r"<[^>]*>", " ", html_of(slug)).split()


def test_a_title_gets_its_spelling_where_it_is_shown(site: Site, url: str) -> None:
    site.put("old", {"body": "text", "title": "Café"}, CREATE)
    as_before(url, "old", "<p>text</p>")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE pages SET title = %s", ["Cafe\u0301"])
    assert rerendering.rerender("old", documents.of)
    assert site.get("/api/pages/old").json["title"] == "Cafe\u0301"  # is for normalizing
    assert "<h1>Café</h1>" in site.get("/old").text


def test_a_save_meanwhile_stands(site: Site, url: str) -> None:
    for slug in ("saved", "deleted"):
        site.create(slug, BODY)
        as_before(url, slug, "<p>old</p>")
    pages = {slug: found(slug) for slug in ("saved", "deleted")}
    site.update("saved", "mine", 1)
    site.delete("deleted", 1)
    assert not any(shards.write(slug, rerendering._replace, pages[slug]) for slug in pages)
    assert site.get("/api/pages/saved").json["version"] == 2
    assert html_of("saved") == "<h1>saved</h1>\n<p>mine</p>\n"
    assert slugs_of(site, "/api/backlinks/tea") == []
    assert site.get("/api/pages/deleted").status_code == 410
    assert not rerendering.rerender("saved", documents.of)
    assert not rerendering.rerender("never-was", documents.of)


def test_a_save_that_has_begun_goes_on_and_leaves_no_link_of_before(site: Site, url: str) -> None:
    """It waits for the row only, and has not seen the links that it would remove."""
    site.create("home", BODY)
    as_before(url, "home", "<p>old</p>")
    with shards.owning("home").connect() as connection:
        claim = claims.claim(connection, "home", 1 << 60, uuid4())
    write = Write(uuid4(), "bob", "", "live", editing.compose("home", "no link"))

    def save() -> int:
        with shards.owning("home").connect() as connection:
            return saves.save(connection, claim, write).version

    page, apart = found("home"), shards.apart(0)
    other = transactional(apart).execution_options(map_epoch=shards.current_map().epoch)
    with ThreadPoolExecutor() as pool:
        with other.begin() as connection:
            assert rerendering._replace(connection, "home", page)
            saving = pool.submit(save)
            wait_until(lambda: _is_waiting(url), "the save does not wait")
        assert saving.result() == 2
    apart.dispose()
    assert all_stale() == ["home"]
    run_upkeep()
    assert slugs_of(site, "/api/backlinks/tea") == []
    assert html_of("home") == "<h1>home</h1>\n<p>no link</p>\n"
    assert all_stale() == []


def _is_waiting(url: str) -> bool:
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%saved%'"
    with psycopg.connect(url) as connection:
        return connection.execute(waiting).fetchone() is not None


def test_what_an_older_release_saves_meanwhile_is_met_again(site: Site, url: str) -> None:
    site.create("home", BODY)
    assert all_stale() == []
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE pages SET version = 2, body = 'new', html = '<p>new</p>'")
    assert all_stale() == ["home"]
    run_upkeep()
    assert html_of("home") == "<h1>Old</h1>\n<p>new</p>\n"
    assert all_stale() == []


def test_a_newer_renderer_finds_all_pages(
    site: Site, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.create("home", "text")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE pages SET renderer = renderer - 1")
    assert all_stale() == ["home"]
    with psycopg.connect(url) as connection:  # as after a release that was taken back
        connection.execute("UPDATE pages SET renderer = renderer + 2")
    assert all_stale() == []


def test_a_text_that_is_too_much_today_stays_as_it_was_rendered(
    site: Site, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.create("long", BODY)
    run_upkeep()
    as_before(url, "long", "<p>as it was</p>")
    monkeypatch.setattr(work, "MAX_WORK", 1)
    assert run_upkeep() == []
    assert html_of("long") == "<h1>Old</h1>\n<p>as it was</p>"
    assert all_stale() == []


def test_it_ends_and_goes_on_in_the_next_run(
    site: Site, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        site.create(f"page-{number}", BODY)
        as_before(url, f"page-{number}", "<p>old</p>")
    monkeypatch.setattr(upkeep.app, "_RENDERED", 2)
    left = []
    while stale := all_stale():
        left.append(len(stale))
        run_upkeep()
    assert left == [5, 3, 1]


def test_it_stops_when_time_is_up(site: Site, url: str) -> None:
    site.create("home", BODY)
    as_before(url, "home", "<p>old</p>")
    upkeep.app.handler({}, Context("tests", 512, upkeep.app._SPARE_MILLISECONDS // 1000))
    assert all_stale() == ["home"]


def test_what_was_done_is_purged_also_if_the_rest_fails(
    site: Site, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for slug in ("a", "b"):
        site.create(slug, BODY)
    run_upkeep()
    for slug in ("a", "b"):
        as_before(url, slug, "<p>old</p>")
    rerender = rerendering.rerender

    def fail(slug: str, document: Document) -> bool:
        if slug == "b":
            raise Unavailable("gone")
        return rerender(slug, document)

    monkeypatch.setattr(rerendering, "rerender", fail)
    assert run_upkeep() == [f"#{documents.cdn_tag('a')}"]
    assert all_stale() == ["b"]


@pytest.fixture
def three(site: Site, servers: Servers, configure: Configure) -> Iterator[list[str]]:
    """The site on three databases, which have a third of the slots each."""
    with ExitStack() as stack:
        urls = [stack.enter_context(database(servers, f"renderers_{n}", None)) for n in range(3)]
        migrate_together(urls)
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        yield urls
        shards.dispose()


def test_on_every_shard_and_pages_take_it_along(site: Site, three: list[str]) -> None:
    names = [f"page-{number:02}" for number in range(12)]
    for slug in names:
        site.create(slug, BODY)
    assert len({shards.owning(slug) for slug in names}) == 3
    for url in three:
        for slug in names[:-1]:
            as_before(url, slug, "<p>old</p>")
    assert sorted(all_stale(3)) == names[:-1]
    run_upkeep()
    assert all_stale(3) == []
    assert slugs_of(site, "/api/backlinks/tea") == names
    moved = next(slug for slug in names if shards.owning(slug).url == shards.at(2).url)
    as_before(three[2], moved)
    resharding.run(2)
    assert rerendering.stale(2, 1) == []
    assert all_stale(3) == [moved]
    run_upkeep()
    assert all_stale(3) == []
    assert slugs_of(site, "/api/backlinks/tea") == names


def test_what_a_search_needs_is_added_to_pages_of_before(site: Site, url: str) -> None:
    """They are found meanwhile, by the words as they are."""
    site.put("old", {"body": "# Deployed things\n\nleaves", "tags": ["Größe"]}, CREATE)
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE pages SET search = to_tsvector('simple', 'deployed things leaves'),"
            " words = DEFAULT, weights = DEFAULT, title_words = DEFAULT, renderer = 1"
        )
    assert slugs_of(site, "/api/search?q=things+leaves") == ["old"]
    assert slugs_of(site, "/api/search?q=leaves&tag=grosse") == []
    run_upkeep()
    assert all_stale() == []
    hit = site.get("/api/search?q=deploying+things").json["items"][0]
    assert (hit["slug"], hit["matched"], hit["place"]) == ("old", "all", "in the title")
    assert slugs_of(site, "/api/search?q=leaves&tag=grosse") == ["old"]
