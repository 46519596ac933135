"""The history of a page for people: what it leads to, also where the page is not there any more."""

import re
from html import unescape

import pytest

from tests.site import CREATE, Site

DAY = r"\d{1,2} [A-Z][a-z]{2} \d{4}"


@pytest.fixture
def page(site: Site) -> Site:
    """A page of two versions."""
    site.create("notes/tea", "# Tea & milk\n\nThree minutes.\n")
    site.update("notes/tea", "# Tea\n\nFour minutes.\n", 1)
    return site


@pytest.fixture
def gone(page: Site) -> Site:
    """The same, deleted."""
    page.delete("notes/tea", 2)
    return page


@pytest.fixture
def moved(page: Site) -> Site:
    """The same, at another slug."""
    page.post("/api/moves", {"from": "notes/tea", "to": "drinks/tea", "if_match": '"v2"'})
    return page


def links(text: str) -> set[str]:
    return {unescape(found) for found in re.findall(r'<a[^>]* href="([^"]+)"', text)}


def said(text: str) -> str:
    """What a document says, without its elements."""
    return unescape(re.sub("<[^>]+>", "", text))


PATHS = ("/-/history/notes/tea", "/-/diff/notes/tea?from=1&to=2")
VERSIONS = tuple(f"/-/history/notes/tea?version={version}" for version in (1, 2, 3))


@pytest.mark.parametrize("path", ["/notes/tea", *PATHS, *VERSIONS])
def test_what_tells_of_a_deleted_page_leads_nowhere_dead(gone: Site, path: str) -> None:
    gone.create("home", "# Home")
    # Whose edits these are is counted within a minute.
    found = links(gone.get(path).text) - {"#site.main", "/-/users/alice"}
    assert "/-/history/notes/tea" in found
    for link in found:
        address = f"{path.partition('?')[0]}{link}" if link.startswith("?") else link
        assert gone.client.get(address, follow_redirects=True).status_code == 200, link


def test_a_deleted_page_says_who_deleted_it(gone: Site) -> None:
    answer = gone.get("/notes/tea")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (410, "max-age=0, s-maxage=10")
    assert re.search(
        rf"This page was deleted by alice on {DAY}, \d\d:\d\d UTC\.", said(answer.text)
    )
    assert 'data-slug="notes/tea" data-version="2"' in answer.text
    assert "/-/history/notes/tea" in links(answer.text)


def test_so_does_its_history_by_the_title_that_it_had(gone: Site) -> None:
    text = gone.get("/-/history/notes/tea").text
    assert "<h1>History of <bdi>Tea</bdi></h1>" in text
    assert "<title>History of Tea · Sheaf</title>" in text
    assert re.search(rf"This page was deleted by alice on {DAY}", said(text))
    assert 'data-slug="notes/tea" data-version="2"' in text


def test_a_page_that_is_there_has_nothing_to_undelete(gone: Site) -> None:
    assert gone.put("notes/tea", {"restore": 2}, CREATE).status_code == 201
    text = gone.get("/-/history/notes/tea").text
    assert "was deleted by" not in said(text)
    assert "data-version" not in text
    assert "/notes/tea" in links(text)


def test_the_history_of_a_page_that_moved_has_its_title_and_leads_there(moved: Site) -> None:
    text = moved.get("/-/history/notes/tea").text
    assert "<h1>History of <bdi>Tea</bdi></h1>" in text
    assert "This page has moved to drinks/tea" in said(text)
    assert {"/drinks/tea", "/-/history/drinks/tea"} <= links(text)
    assert "<h1>History of <bdi>Tea</bdi></h1>" in moved.get("/-/history/drinks/tea").text


def test_the_version_that_deleted_it_says_so(gone: Site) -> None:
    text = gone.get("/-/history/notes/tea?version=3").text
    assert re.search(rf"alice deleted this page on {DAY}", said(text))
    assert "data-version" not in text
    assert "/-/diff/notes/tea?from=2&to=3" in links(text)


def test_that_a_page_moved_is_a_version_too(moved: Site) -> None:
    moves = moved.get("/api/revisions/notes/tea").json["items"][0]
    text = moved.get(f"/-/history/notes/tea?version={moves['version']}").text
    assert re.search(rf"alice moved this page to drinks/tea on {DAY}", said(text))
    assert "/-/history/drinks/tea" in links(text)


@pytest.mark.parametrize("version", [1, 2])
def test_a_version_can_be_restored_and_has_its_source(gone: Site, version: int) -> None:
    text = gone.get(f"/-/history/notes/tea?version={version}").text
    assert f'data-slug="notes/tea" data-version="{version}"' in text
    assert f"/-/source/notes/tea?version={version}" in links(text)
    source = gone.get(f"/-/source/notes/tea?version={version}")
    kept = gone.get(f"/api/revisions/notes/tea?version={version}").json["body"]
    assert (source.mimetype, source.text) == ("text/markdown", kept)


@pytest.mark.parametrize(
    ("query", "status"), [("", 303), ("version=x", 400), ("version=3", 404), ("version=9", 404)]
)
def test_only_a_version_with_a_text_has_a_source(gone: Site, query: str, status: int) -> None:
    assert gone.get(f"/-/source/notes/tea?{query}").status_code == status


def test_a_source_without_a_version_is_that_of_the_page(page: Site) -> None:
    source = page.client.get("/-/source/notes/tea", follow_redirects=True)
    assert (source.mimetype, source.text) == ("text/markdown", "# Tea\n\nFour minutes.\n")
    assert page.get("/-/source/nowhere").status_code == 404


def test_a_deleted_page_cannot_move_and_says_how_it_comes_back(gone: Site) -> None:
    form = gone.get("/-/move/notes/tea")
    assert form.status_code == 410
    assert "This page was deleted by alice" in said(form.text)
    assert "/-/history/notes/tea" in links(form.text)
    assert 'id="site.restore"' in form.text


def test_what_links_to_a_page_has_the_tools_that_lead_somewhere(gone: Site) -> None:
    gone.create("coffee", "# Coffee\n\n[tea](/notes/tea), [none](/nowhere)")

    def shown(slug: str) -> tuple[str, set[str]]:
        text = gone.get(f"/-/backlinks/{slug}").text
        [heading] = re.findall("<h1>(.*)</h1>", text)
        return said(heading), {link for link in links(text) if link.endswith(slug)}

    assert shown("nowhere") == ("Pages that link to nowhere", set())
    deleted = {"/-/edit/notes/tea", "/-/history/notes/tea"}
    assert shown("notes/tea") == ("Pages that link to Tea", deleted)
    assert shown("coffee")[0] == "Pages that link to Coffee"
    assert {"/coffee", "/-/move/coffee", "/-/history/coffee"} < shown("coffee")[1]


def test_a_difference_says_that_a_version_deleted_the_page(gone: Site) -> None:
    text = said(gone.get("/-/diff/notes/tea?from=2&to=3").text)
    assert "From version 2, saved by alice" in " ".join(text.split())
    assert "to version 3, deleted by alice" in " ".join(text.split())


def test_a_difference_says_that_a_version_moved_the_page(moved: Site) -> None:
    text = said(moved.get("/-/diff/notes/tea?from=2&to=3").text)
    assert "to version 3, moved by alice" in " ".join(text.split())


def test_from_a_version_one_gets_to_what_is_there_now(page: Site) -> None:
    def there() -> tuple[int, str]:
        answer = page.get("/-/current/notes/tea")
        return answer.status_code, answer.headers["Location"]

    assert there() == (303, "/notes/tea")
    page.delete("notes/tea", 2)
    assert there() == (303, "/-/history/notes/tea")
    page.create("naïve", "# Naïve")
    assert page.get("/-/current/naïve").headers["Location"] == "/na%C3%AFve"
    assert page.get("/-/current/nowhere").status_code == 404


def test_two_versions_can_be_chosen(gone: Site) -> None:
    text = gone.get("/-/history/notes/tea").text
    assert 'id="site.compare" action="/-/diff/notes/tea"' in text
    for version in (1, 2, 3):
        for name in ("from", "to"):
            assert f'name="{name}" value="{version}" form="site.compare"' in text
    gone.create("one", "# One")
    assert "site.compare" not in gone.get("/-/history/one").text
