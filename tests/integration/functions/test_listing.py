"""Lists, search and single things from storage, as JSON and for people."""

import re
from collections.abc import Callable
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from sheaf.database import signing_keys, tables
from sheaf.pages import lists
from sheaf.sharding import shards
from tests.site import Site

T = TypeVar("T")


@pytest.fixture
def full_site(site: Site) -> Site:
    for number, title in enumerate(["Cherry", "apple", "Banana", "apple"]):
        site.create(f"fruit/{number}", f"# {title}\n\nAll about *{title.lower()}s*.")
    return site


def _walk(site: Site, path: str) -> list[dict[str, object]]:
    items: list[dict[str, object]] = []
    address: str | None = path
    while address:
        answer = site.get(address)
        assert answer.status_code == 200, answer.text
        items += answer.json["items"]
        link = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        assert bool(link) == bool(answer.json["next"])
        address = link[1] if link else None
    return items


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["fruit/3", "fruit/2", "fruit/1", "fruit/0"]),
        ("&order=asc", ["fruit/0", "fruit/1", "fruit/2", "fruit/3"]),
        ("&sort=created", ["fruit/3", "fruit/2", "fruit/1", "fruit/0"]),
        ("&sort=title", ["fruit/1", "fruit/3", "fruit/2", "fruit/0"]),
        ("&sort=title&order=desc", ["fruit/0", "fruit/2", "fruit/3", "fruit/1"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_lists_lead_through_all_pages(
    full_site: Site, query: str, expected: list[str], limit: int
) -> None:
    items = _walk(full_site, f"/api/pages?limit={limit}{query}")
    assert [item["slug"] for item in items] == expected
    assert "body" not in items[0]


def test_a_list_can_be_walked_back(full_site: Site) -> None:
    first = full_site.get("/api/pages?limit=2").json
    second = full_site.get(f"/api/pages?limit=2&cursor={first['next']}").json
    assert second["next"] is None
    back = full_site.get(f"/api/pages?limit=2&cursor={second['prev']}").json
    assert back["items"] == first["items"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=many",
        "sort=size",
        "order=up",
        "cursor=nonsense",
        "cursor=" + "x" * 3001,
        "page=0",
        "page=two",
        "page=" + "9" * 30,
        "per_page=201",
    ],
)
def test_bad_queries_are_refused(full_site: Site, query: str) -> None:
    answer = full_site.get(f"/api/pages?{query}")
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


def test_a_cursor_works_only_in_its_list(full_site: Site) -> None:
    cursor = full_site.get("/api/pages?limit=1").json["next"]
    assert full_site.get(f"/api/pages?limit=1&cursor={cursor}").status_code == 200
    for other in ("/api/pages?order=asc&", "/api/pages?sort=title&", "/api/users?"):
        answer = full_site.get(f"{other}cursor={cursor}")
        assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:bad-cursor")


def _links(site: Site, path: str) -> dict[str, str]:
    links = site.get(path).headers["Link"]
    return {rel: address for address, rel in re.findall(r'<([^>]+)>; rel="(\w+)"', links)}


@pytest.mark.parametrize(("page", "expected"), [(1, [1, 3]), (2, [2, 0]), (3, [])])
def test_pages_have_numbers(full_site: Site, page: int, expected: list[int]) -> None:
    answer = full_site.get(f"/api/pages?sort=title&page={page}&per_page=2").json
    assert [item["slug"] for item in answer["items"]] == [f"fruit/{number}" for number in expected]


def test_a_page_by_its_number_leads_on_by_cursors(full_site: Site) -> None:
    links = _links(full_site, "/api/pages?sort=title&page=2&per_page=1")
    assert links["first"] == "/api/pages?sort=title&per_page=1"
    for rel, expected in (("prev", "fruit/1"), ("next", "fruit/2")):
        assert "page=2" not in links[rel]
        items = full_site.get(links[rel]).json["items"]
        assert [item["slug"] for item in items] == [expected]
    rest = _walk(full_site, "/api/pages?sort=title&page=2&per_page=1")
    assert [item["slug"] for item in rest] == ["fruit/3", "fruit/2", "fruit/0"]


def test_all_lists_have_numbered_pages(full_site: Site) -> None:
    full_site.update("fruit/0", "second", 1)
    items = full_site.get("/api/revisions/fruit/0?page=2&per_page=1").json["items"]
    assert [item["version"] for item in items] == [1]
    assert full_site.get("/api/users?page=2").json["items"] == []


@pytest.mark.parametrize("path", ["/api/pages", "/api/users", "/api/revisions/fruit/0"])
@pytest.mark.parametrize(
    ("query", "detail"),
    [("page=21", "cursor"), ("page=6&per_page=200", "cursor"), ("page=2&cursor=x", "not by both")],
)
def test_numbers_end_where_cursors_go_on(
    full_site: Site, path: str, query: str, detail: str
) -> None:
    answer = full_site.get(f"{path}?{query}")
    assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:bad-page")
    assert detail in answer.json["detail"]


def test_the_links_of_a_page_in_any_script(site: Site) -> None:
    site.create("größe/大小", "one")
    site.update("größe/大小", "two", 1)
    links = _links(site, "/api/revisions/größe/大小?limit=1")
    assert links["first"].isascii()
    assert site.get(links["first"]).json["items"][0]["version"] == 2
    assert site.get(links["next"]).json["items"][0]["version"] == 1


def _in_database(act: Callable[[Connection], T]) -> T:
    with shards.home().connect() as connection:
        return act(connection)


def test_signing_keys_come_and_go(full_site: Site) -> None:
    def next_page() -> str:
        lists._secrets.cache_clear()  # as every minute
        return f"/api/pages?limit=1&cursor={full_site.get('/api/pages?limit=1').json['next']}"

    table = tables.signing_keys
    old = next_page()
    known = _in_database(signing_keys.all_secrets)
    _in_database(signing_keys.add_secret)
    new = next_page()
    is_known = table.c.id.in_(known)
    removal = table.delete().where(~is_known).returning(*table.c)
    added = _in_database(lambda connection: connection.execute(removal).one())
    next_page()
    _in_database(lambda connection: connection.execute(table.insert().values(added._asdict())))
    # An instance that has not read a new key yet reads it when it meets it.
    for address in (old, new):
        assert full_site.get(address).status_code == 200
    _in_database(lambda connection: connection.execute(table.delete().where(is_known)))
    assert full_site.get(next_page()).status_code == 200
    answer = full_site.get(old)
    assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:bad-cursor")


def test_one_page(full_site: Site) -> None:
    page = full_site.get("/api/pages/fruit/0")
    assert page.json["body"] == "# Cherry\n\nAll about *cherrys*."
    assert "html" not in page.json
    assert full_site.get("/api/pages/fruit/0", If_None_Match='"v1"').status_code == 304
    assert full_site.get("/api/pages/fruit/9").status_code == 404
    assert full_site.get("/api/pages/a%20b").status_code == 400


def test_head_is_get_without_the_body(full_site: Site) -> None:
    head = full_site.client.head("/api/pages/fruit/0")
    assert (head.status_code, head.text, head.headers["ETag"]) == (200, "", '"v1"')


def test_revisions(site: Site) -> None:
    site.create("home", "one")
    site.put("home", {"body": "two", "comment": "why"}, {"If-Match": '"v1"'})
    site.delete("home", 2)
    items = _walk(site, "/api/revisions/home?limit=2")
    assert [(item["version"], item["state"]) for item in items] == [
        (3, "tombstone"),
        (2, "live"),
        (1, "live"),
    ]
    second = site.get("/api/revisions/home?version=2").json
    assert (second["body"], second["comment"]) == ("two", "why")
    assert site.get("/api/revisions/home?version=9").status_code == 404
    assert site.get("/api/revisions/home?version=0").status_code == 400
    assert site.get("/api/revisions/nowhere").status_code == 404


def test_health(site: Site) -> None:
    assert site.get("/api/health").json == {"status": "ok", "database": "ok", "cache": "ok"}


def test_the_description_lists_every_route(site: Site) -> None:
    paths = site.get("/api/openapi.json").json["paths"]
    assert set(paths["/api/pages/{slug}"]) == {"get", "put", "delete"}
    assert "security" in paths["/api/pages/{slug}"]["put"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/-/recent", "Banana"),
        ("/-/search", "Search"),
        ("/-/search?q=bananas", "<mark>bananas</mark>"),
        ("/-/users", "People"),
        ("/-/history/fruit/0", "?version=1"),
        ("/-/history/fruit/0?version=1", "version 1"),
    ],
)
def test_views(full_site: Site, path: str, expected: str) -> None:
    answer = full_site.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert expected in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_an_editor_has_a_page_before_the_first_edit_is_counted(full_site: Site) -> None:
    assert "Banana" in full_site.get("/-/users/alice").text
    assert full_site.get("/api/users/alice").status_code == 404


def test_a_person_s_page_claims_no_number(full_site: Site) -> None:
    assert "edits" not in full_site.get("/-/users/alice").text


@pytest.mark.parametrize("path", ["/-/users/nobody", "/api/users/nobody"])
def test_a_person_who_has_not_edited(site: Site, path: str) -> None:
    assert "There is no edit by such a person." in site.get(path).text


@pytest.mark.parametrize("query", ["version=x", "cursor=" + "x" * 3001])
def test_people_are_not_told_what_the_validator_says(full_site: Site, query: str) -> None:
    document = full_site.get(f"/-/history/fruit/0?{query}").text
    assert "is not as this site writes it" in document
    assert "query." not in document
    assert "query." in full_site.get(f"/api/revisions/fruit/0?{query}").json["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/-/users/nobody", 404),
        ("/-/users/Not%20a%20handle", 404),
        ("/-/history/nowhere", 404),
        ("/-/history/a%20b", 400),
        ("/-/recent?cursor=nonsense", 400),
        ("/-/history/fruit/0?version=x", 400),
    ],
)
def test_view_errors_are_documents(full_site: Site, path: str, status: int) -> None:
    answer = full_site.get(path)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/api/pages", "GET, HEAD"),
        ("PATCH", "/api/pages/home", "GET, HEAD, PUT, DELETE"),
        ("POST", "/api/leases/home", "GET, HEAD, PUT, DELETE"),
        ("DELETE", "/api/users/alice", "GET, HEAD"),
        ("OPTIONS", "/api/search", "GET, HEAD"),
        ("POST", "/api/drafts/home", "GET, HEAD, PUT, DELETE"),
        ("GET", "/api/previews", "POST"),
        ("DELETE", "/api/previews", "POST"),
        ("PUT", "/-/recent", "GET, HEAD"),
    ],
)
def test_what_is_read_answers_other_methods_with_those_it_has(
    site: Site, method: str, path: str, allowed: str
) -> None:
    answer = site.client.open(path, method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    if path.startswith("/api/"):
        assert answer.json["type"] == "urn:sheaf:problem:method-not-allowed"
