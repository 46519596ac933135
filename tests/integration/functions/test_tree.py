"""The tree as JSON and for people: folders and pages, and the way through them."""

import re
from typing import Any

import pytest

from listing import views
from sheaf.pages import tree
from tests.site import Site


@pytest.fixture
def full_site(site: Site) -> Site:
    for slug in (
        "home",
        "guide",
        "guide/start",
        "guide/größe/大小",
        "guide-x",
        "guide0",
        "old/one",
    ):
        site.create(slug, f"# About {slug}")
    assert site.delete("old/one", 1).status_code == 204
    return site


def item(slug: str, kind: str) -> dict[str, Any]:
    name = slug.rpartition("/")[2]
    is_page = "page" in kind
    title = f"About {slug}" if is_page else None
    return {
        "name": name,
        "slug": slug,
        "page": is_page,
        "folder": "folder" in kind,
        "title": title,
    }


TOP = [
    item("guide", "page and folder"),
    item("guide-x", "page"),
    item("guide0", "page"),
    item("home", "page"),
]


def test_the_top(full_site: Site) -> None:
    answer = full_site.get("/api/tree")
    assert answer.json == {"items": TOP, "next": None, "prev": None}
    assert answer.headers["Link"] == '</api/tree>; rel="first"'


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("guide", [item("guide/größe", "folder"), item("guide/start", "page")]),
        ("guide/größe", [item("guide/größe/大小", "page")]),
        ("guide/gro\u0308\u00dfe", [item("guide/größe/大小", "page")]),
        ("guide/gr%C3%B6%C3%9Fe", [item("guide/größe/大小", "page")]),
        ("guide/start", []),
        ("gui", []),
        ("old", []),
    ],
)
def test_a_folder(full_site: Site, folder: str, expected: list[object]) -> None:
    assert full_site.get(f"/api/tree/{folder}").json["items"] == expected


def test_links_lead_through_it_and_back(full_site: Site) -> None:
    first = full_site.get("/api/tree?limit=3").json
    second = full_site.get(f"/api/tree?limit=3&cursor={first['next']}").json
    assert first["items"] + second["items"] == TOP
    assert (first["prev"], second["next"]) == (None, None)
    assert full_site.get(f"/api/tree?limit=3&cursor={second['prev']}").json == first


def test_a_cursor_is_for_one_folder(full_site: Site) -> None:
    cursor = full_site.get("/api/tree?limit=1").json["next"]
    for address in ("/api/tree/guide", "/api/pages", "/-/tree/guide"):
        assert full_site.get(f"{address}?cursor={cursor}").status_code == 400
    assert full_site.get(f"/-/tree?cursor={cursor}").status_code == 200


def test_a_page_made_again_is_there_again(full_site: Site) -> None:
    full_site.create("old/one", "anew")
    assert full_site.get("/api/tree").json["items"] == [*TOP, item("old", "folder")]


def test_a_folder_may_be_called_as_no_page_may(site: Site) -> None:
    for slug in ("robots.txt/one", "notes.md/two"):
        site.create(slug, "x")
    items = site.get("/api/tree").json["items"]
    assert items == [item("notes.md", "folder"), item("robots.txt", "folder")]
    for each in items:
        assert len(site.get(f"/api/tree/{each['slug']}").json["items"]) == 1


@pytest.mark.parametrize("folder", ["a//b", "a/", "a%20b", "a%00b", "-", "api", "x" * 201])
def test_what_is_no_folder_is_refused(site: Site, folder: str) -> None:
    answer = site.get(f"/api/tree/{folder}")
    assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:bad-slug")
    assert site.get(f"/-/tree/{folder}").mimetype == "text/html"


def test_people_find_folders_first_and_pages_by_title(full_site: Site) -> None:
    full_site.create("zero", "# A page")
    top = full_site.get("/-/tree").text
    found = re.findall(r'<a class="what" href="([^"]*)">(?:<bdi>)?([^<]*)', top)
    assert found == [
        ("/guide", "About guide"),
        ("/-/tree/guide", "guide/"),
        ("/zero", "A page"),
        ("/guide0", "About guide0"),
        ("/guide-x", "About guide-x"),
        ("/", "About home"),
    ]
    below = full_site.get("/-/tree/guide/größe").text
    assert 'href="/guide/gr%C3%B6%C3%9Fe/%E5%A4%A7%E5%B0%8F"><bdi>About guide/größe/大小<' in below
    assert (
        '<a href="/-/tree">All pages</a> /\n<a href="/guide"><bdi>About guide</bdi></a> /' in below
    )
    assert "<h1><bdi>größe</bdi></h1>" in below
    assert "<h1><bdi>About guide</bdi></h1>" in full_site.get("/-/tree/guide").text
    assert "No page is in this folder" in full_site.get("/-/tree/old").text


def test_people_go_on_where_a_list_is_long(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(51):
        site.create(f"many/{number:02}", f"# {99 - number}")
    whole = re.findall('class="what" href="([^"]*)"', site.get("/-/tree/many").text)
    assert whole == [f"/many/{number:02}" for number in reversed(range(51))]
    monkeypatch.setattr(views, "_MOST_BY_TITLE", 50)
    first = site.get("/-/tree/many").text
    assert first.count('class="what"') == 50
    assert "in the order of their addresses" in first
    address = first.partition('<nav class="pager"')[2].partition('href="')[2].partition('"')[0]
    assert 'href="/many/50"' in site.get(address).text


def test_a_page_says_in_which_folders_it_is(full_site: Site) -> None:
    page = full_site.get("/guide/größe/大小").text
    assert '<a href="/guide"><bdi>About guide</bdi></a> /' in page
    assert '<a href="/guide/gr%C3%B6%C3%9Fe"><bdi>größe</bdi></a> /' in page
    assert 'aria-label="Folders"' not in full_site.get("/guide").text


def test_a_folder_without_a_page_shows_what_is_in_it(full_site: Site) -> None:
    full_site.create("guide/größe/2", "# A first one")
    full_site.create("guide/größe/x/y", "# Below")
    answer = full_site.get("/guide/gr%C3%B6%C3%9Fe")
    assert answer.status_code == 200
    found = re.findall(r'<li><a class="what" href="([^"]*)"><bdi>([^<]*)', answer.text)
    assert found == [
        ("/guide/gr%C3%B6%C3%9Fe/x", "x"),
        ("/guide/gr%C3%B6%C3%9Fe/2", "A first one"),
        ("/guide/gr%C3%B6%C3%9Fe/%E5%A4%A7%E5%B0%8F", "About guide/größe/大小"),
    ]
    assert full_site.get("/guide/größe/").headers["location"] == "/guide/gr%C3%B6%C3%9Fe"
    assert full_site.get("/guide/größe.md").status_code == 404
    assert full_site.get("/api/pages/guide/größe").status_code == 404


def test_a_folder_gives_way_to_a_page_and_shows_nothing_if_nothing_is_in_it(
    full_site: Site,
) -> None:
    assert "About guide/" in full_site.get("/guide/größe").text
    full_site.create("guide/größe", "# A page of its own")
    assert "A page of its own</h1>" in full_site.get("/guide/größe").text
    assert full_site.get("/guide/start/x").status_code == 404
    assert full_site.get("/gui").status_code == 404


def test_a_folder_of_many_shows_the_first(site: Site) -> None:
    for number in range(3):
        site.create(f"many/{number}", f"# {9 - number}")
    assert [each.title for each in tree.look("many", 2).entries] == ["8", "9"]
