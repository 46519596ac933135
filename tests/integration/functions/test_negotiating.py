"""Programs that want Markdown, and no HTML, get the source at a page's own address."""

import json
from pathlib import Path
from typing import Any

import pytest

import pages.app
from sheaf import slugs
from tests.context import new_context
from tests.site import Site
from tests.unit.sheaf.http.test_media_types import EXAMPLES

BODY = "# Tea\n\nThree minutes.\n"
EVENT = Path(__file__).parents[3] / "events" / "pages" / "page.200.json"


def answer_of(path: str, accept: str | None, method: str = "GET") -> Any:
    """What the function answers to whom no gateway has led anywhere."""
    event = json.loads(EVENT.read_text())
    event["rawPath"], event["headers"] = path, {"accept": accept} if accept else {}
    event["requestContext"]["http"]["method"] = method
    return pages.app.handler(event, new_context())


@pytest.mark.parametrize("accept", [accept for accept in EXAMPLES if accept.isascii()])
def test_accept_decides(site: Site, accept: str) -> None:
    site.create("home", BODY)
    site.create("guide/tea", BODY)
    expected = "text/markdown" if EXAMPLES[accept] else "text/html"
    for path in ("/", "/guide/tea"):
        answer = site.get(path, Accept=accept)
        assert (answer.status_code, answer.mimetype) == (200, expected)
        assert (answer.text == BODY) == EXAMPLES[accept]
        assert answer_of(path, accept)["headers"]["content-type"].startswith(expected)


def test_both_say_what_the_answer_depends_on(site: Site) -> None:
    site.create("tea", BODY)
    for accept in ("text/markdown", "text/html"):
        for path in ("/tea", "/nowhere"):
            answer = site.get(path, Accept=accept)
            assert answer.headers["Vary"] == "accept, accept-encoding"


def test_it_is_the_same_as_at_the_address_of_the_source(site: Site) -> None:
    site.create("tea", BODY)
    asked, source = site.get("/tea", Accept="text/markdown"), site.get("/tea.md")
    assert asked.data == source.data
    assert asked.headers["ETag"] == source.headers["ETag"] != site.get("/tea").headers["ETag"]
    etag = source.headers["ETag"]
    assert site.get("/tea", Accept="text/markdown", If_None_Match=etag).status_code == 304
    assert site.get("/tea", If_None_Match=etag).status_code == 200
    head = site.client.head("/tea", headers={"Accept": "text/markdown"})
    assert (head.status_code, head.mimetype) == (200, "text/markdown")
    direct = answer_of("/tea", "text/markdown")
    assert direct["headers"]["etag"].rpartition(".")[0] == etag.rpartition(".")[0]


def test_a_new_version_is_there_at_once(site: Site) -> None:
    site.create("tea", BODY)
    site.update("tea", "new", 1)
    assert site.get("/tea?v=2", Accept="text/markdown").text == "new"
    assert "new" in site.get("/tea?v=2").text


def test_where_no_page_is_there_is_no_source(site: Site) -> None:
    site.create("gone", BODY)
    site.delete("gone", 1)
    site.create("old", BODY)
    moving = {"from": "old", "to": "new", "if_match": '"v1"'}
    assert site.post("/api/moves", moving).status_code == 201
    for path, status in (("/gone", 410), ("/nowhere", 404), ("/a b", 404), ("/old", 308)):
        assert site.get(path, Accept="text/markdown").status_code == status
        assert answer_of(path, "text/markdown")["statusCode"] == status
    assert site.get("/old", Accept="text/markdown").headers["Location"] == "/new.md"


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/tea.md",
            "/tea/",
            "/-/recent",
            "/-/nothing",
            "/-",
            "/api",
            "/api/pages",
            "/api/nothing",
        ),
        *(f"/{name}" for name in sorted(slugs.RESERVED)),
    ],
)
def test_all_else_is_as_ever(site: Site, path: str) -> None:
    site.create("tea", BODY)
    plain, asked = site.get(path), site.get(path, Accept="text/markdown")
    assert (asked.status_code, asked.mimetype) == (plain.status_code, plain.mimetype)
    assert asked.headers.get("Location") == plain.headers.get("Location")


def test_a_method_that_changes_is_refused_as_ever(site: Site) -> None:
    site.create("tea", BODY)
    assert site.client.post("/tea", headers={"Accept": "text/markdown"}).status_code == 405
    assert answer_of("/tea", "text/markdown", "POST")["statusCode"] == 405
