"""Writes through the gateway: created, changed, deleted, refused; nothing half done."""

import json
from urllib.parse import quote

import pytest
import redis as redis_module
from sqlalchemy import Engine, update

from sheaf import slugs
from sheaf.database.tables import pages, revisions
from tests.conftest import Mint
from tests.fixtures import Servers
from tests.site import CREATE, Site


def test_create_update_and_delete_raise_the_version_for_ever(site: Site) -> None:
    created = site.put("guide/start", "# Start\n\nHello.", CREATE)
    assert created.status_code == 201
    assert created.headers["ETag"] == '"v1"'
    assert created.headers["Location"] == "/api/pages/guide/start"
    assert created.json["title"] == "Start"

    updated = site.update("guide/start", "# Begin", 1)
    assert (updated.status_code, updated.json["version"]) == (200, 2)
    deleted = site.delete("guide/start", 2)
    assert (deleted.status_code, deleted.text) == (204, "")
    assert site.get("/api/pages/guide/start").status_code == 410

    again = site.put("guide/start", "# Again", CREATE)
    assert (again.status_code, again.json["version"]) == (201, 4)
    assert again.json["id"] == created.json["id"]


def test_a_stale_write_is_refused_with_the_current_version(site: Site) -> None:
    site.create("home", "one")
    site.update("home", "two", 1)
    stale = site.update("home", "other two", 1)
    assert stale.status_code == 412
    assert stale.content_type == "application/problem+json"
    assert stale.json["type"] == "urn:sheaf:problem:precondition-failed"
    assert stale.json["current"]["version"] == 2
    assert stale.json["current"]["etag"] == '"v2"'
    assert stale.json["current"]["author"] == "alice"
    assert site.get("/api/pages/home").json["body"] == "two"


def test_creating_what_exists_is_refused_and_updating_what_does_not(site: Site) -> None:
    site.create("home", "one")
    assert site.put("home", "two", CREATE).status_code == 412
    missing = site.update("nowhere", "text", 1)
    assert (missing.status_code, missing.json["current"]) == (412, None)
    assert site.delete("nowhere", 1).status_code == 404
    assert site.get("/api/pages/nowhere").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({}, 428, "precondition-required"),
        ({"If-Match": "*"}, 400, "bad-request"),
        ({"If-Match": "v1"}, 400, "bad-request"),
        ({"If-None-Match": '"v1"'}, 400, "bad-request"),
        ({"If-Match": '"v1"', "If-None-Match": "*"}, 400, "bad-request"),
        ({"If-Match": 'W/"v2"'}, 412, "precondition-failed"),
        ({"If-Match": '"something else"'}, 412, "precondition-failed"),
        ({"If-Match": '"v99999999999999999999"'}, 412, "precondition-failed"),
    ],
)
def test_preconditions(site: Site, headers: dict[str, str], status: int, name: str) -> None:
    site.create("home", "one")
    answer = site.put("home", "two", headers)
    assert (answer.status_code, answer.json["type"]) == (status, f"urn:sheaf:problem:{name}")
    assert site.get("/api/pages/home").json["version"] == 1


def test_one_of_several_entity_tags_is_enough(site: Site) -> None:
    site.create("home", "one")
    assert site.put("home", "two", {"If-Match": '"v7", "v1"'}).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        ({}, 422, "invalid-fields"),
        ({"body": 1}, 422, "invalid-fields"),
        ({"body": "x", "colour": "red"}, 422, "invalid-fields"),
        ({"body": "a\0b"}, 422, "invalid-fields"),
        ({"body": "x", "title": ""}, 422, "invalid-fields"),
        ({"body": "x", "title": "\u3000\u200b\n"}, 422, "invalid-fields"),
        ({"body": "x", "title": "\ud83d"}, 422, "invalid-fields"),
        ({"body": "x", "comment": "x" * 501}, 422, "invalid-fields"),
        ({"body": "x", "title": "x" * 201}, 422, "invalid-fields"),
        ({"body": "x", "tags": "a"}, 422, "invalid-fields"),
        ({"body": "x", "tags": ["a", "\0"]}, 422, "invalid-fields"),
        ([], 422, "invalid-fields"),
        ("text", 422, "invalid-fields"),
        ({"body": "x" * (1024 * 1024 + 1)}, 413, "too-large"),
        ({"body": "x", "comment": "é" * 1024 * 1024}, 413, "too-large"),
    ],
)
def test_bodies_that_are_refused(site: Site, body: object, status: int, name: str) -> None:
    answer = site.client.put(
        "/api/pages/home",
        data=json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {site.token}", **CREATE},
    )
    assert (answer.status_code, answer.json["type"]) == (status, f"urn:sheaf:problem:{name}")
    assert site.get("/api/pages/home").status_code == 404


def test_a_refusal_is_in_plain_words(site: Site) -> None:
    refused = site.put("home", "a\0b", CREATE).json
    why = "must be text without NUL characters and lone surrogates"
    assert refused["errors"] == [{"field": "body.body", "message": why}]
    assert refused["detail"] == f"body.body: {why}"
    too_long = site.put("home", "é" * (512 * 1024 + 1), CREATE).json
    assert too_long["detail"] == "This text is too long: one may have 1 MiB."
    controls = site.put("home", "\1" * 1024 * 1024, CREATE)  # in JSON six bytes for each
    assert controls.status_code == 413
    assert controls.json["detail"].endswith("says the gateway.")
    much = site.put("home", "\1" * 800 * 1024, CREATE)
    assert much.json["detail"] == "This is too long: a request may have 4 MiB of JSON."


@pytest.mark.parametrize("letter", ['"', "\\", "é", "\n\t\t\t\t"], ids=ascii)
def test_a_text_is_as_long_as_its_bytes(site: Site, letter: str) -> None:
    """And not as its JSON, in which letters may take twice or three times as much."""
    text = f"```\n{letter * (1024 * 1024 // len(letter.encode()))}"
    text = text.encode()[: 1024 * 1024].decode(errors="ignore")
    text += "x" * (1024 * 1024 - len(text.encode()))
    answer = site.put("home", text, CREATE)
    assert answer.status_code == 201, answer.json
    assert site.get("/api/pages/home").json["body"] == text
    assert site.put("home", f"{text}x", {"If-Match": '"v1"'}).status_code == 413
    signed_in = {"Authorization": f"Bearer {site.token}"}
    for send, address in (
        (site.client.post, "/api/previews"),
        (site.client.post, "/api/merges/home"),
        (site.client.put, "/api/drafts/home"),
    ):
        sent = [
            send(address, json={"body": each}, headers=signed_in) for each in (text, f"{text}x")
        ]
        assert [each.status_code for each in sent] == [200, 413]
        assert sent[1].json["type"] == "urn:sheaf:problem:too-large"


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        ('{"body": ', "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ('{"body": "\\ud800"}', "application/json", 422),
        (b"\xff\xfe", "application/json", 400),
        ('{"body": "x"}', "text/plain", 415),
        ("body=x", "application/x-www-form-urlencoded", 415),
        (b"\x00\x01", "application/octet-stream", 415),
    ],
)
def test_bodies_that_are_no_json(
    site: Site, data: str | bytes, content_type: str, status: int
) -> None:
    answer = site.client.put(
        "/api/pages/home",
        data=data,
        content_type=content_type,
        headers={"Authorization": f"Bearer {site.token}", **CREATE},
    )
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "slug",
    ["a//b", "a/./b", "a/../b", "-/x", "api/x", "a%20b", "x" * 201, "a.md", "robots.txt", "a%00"],
)
def test_bad_slugs_are_named(site: Site, slug: str) -> None:
    answer = site.client.put(
        f"/api/pages/{slug}",
        json={"body": "x"},
        headers={"Authorization": f"Bearer {site.token}", **CREATE},
    )
    assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:bad-slug")


ORDINARY = {
    "two spaces": ("a  b", "a b"),
    "a break": ("two\nlines", "two lines"),
    "French": ("Corrigé\u00a0!", "Corrigé !"),
    "Japanese": ("日本\u3000語", "日本 語"),
    "Persian": ("می\u200cخواهم", "می\u200cخواهم"),
    "a family": ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
    "marks of direction": ("\u200fאב\u200e", "\u200fאב\u200e"),
    "a soft hyphen": ("co\u00adoperate", "co\u00adoperate"),
    "Unicode 15": ("🫨", "🫨"),
    "to come": ("\U0001fadf\u0378", "\U0001fadf\u0378"),
    "decomposed": ("cafe\u0301", "café"),
    "controls": ("a\x07\x1b[31mred", "a [31mred"),
    "turned around": ("a\u202etxt.exe", "atxt.exe"),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_names_are_taken_as_people_write_them(site: Site, name: str) -> None:
    typed, kept = ORDINARY[name]
    page = {"body": "x", "title": typed, "tags": [typed, kept], "comment": typed}
    answer = site.put("home", page, CREATE)
    assert (answer.status_code, answer.json["title"], answer.json["tags"]) == (201, kept, [kept])
    assert site.get("/api/revisions/home").json["items"][0]["comment"] == kept
    for tag in (typed, kept):
        found = site.client.get("/api/pages", query_string={"tag": tag}).json["items"]
        assert [item["slug"] for item in found] == ["home"]
    offered = site.client.get("/api/suggestions", query_string={"q": typed}).json["items"]
    assert [item["title"] for item in offered] == [kept]


def test_a_heading_is_a_title_like_any_other(site: Site) -> None:
    site.create("bell", "# a\x07\x1b[31mred")
    site.create("turned", "# a\u202etxt.exe")
    titles = {item["title"] for item in site.get("/api/pages").json["items"]}
    assert titles == {"a [31mred", "atxt.exe"}
    for address in ("/-/recent", "/turned"):
        title = site.get(address).text.partition("</title>")[0]
        assert "\u202e" not in title
        assert "\x1b" not in title


@pytest.mark.parametrize("slug", ["می\u200cخواهم", "ශ්\u200dරී", "café/部署"])
def test_names_of_pages_take_joiners_where_letters_do(site: Site, slug: str) -> None:
    answer = site.put(quote(slug), "x", CREATE)
    assert (answer.status_code, answer.json["slug"]) == (201, slug)
    assert site.get(answer.headers["Location"]).json["slug"] == slug
    assert site.get(f"/{quote(slug)}").status_code == 200


@pytest.mark.parametrize("letter", ["\u3164", "\uffa0", "\u034f", "\ufe0f", "\U000e0100"])
def test_pages_with_letters_that_nobody_sees_are_not_made(
    site: Site, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that an older release has made can be read, changed and deleted."""
    slug = quote(f"home{letter}")
    refused = site.put(slug, "x", CREATE)
    assert (refused.status_code, refused.json["type"]) == (400, "urn:sheaf:problem:bad-slug")
    assert "invisible" in refused.json["detail"]
    with monkeypatch.context() as patch:
        patch.setattr(slugs, "check_new", lambda _slug: None)
        site.create(slug, "# Old")
    for address in (f"/{slug}", f"/{slug}.md", f"/-/history/{slug}", f"/-/edit/{slug}"):
        assert site.get(address).status_code == 200, address
    assert [item["slug"] for item in site.get("/api/pages").json["items"]] == [f"home{letter}"]
    assert site.update(slug, "# New", 1).status_code == 200
    assert site.delete(slug, 2).status_code == 204


def test_slugs_are_one_in_unicode_normal_form(site: Site) -> None:
    site.create("nai\u0308ve/部署", "text")
    assert site.get("/api/pages/na\u00efve/部署").json["slug"] == "na\u00efve/部署"
    assert site.put("na\u00efve/部署", "text", CREATE).status_code == 412


def test_permission_to_write(site: Site, mint_token: Mint) -> None:
    assert site.put("home", "x", CREATE, token="").status_code == 401
    assert site.put("home", "x", CREATE, token="nonsense").status_code == 401
    assert site.put("home", "x", CREATE, token=mint_token("bob", "reader")).status_code == 403
    assert site.put("home", "x", CREATE, token=mint_token("bob", "admin")).status_code == 201


def test_title_and_tags_come_from_the_text_unless_given(site: Site) -> None:
    body = "---\ntitle: From front matter\ntags: [a, b]\n---\n# Heading\n"
    assert site.create("one", body).json["title"] == "From front matter"
    assert site.get("/api/pages/one").json["tags"] == ["a", "b"]
    assert site.get("/api/pages/one").json["body"] == body
    assert site.create("dir/two", "no heading").json["title"] == "two"
    given = site.put("three", {"body": body, "title": "Given", "tags": ["c"]}, CREATE)
    assert (given.json["title"], given.json["tags"]) == ("Given", ["c"])


@pytest.mark.parametrize(
    "block",
    [
        'title: !!int ""',
        "title: " + "[" * 900,
        f"title: 0xfff{'f' * 5000}\ntitle: x",
        "a0: &a0 {k: v}\n" + "a1: &a1 {<<: [*a0, *a0]}\n",
        f"title: {'a' * 9000}",
    ],
)
def test_what_is_no_front_matter_is_told_and_stays_text(site: Site, block: str) -> None:
    body = f"---\n{block}\n---\n# Heading\n"
    created = site.create("one", body)
    (warning,) = created.json["warnings"]
    assert warning.keys() == {"line", "reason"}
    assert warning["reason"].startswith("This is not front matter and stays text: ")
    assert (created.status_code, created.json["body"]) == (201, body)
    assert site.update("one", body, 1).json["warnings"] == [warning]
    assert site.post("/api/previews", {"body": body}).json["warnings"] == [warning]
    assert "warnings" not in site.get("/api/pages/one").json


@pytest.mark.parametrize(("slug", "path"), [("home", "/"), ("über/tee", "/%C3%BCber/tee")])
def test_a_save_leads_to_where_nothing_older_is_shown(site: Site, slug: str, path: str) -> None:
    assert site.create(slug, "one").json["url"] == f"{path}?v=1"
    saved = site.update(slug, "two", 1).json
    assert saved["url"] == f"{path}?v=2"
    assert "two" in site.get(saved["url"]).text


def test_a_text_without_fault_has_no_warnings(site: Site) -> None:
    body = '+++\ntitle = "Install: the basics"\ntags = ["3.10", 3.10]\n+++\n'
    created = site.create("one", body)
    assert (created.json["title"], created.json["tags"]) == ("Install: the basics", ["3.10"])
    assert created.json["warnings"] == site.create("two", "---\n---\n").json["warnings"] == []
    seen = site.post("/api/previews", {"body": '{"title": "T"}\n\ntext'}).json
    assert (seen["title"], seen["warnings"]) == ("T", [])


def test_a_preview_stores_nothing(site: Site) -> None:
    answer = site.post("/api/previews", {"body": "# T\n\n<script>x</script>", "slug": "a/b"})
    assert answer.json["title"] == "T"
    assert "<script" not in answer.json["html"]
    assert site.get("/api/pages").json["items"] == []
    assert site.post("/api/previews", {"body": "x"}, token="").status_code == 401


def test_a_page_that_is_being_saved_is_busy_for_others(site: Site, clean: Servers) -> None:
    with redis_module.Redis.from_url(clean.cache_url) as client:
        client.set("page:home", "someone", px=60_000)
    answer = site.put("home", "x", CREATE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")
    assert site.get("/api/pages/home").status_code == 404


TOO_COMPLEX = "---\ntags: [a]\n---\n# Links\n\n[a]: /" + "x" * 20_000 + "\n\n" + "[a] " * 2_500


def test_a_text_that_is_too_much_is_refused_with_the_line(site: Site) -> None:
    refused = site.put("much", TOO_COMPLEX, CREATE)
    assert (refused.status_code, refused.json["line"]) == (422, 8)
    assert refused.json["type"] == "urn:sheaf:problem:too-complex"
    assert "Up to line 8" in refused.json["detail"]
    assert site.get("/api/pages/much").status_code == 404
    preview = site.post("/api/previews", {"body": TOO_COMPLEX})
    assert (preview.status_code, preview.json) == (422, refused.json)


def test_what_was_stored_before_the_bounds_stays_readable(site: Site, engine: Engine) -> None:
    site.create("much", "# Much\n\none")
    with engine.connect() as connection:
        for table in (pages, revisions):
            connection.execute(update(table).values(body=TOO_COMPLEX))
    assert "<pre># Links" in site.get("/-/history/much?version=1").text
    assert site.get("/much").status_code == 200
    assert site.get("/api/pages/much").json["body"] == TOO_COMPLEX
    assert site.update("much", "# Less", 1).status_code == 200


@pytest.mark.parametrize("header", [{}, {"Idempotency-Key": '"k-1"'}])
def test_a_save_that_changes_nothing_stores_nothing(site: Site, header: dict[str, str]) -> None:
    text = "---\ntags: [a, b]\n---\n# Leaf\n"
    created = site.create("leaf", text).json
    same = site.put("leaf", text, {"If-Match": '"v1"', **header})
    assert (same.status_code, same.headers["ETag"]) == (200, '"v1"')
    assert same.json == created
    assert site.put("leaf", {"restore": 1}, {"If-Match": '"v1"'}).json["version"] == 1
    assert len(site.get("/api/revisions/leaf").json["items"]) == 1


@pytest.mark.parametrize("other", [{"title": "Leaf!"}, {"tags": ["b", "a"]}, {"tags": []}])
def test_other_names_are_a_change(site: Site, other: dict[str, object]) -> None:
    text = "---\ntags: [a, b]\n---\n# Leaf\n"
    site.create("leaf", text)
    assert site.put("leaf", {"body": text, **other}, {"If-Match": '"v1"'}).json["version"] == 2


def test_a_deleted_page_is_made_again_with_the_same_text(site: Site) -> None:
    site.create("leaf", "# Leaf\n")
    site.delete("leaf", 1)
    assert site.create("leaf", "# Leaf\n").json["version"] == 3


def test_nor_does_a_batch_store_what_is_there(site: Site) -> None:
    site.create("leaf", "# Leaf\n")
    site.create("twig", "# Twig\n")
    changes = [
        {"slug": slug, "body": body, "if_match": '"v1"'}
        for slug, body in (("leaf", "# Leaf\n"), ("twig", "# Other\n"))
    ]
    done = site.post("/api/batches", {"changes": changes})
    assert [item["version"] for item in done.json["items"]] == [1, 2], done.text
