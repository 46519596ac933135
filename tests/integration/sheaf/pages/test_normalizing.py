"""Names that older releases stored as they were typed get their one spelling, and nothing else."""

from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import upkeep.app
from sheaf import texts
from sheaf.caching.entry import Entry
from sheaf.http import documents
from sheaf.pages import normalizing, page_cache, reads
from sheaf.pages.reads import Page
from sheaf.sharding import resharding, shards
from tests.context import new_context
from tests.fixtures import Servers, database, migrate_together
from tests.integration.conftest import Configure
from tests.site import CREATE, Site

DECOMPOSED, OLD_TITLE = "cafe\u0301", "E\u0301cl\x07airs\u202e\u00a0"
TITLE = "Écl airs"


@pytest.fixture
def url(clean: Servers) -> str:
    return clean.database_url


def as_before(url: str, slug: str, title: str, tags: list[str], minutes: int = 5) -> None:
    """Give a page the names that an older release would have stored, some minutes ago."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE pages SET title = %(title)s, sort_title = %(sort)s, tags = %(tags)s,"
            " updated_at = updated_at - make_interval(mins => %(minutes)s) WHERE slug = %(slug)s",
            {
                "title": title,
                "sort": title.casefold(),
                "tags": tags,
                "minutes": minutes,
                "slug": slug,
            },
        )
        connection.execute("DELETE FROM page_tags WHERE slug = %s", [slug])
        connection.execute(
            "INSERT INTO page_tags (slug, tag, slot, updated_at)"
            " SELECT DISTINCT slug, unnest(tags), slot, updated_at FROM pages WHERE slug = %s",
            [slug],
        )


def run_upkeep() -> list[str]:
    """What upkeep has purged."""
    purged: list[str] = upkeep.app.handler({}, new_context())["purge"]
    return purged


def slugs_of(site: Site, query: str) -> list[str]:
    return [item["slug"] for item in site.get(f"/api/pages?{query}").json["items"]]


def test_stored_names_get_their_one_spelling(site: Site, url: str) -> None:
    site.create("old", "text")
    site.put("new", {"body": "x", "title": TITLE, "tags": ["café"]}, CREATE)
    run_upkeep()
    as_before(url, "old", OLD_TITLE, [DECOMPOSED, "café", "\u3000", "a  b"])
    page_cache.versioned().refresh(page_cache.key("old"), lambda: _document("old"))
    before = site.get("/old")
    assert "Écl" not in before.text.partition("<title>")[2].partition("</title>")[0]
    assert run_upkeep() == [f"#{documents.cdn_tag('old')}"]
    page = site.get("/api/pages/old")
    assert (page.json["title"], page.json["tags"]) == (TITLE, ["café", "a b"])
    assert (page.json["version"], page.headers["ETag"]) == (1, '"v1"')
    assert site.get("/api/users/alice").json["edits"] == 2
    assert len(site.get("/api/revisions/old").json["items"]) == 1
    for tag in ("café", DECOMPOSED):
        assert sorted(slugs_of(site, f"tag={quote(tag)}")) == ["new", "old"]
    assert slugs_of(site, "tag=a%C2%A0b") == ["old"]
    offered = site.get("/api/suggestions?q=E%CC%81cl").json["items"]
    assert [item["slug"] for item in offered] == ["new", "old"]
    page_cache.near().close()  # the next reader is another process
    after = site.get("/old", If_None_Match=before.headers["ETag"])
    assert after.status_code == 200
    assert f"<title>{TITLE}" in after.text
    assert run_upkeep() == []


def _document(slug: str) -> Entry:
    return documents.of(slug, shards.read(slug, reads.find))


def test_a_save_meanwhile_stands(site: Site, url: str) -> None:
    for slug in ("saved", "deleted"):
        site.create(slug, "text")
        as_before(url, slug, OLD_TITLE, [DECOMPOSED])
    start = shards.on(0, normalizing._place)
    found = {page.slug: page for page in shards.on(0, normalizing._behind, start, 10)}
    site.put("saved", {"body": "x", "title": "Mine", "tags": ["mine"]}, {"If-Match": '"v1"'})
    site.delete("deleted", 1)
    assert not normalizing._mend(found["saved"])
    assert not normalizing._mend(found["deleted"])
    page = site.get("/api/pages/saved").json
    assert (page["title"], page["tags"], page["version"]) == ("Mine", ["mine"], 2)
    assert slugs_of(site, "tag=caf%C3%A9") == []
    assert site.get("/api/pages/deleted").status_code == 410


def test_a_claim_that_has_begun_goes_on(site: Site, url: str) -> None:
    """Names are no part of what a writer claims, so they change under its hands unnoticed."""
    site.create("home", "text")
    as_before(url, "home", OLD_TITLE, [])
    fences = "SELECT fence, owner, version FROM pages"
    with psycopg.connect(url) as connection:
        claimed = connection.execute(fences).fetchall()
    assert run_upkeep()
    with psycopg.connect(url) as connection:
        assert connection.execute(fences).fetchall() == claimed
    assert site.update("home", "next", 1).status_code == 200


def test_it_goes_on_where_it_was(site: Site, url: str) -> None:
    names = [f"page-{number}" for number in range(7)]
    for number, slug in enumerate(names):
        site.create(slug, "text")
        as_before(url, slug, f"{OLD_TITLE} {number}", [], minutes=60 - number)
    met: list[str] = []
    more, rounds = True, 0
    while more:
        changed, more = normalizing.normalize(0, 2, documents.of)
        assert len(changed) <= 2
        met += changed
        rounds += 1
    assert (met, rounds) == (names, 4)
    assert normalizing.normalize(0, 2, documents.of) == ([], False)


def test_what_was_interrupted_is_taken_up(site: Site, url: str) -> None:
    for slug in ("a", "b", "c"):
        site.create(slug, "text")
        as_before(url, slug, OLD_TITLE, [])

    def fail(slug: str, page: Page | None) -> Entry:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        normalizing.normalize(0, 10, fail)
    as_before(url, "b", OLD_TITLE, [], minutes=0)  # as if it had ended before this one
    assert normalizing.normalize(0, 10, documents.of) == (["b"], False)
    assert {site.get(f"/api/pages/{slug}").json["title"] for slug in "abc"} == {TITLE}


def test_what_an_older_release_saves_meanwhile_is_met_later(site: Site, url: str) -> None:
    site.create("first", "text")
    as_before(url, "first", "First", [], minutes=9)
    run_upkeep()
    site.create("late", "text")
    as_before(url, "late", OLD_TITLE, [], minutes=0)
    run_upkeep()
    assert site.get("/api/pages/late").json["title"] == OLD_TITLE  # it may not be there for all yet
    as_before(url, "late", OLD_TITLE, [], minutes=5)
    run_upkeep()
    assert site.get("/api/pages/late").json["title"] == TITLE


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.data())
def test_whatever_was_stored(site: Site, url: str, data: st.DataObject) -> None:
    storable = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200)
    title = data.draw(storable)
    tags = data.draw(st.lists(storable.map(lambda text: text[:100]).filter(bool), max_size=5))
    answer = site.put("any", "x", CREATE)
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM names_checked")
    as_before(url, "any", title, tags)
    with psycopg.connect(url) as connection:
        # It has noted no key of a tag, either: these come when the page is rendered anew.
        connection.execute("UPDATE pages SET renderer = 0")
    run_upkeep()
    page = site.get("/api/pages/any").json
    assert page["title"] == (texts.line(title, 200) or "any")
    assert page["tags"] == list(dict.fromkeys(filter(None, map(texts.line, tags))))
    for tag in page["tags"]:
        assert site.client.get("/api/pages", query_string={"tag": tag}).json["items"]
    assert answer.status_code in (201, 412)


@pytest.fixture
def two(site: Site, servers: Servers, configure: Configure) -> Iterator[list[str]]:
    """The site on two databases, which have half of the slots each."""
    with ExitStack() as stack:
        urls = [stack.enter_context(database(servers, f"names_{n}", None)) for n in range(2)]
        migrate_together(urls)
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        yield urls
        shards.dispose()


def test_on_every_shard_and_on_those_that_pages_move_to(site: Site, two: list[str]) -> None:
    names = [f"page-{number}" for number in range(8)]
    for slug in names:
        site.create(slug, "text")
    at = {slug: int(shards.owning(slug) is not shards.owning(names[0])) for slug in names}
    assert len(set(at.values())) == 2

    def age_all() -> None:
        for slug in names:
            for url in two:
                as_before(url, slug, OLD_TITLE, [DECOMPOSED])

    age_all()
    run_upkeep()
    assert sorted(slugs_of(site, "tag=caf%C3%A9")) == names
    assert {site.get(f"/api/pages/{slug}").json["title"] for slug in names} == {TITLE}
    age_all()  # the places are behind all of them now
    run_upkeep()
    assert site.get("/api/pages/page-0").json["title"] != TITLE
    resharding.run(1)
    run_upkeep()
    assert {site.get(f"/api/pages/{slug}").json["title"] for slug in names} == {TITLE}
