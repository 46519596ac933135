"""Lists of some pages only: by tag, author, prefix and state, of links to a page; busy people."""

import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.database import tables
from sheaf.pages.errors import NotOffered
from sheaf.pages.lists import Filters, Sort, _check_offered
from sheaf.sharding import shards
from tests.conftest import Mint
from tests.site import CREATE, Site


@pytest.fixture
def full_site(site: Site, mint_token: Mint) -> Site:
    bob = mint_token("bob", "editor")
    for slug, tags, token in [
        ("tea", ["drink", "hot"], None),
        ("tea/green", ["drink"], bob),
        ("tea-pot", ["thing"], bob),
        ("teal", [], None),
        ("juice", ["drink"], bob),
        ("tee", ["drink"], None),
        ("tea/old", ["drink"], None),
        ("milk", ["drink"], bob),
    ]:
        value = {"body": "# T\n\n[tea](tea.md)", "tags": tags}
        assert site.put(slug, value, CREATE, token).status_code == 201
    for slug in ("tea/old", "milk"):
        assert site.delete(slug, 1).status_code == 204
    site.put("juice", {"body": "# J", "tags": ["drink"]}, {"If-Match": '"v1"'}, bob)
    site.put("tee", {"body": "# T", "tags": ["thing"]}, {"If-Match": '"v1"'})
    return site


def walk(site: Site, address: str) -> Iterator[str]:
    """The slugs of a whole list, by the addresses that its pages name."""
    for _ in range(100):
        answer = site.get(address)
        assert answer.status_code == 200, answer.text
        yield from (item["slug"] for item in answer.json["items"])
        link = re.search(r'<([^>]+)>; rel="next"', answer.headers["Link"])
        if not link:
            return
        address = link[1]
    raise AssertionError("the list has no end")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tag=drink", "juice tea/green tea"),
        ("tag=drink&order=asc", "tea tea/green juice"),
        ("tag=drink&sort=slug", "juice tea tea/green"),
        ("tag=drink&sort=slug&order=desc", "tea/green tea juice"),
        ("tag=drink&prefix=tea", "tea tea/green"),
        ("tag=thing", "tee tea-pot"),
        ("tag=nothing", ""),
        ("tag=", ""),
        ("author=alice", "tee teal tea"),
        ("author=bob&order=asc", "tea/green tea-pot juice"),
        ("author=carol", ""),
        ("prefix=tea", "tea tea-pot tea/green teal"),
        ("prefix=tea/", "tea/green"),
        ("prefix=tea&order=desc", "teal tea/green tea-pot tea"),
        ("prefix=", "juice tea tea-pot tea/green teal tee"),
        ("prefix=%25", ""),
        ("sort=slug", "juice tea tea-pot tea/green teal tee"),
        ("state=tombstone", "milk tea/old"),
        ("state=tombstone&sort=slug&order=desc", "tea/old milk"),
        ("state=tombstone&prefix=te", "tea/old"),
        ("state=live&tag=hot", "tea"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_pages_are_filtered(full_site: Site, query: str, expected: str, limit: int) -> None:
    assert list(walk(full_site, f"/api/pages?limit={limit}&{query}")) == expected.split()


def test_a_deleted_page_made_anew_is_live_again(full_site: Site) -> None:
    full_site.put("milk", {"body": "m", "tags": ["drink", "white"]}, CREATE)
    assert list(walk(full_site, "/api/pages?tag=white")) == ["milk"]
    assert list(walk(full_site, "/api/pages?state=tombstone")) == ["tea/old"]


def test_a_prefix_is_of_whole_characters_in_any_script(site: Site) -> None:
    for slug in ("größe", "größe/大小", "größer", "grö", "größf"):
        site.create(slug, "x")
    assert list(walk(site, f"/api/pages?prefix={quote('größe')}")) == [
        "größe",
        "größe/大小",
        "größer",
    ]
    decomposed = "gro\u0308\u00dfe/"
    assert list(walk(site, f"/api/pages?prefix={quote(decomposed)}")) == ["größe/大小"]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("tag=drink&sort=title", "Pages by tag are sorted by updated or slug, not by title."),
        ("tag=drink&author=bob", "There is no list of pages by tag and author together."),
        ("author=bob&prefix=t", "by author and prefix"),
        ("prefix=t&sort=updated", "sorted by slug"),
        ("state=tombstone&sort=created", "sorted by updated or slug"),
        ("state=tombstone&tag=drink", "by tag and state"),
    ],
)
def test_what_no_index_has_is_refused(full_site: Site, query: str, detail: str) -> None:
    answer = full_site.get(f"/api/pages?{query}")
    assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:bad-request")
    assert detail in answer.json["detail"]


@pytest.mark.parametrize("query", ["tag=" + "x" * 201, "prefix=" + "x" * 201, "state=claimed"])
def test_bad_filters_are_refused(full_site: Site, query: str) -> None:
    assert full_site.get(f"/api/pages?{query}").status_code == 400


@given(
    st.builds(
        Filters,
        st.none() | st.just("t"),
        st.none() | st.just("a"),
        st.none() | st.just("p"),
        st.sampled_from(["live", "tombstone"]),
    ),
    st.sampled_from([None, "updated", "created", "title", "slug"]),
)
def test_every_combination_is_offered_or_refused(filters: Filters, sort: Sort | None) -> None:
    with suppress(NotOffered):
        assert _check_offered(filters, sort) == sort or sort is None


def test_a_cursor_is_bound_to_all_filters(full_site: Site) -> None:
    lists = ("tag=drink", "tag=thing", "author=alice", "author=bob", "state=tombstone", "")
    cursors = {query: full_site.get(f"/api/pages?limit=1&{query}").json["next"] for query in lists}
    for made_for, cursor in cursors.items():
        for query in lists:
            status = full_site.get(f"/api/pages?{query}&cursor={cursor}").status_code
            assert status == (200 if query == made_for else 400)
    cursor = full_site.get("/api/backlinks/tea?limit=1").json["next"]
    assert full_site.get(f"/api/backlinks/teal?cursor={cursor}").status_code == 400


def test_backlinks(full_site: Site) -> None:
    for limit in (1, 50):
        found = list(walk(full_site, f"/api/backlinks/tea?limit={limit}"))
        assert found == ["tea", "tea-pot", "teal"]
    full_site.update("tea-pot", "[other](other.md)", 1)
    full_site.delete("teal", 1)
    assert list(walk(full_site, "/api/backlinks/tea")) == ["tea"]
    assert list(walk(full_site, "/api/backlinks/other")) == ["tea-pot"]
    assert full_site.get("/api/backlinks/nowhere").json["items"] == []
    assert full_site.get("/api/backlinks/a%20b").status_code == 400
    text = full_site.get("/-/backlinks/tea").text
    assert 'href="/tea"' in text
    assert "No page links here" in full_site.get("/-/backlinks/nowhere").text


def test_busy_people_come_first(site: Site) -> None:
    edits = {"ann": 3, "bob": 9, "cy": 3, "dot": 1, "eve": 9, "fay": 3}
    rows = [{"handle": handle, "slot": 1, "edits": count} for handle, count in edits.items()]
    with shards.home().connect() as connection:
        connection.execute(tables.users.insert(), rows)
    expected = ["bob", "eve", "ann", "cy", "fay", "dot"]
    for limit in (1, 2, 4, 50):
        address: str | None = f"/api/users?sort=edits&limit={limit}"
        handles: list[str] = []
        while address:
            answer = site.get(address).json
            handles += [item["handle"] for item in answer["items"]]
            back = answer["prev"]
            following = answer["next"]
            address = following and f"/api/users?sort=edits&limit={limit}&cursor={following}"
        assert handles == expected
        if back:
            before = site.get(f"/api/users?sort=edits&limit={limit}&cursor={back}").json["items"]
            assert len(before) == limit
    assert site.get("/api/users?sort=name").status_code == 400
