"""A wrong address offers what may have been meant, and costs no more than one that is right."""

from collections.abc import Iterator

import pytest

from sheaf.pages import similar
from sheaf.sharding import shards
from tests.fixtures import Servers
from tests.integration.conftest import Configure, clones, originals_of_a_site
from tests.site import Site

PAGES = {
    "guide/install": "# Installing\n",
    "guide/first-steps": "# First steps\n",
    "Guide_lines": "# Guide lines\n",
    "fastapi/tutorial/index": "# Tutorial\n",
    "fastapi/tutorial/body": "# Request body\n",
    "fastapi/tutorial/deep/security": "# Security\n",
    "Team/Meeting-notes": "# Meeting notes\n",
    "release-notes": "# What is new\n",
    "home": "# Home\n",
    "naïve/größe": "# Größe\n",
}


@pytest.fixture
def full_site(site: Site) -> Site:
    fill(site)
    return site


def fill(site: Site) -> None:
    changes = [{"slug": slug, "body": body, "if_none_match": "*"} for slug, body in PAGES.items()]
    assert site.post("/api/batches", {"changes": changes}).status_code == 201


MEANT = {
    "guide/instal": "guide/install",
    "guide/nstall": "guide/install",
    "guide/install.html": "guide/install",
    "guide/install/index": "guide/install",
    "Guide/Install": "guide/install",
    "GUIDE/FIRST_STEPS": "guide/first-steps",
    "guide/first_steps": "guide/first-steps",
    "guide-lines": "Guide_lines",
    "install": "guide/install",
    "manual/first-steps": "guide/first-steps",
    "fastapi/tutorial": "fastapi/tutorial/index",
    "FastAPI/Tutorial": "fastapi/tutorial/index",
    "fastapi/tutorial/README": "fastapi/tutorial/index",
    "security": "fastapi/tutorial/deep/security",
    "fastapi/security": "fastapi/tutorial/deep/security",
    "Meeting notes": "Team/Meeting-notes",
    "team/meeting notes": "Team/Meeting-notes",
    "blog/release-notes": "release-notes",
    "Home": "home",
    "naive/große": "naïve/größe",
}


@pytest.mark.parametrize(("asked", "meant"), MEANT.items())
def test_what_was_meant_is_among_the_first(full_site: Site, asked: str, meant: str) -> None:
    answer = full_site.get(f"/api/similar/{asked}")
    assert answer.status_code == 200, answer.text
    slugs = [item["slug"] for item in answer.json["items"]]
    assert meant in slugs[:3]
    assert len(slugs) == len(set(slugs)) <= similar.MOST
    page = full_site.get(f"/-/similar/{asked}").text
    assert all(item["title"] in page for item in answer.json["items"])


def test_what_is_below_a_folder_without_a_page_is_offered(full_site: Site) -> None:
    items = full_site.get("/api/similar/fastapi/tutorial").json["items"]
    assert {"fastapi/tutorial/body", "fastapi/tutorial/deep/security"} <= {i["slug"] for i in items}


def test_nothing_is_like_nothing(full_site: Site) -> None:
    assert full_site.get("/api/similar/zzzzz/qqqqq").json == {"items": []}
    assert "No page has a name like this" in full_site.get("/-/similar/zzzzz").text
    assert full_site.get("/api/similar/***").status_code == 200


def test_deleted_pages_were_not_meant(full_site: Site) -> None:
    full_site.delete("guide/install", 1)
    items = full_site.get("/api/similar/guide/instal").json["items"]
    assert "guide/install" not in [item["slug"] for item in items]


def test_a_path_that_no_name_can_be_made_of_is_refused(site: Site) -> None:
    answer = site.get(f"/api/similar/{'?/' * 100}x".replace("?", "%3F"))
    assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:bad-slug")


@pytest.fixture(scope="module")
def three(servers: Servers) -> Iterator[list[str]]:
    with originals_of_a_site(servers, "similar_of", 3) as names:
        yield names


def test_all_shards_are_asked(
    site: Site, servers: Servers, configure: Configure, three: list[str]
) -> None:
    with clones(servers, "similar", three) as urls:
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        fill(site)
        for asked, meant in MEANT.items():
            items = site.get(f"/api/similar/{asked}").json["items"]
            assert meant in [item["slug"] for item in items[:3]], asked
        assert site.get("/api/slugs?title=home").json["free"] == "home-2"
        shards.dispose()


@pytest.mark.parametrize(
    ("path", "nearest", "creates"),
    [
        ("/Meeting notes", "/Meeting-notes", "/-/new?title=Meeting+notes&amp;folder="),
        ("/Team/Meeting notes/", "/Team/Meeting-notes", None),
        ("/C++", "/C-plus-plus", "/-/new?title=C%2B%2B&amp;folder="),
        ("/What's new?.md", "/Whats-new", None),
        ("/guide//install", "/guide/install", None),
        ("/-/edit/Meeting notes", "/Meeting-notes", None),
    ],
)
def test_at_an_address_that_no_page_can_have_the_nearest_is_offered(
    site: Site, path: str, nearest: str, creates: str | None
) -> None:
    answer = site.get(path.replace("?", "%3F"))
    assert answer.status_code == 404
    assert f'<a href="{nearest}">{nearest}</a>' in answer.text
    assert f'href="/-/similar{nearest}"' in answer.text
    assert creates is None or f'href="{creates}"' in answer.text


@pytest.mark.parametrize("path", ["/ ", "/\0", "/???", f"/{'+/' * 60}x"])
def test_where_nothing_is_near_it_is_said(site: Site, path: str) -> None:
    answer = site.get(path.replace("?", "%3F"))
    assert answer.status_code == 404
    assert "No page can have this address." in answer.text
    assert "\0" not in answer.text


def test_a_wrong_address_asks_the_database_for_page_and_folder_alone(
    full_site: Site, statements: list[str]
) -> None:
    statements.clear()
    answer = full_site.get("/guide/instal")
    assert answer.headers["Cache-Control"] == "max-age=0, s-maxage=10"
    assert 'href="/-/similar/guide/instal"' in answer.text
    assert sum("pages." in statement for statement in statements) == 2
    statements.clear()
    for path in ("/guide/instal", "/Meeting notes"):
        assert full_site.get(path).status_code == 404
    assert statements == []
