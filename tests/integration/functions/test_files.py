"""Where a page's text came from: an edit, an import or a restored version, and from which file."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from sheaf.sharding import resharding, shards
from tests.fixtures import Servers
from tests.integration.conftest import Configure, migrated_shards
from tests.integration.functions.conftest import empty
from tests.site import CREATE, Site

FILE = "guide/Über uns.md"
SLUG = "guide/Über-uns"
IMPORTED = {"body": "# Über uns\n", "origin": "import", "file": FILE}


def sources(page: Any) -> tuple[str, str]:
    return page["origin"], page["file"]


def of(site: Site, slug: str) -> tuple[str, str]:
    return sources(site.get(f"/api/pages/{slug}").json)


def put(site: Site, slug: str, version: int, **sent: object) -> tuple[str, str]:
    """What a page's next version is said to come from."""
    answer = site.put(slug, {"body": f"{version}", **sent}, {"If-Match": f'"v{version}"'})
    assert answer.status_code == 200, answer.text
    assert of(site, slug) == sources(answer.json)
    return sources(answer.json)


def batch(site: Site, *changes: dict[str, Any], status: int = 201) -> Any:
    answer = site.post("/api/batches", {"changes": changes})
    assert answer.status_code == status, answer.text
    return answer.json


def move(site: Site, source: str, to: str, version: int) -> TestResponse:
    answer = site.post("/api/moves", {"from": source, "to": to, "if_match": f'"v{version}"'})
    assert answer.status_code == 201, answer.text
    return answer


@pytest.fixture
def imported(site: Site) -> Site:
    """The site with a page from a file."""
    answer = site.put(SLUG, IMPORTED, CREATE)
    assert (answer.status_code, sources(answer.json)) == (201, ("import", FILE))
    return site


def test_each_answer_says_it(imported: Site) -> None:
    imported.create("tea", "# Tea\n")
    listed = imported.get("/api/pages?sort=slug").json["items"]
    assert [sources(item) for item in listed] == [("import", FILE), ("edit", "tea.md")]
    [linking] = imported.get("/api/pages?prefix=guide/").json["items"]
    assert sources(linking) == ("import", FILE)
    [version] = imported.get(f"/api/revisions/{SLUG}").json["items"]
    assert sources(version) == ("import", FILE)
    assert sources(imported.get(f"/api/revisions/{SLUG}?version=1").json) == ("import", FILE)


def lines(site: Site, address: str) -> str:
    answer = site.get(address)
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub("<[^>]*>", "", answer.text).split())


def test_people_are_told(imported: Site) -> None:
    from_file = f", imported from {FILE}"
    found = lines(imported, f"/{SLUG}")
    assert re.search(f"Version 1, saved by alice on .{{20,24}}{from_file}", found)
    put(imported, SLUG, 1)
    assert "imported" not in lines(imported, f"/{SLUG}")
    found = lines(imported, f"/-/history/{SLUG}?version=1")
    assert re.search(f"This is version 1, saved by alice on .{{20,24}}{from_file}. It may", found)
    assert "imported" not in lines(imported, f"/-/history/{SLUG}?version=2")
    batch(imported, {"slug": SLUG, "delete": True, "if_match": '"v2"', "origin": "import"})
    newest, _, oldest = lines(imported, f"/-/history/{SLUG}").partition("Version 2")
    assert "Version 3: deleted by an import" in newest
    assert "imported" not in newest
    assert oldest.count(from_file) == 1


def test_a_save_by_a_person_keeps_the_file(imported: Site) -> None:
    assert put(imported, SLUG, 1) == ("edit", FILE)
    assert put(imported, SLUG, 2, origin="import") == ("import", FILE)
    versions = imported.get(f"/api/revisions/{SLUG}").json["items"]
    assert [sources(each) for each in versions] == [
        ("import", FILE),
        ("edit", FILE),
        ("import", FILE),
    ]


def test_a_restored_version_is_a_persons(imported: Site) -> None:
    assert put(imported, SLUG, 1) == ("edit", FILE)
    answer = imported.put(SLUG, {"restore": 1}, {"If-Match": '"v2"'})
    assert sources(answer.json) == of(imported, SLUG) == ("restore", FILE)


@pytest.mark.parametrize("file", [f"{SLUG}.md", "guide/Über uns.MD", "guide/Über uns/index.md"])
def test_an_import_may_name_another_file(imported: Site, file: str) -> None:
    assert put(imported, SLUG, 1, origin="import", file=file) == ("import", file)
    # The same text from another file is another version, and from the same one it is not.
    same = {"body": "1", "origin": "import"}
    answer = imported.put(SLUG, {**same, "file": file}, {"If-Match": '"v2"'})
    assert (answer.json["version"], sources(answer.json)) == (2, ("import", file))
    answer = imported.put(SLUG, {**same, "file": FILE}, {"If-Match": '"v2"'})
    assert (answer.json["version"], sources(answer.json)) == (3, ("import", FILE))


def test_the_slugs_own_name_is_none_that_is_kept(imported: Site, engine: Engine) -> None:
    put(imported, SLUG, 1, file=f"{SLUG}.md")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT file FROM pages")).scalars().all() == [""]


def test_what_is_deleted_has_no_file_and_says_whether_an_import_did_it(imported: Site) -> None:
    imported.delete(SLUG, 1)
    [gone] = imported.get("/api/pages?state=tombstone").json["items"]
    assert sources(gone) == ("edit", f"{SLUG}.md")
    assert sources(imported.put(SLUG, "again", CREATE).json) == ("edit", f"{SLUG}.md")
    deletion = {"slug": SLUG, "delete": True, "if_match": '"v3"', "origin": "import"}
    [item] = batch(imported, deletion)["items"]
    [gone] = imported.get("/api/pages?state=tombstone").json["items"]
    assert sources(item) == sources(gone) == ("import", f"{SLUG}.md")
    deleted = imported.get("/api/changes?imports=1").json["items"][0]
    assert (deleted["kind"], deleted["imported"]) == ("deleted", True)


def test_a_move_keeps_the_origin_and_forgets_the_file(imported: Site) -> None:
    assert sources(move(imported, SLUG, "about", 1).json) == ("import", "about.md")
    assert of(imported, "about") == ("import", "about.md")
    [arrived] = imported.get("/api/revisions/about").json["items"]
    assert sources(arrived) == ("edit", "about.md")  # and no import of these days
    assert [item["kind"] for item in imported.get("/api/changes").json["items"]] == ["moved"]
    assert sources(move(imported, "about", SLUG, 3).json) == ("import", f"{SLUG}.md")


def test_an_import_makes_no_page_where_one_has_moved_from(imported: Site) -> None:
    move(imported, SLUG, "about", 1)
    refused = imported.put(SLUG, IMPORTED, {**CREATE, "Idempotency-Key": "k"})
    assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
    assert "Retry-After" not in refused.headers
    why = f"The page {SLUG} has moved to about. An import does not make it again at its old name."
    document = {"type": "urn:sheaf:problem:moved", "slug": SLUG, "moved_to": "about", "detail": why}
    assert {name: refused.json[name] for name in document} == document
    again = {"slug": SLUG, "if_none_match": "*", **IMPORTED}
    tea = {"slug": "tea", "if_none_match": "*", "body": "x"}
    answer = batch(imported, tea, again, status=409)
    [one] = answer["refused"]
    assert (one["change"], {name: one[name] for name in document}) == (1, document)
    assert imported.get("/api/pages/tea").status_code == 404
    # With a version it is refused as any, and a person may make one there.
    assert imported.put(SLUG, IMPORTED, {"If-Match": '"v1"'}).status_code == 412
    assert sources(imported.create(SLUG, "x").json) == ("edit", f"{SLUG}.md")


def test_an_import_makes_a_page_again_that_was_deleted(imported: Site) -> None:
    imported.delete(SLUG, 1)
    assert sources(imported.put(SLUG, IMPORTED, CREATE).json) == ("import", FILE)


def test_changes_of_a_batch_have_files(imported: Site) -> None:
    tea = {"slug": "tea/Green", "if_none_match": "*", "body": "x"}
    changed = {"slug": SLUG, "if_match": '"v1"', "tags": ["us"]}
    items = batch(imported, {**tea, "origin": "import", "file": "tea/Green!.markdown"}, changed)
    assert [sources(item) for item in items["items"]] == [
        ("import", "tea/Green!.markdown"),
        ("edit", FILE),
    ]
    refused = batch(imported, {**tea, "slug": "b", "file": "c.md"}, status=422)["refused"]
    assert refused[0]["errors"] == [
        {"field": "file", "message": "This file is not that of the page b."}
    ]


@pytest.mark.parametrize(
    "file",
    [
        *("", "/tea.md", "tea.md/", "a//tea.md", "../tea.md", "./tea.md", ".git/tea.md"),
        *("tea\\.md", "tea\t.md", "tea\0.md", "coffee.md", "a/tea.md", f"{'x' * 1000}.md"),
        *(1, ["tea.md"]),
    ],
)
def test_what_is_no_file_of_the_page_is_refused(site: Site, file: object) -> None:
    answer = site.put("tea", {"body": "x", "file": file}, CREATE)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "body.file")
    assert site.get("/api/pages/tea").status_code == 404


def test_it_is_told_again_by_a_key(site: Site) -> None:
    for _ in range(2):
        answer = site.put(SLUG, IMPORTED, {**CREATE, "Idempotency-Key": "k"})
        assert (answer.status_code, sources(answer.json)) == (201, ("import", FILE))
    other = {**IMPORTED, "file": f"{SLUG}.md"}
    answer = site.put(SLUG, other, {**CREATE, "Idempotency-Key": "k"})
    assert answer.json["type"] == "urn:sheaf:problem:idempotency-key-reused"


def test_a_batch_of_the_release_before_is_told_again(site: Site, engine: Engine) -> None:
    sent = {"changes": [{"slug": "tea", "if_none_match": "*", "body": "x"}]}
    first = site.post("/api/batches", sent, headers={"Idempotency-Key": "k"})
    without = "answer #- '{saved,0,page,origin}' #- '{saved,0,page,file}'"
    with engine.begin() as connection:
        changed = connection.execute(text(f"UPDATE batch_keys SET answer = {without}"))
        assert changed.rowcount == 1
    again = site.post("/api/batches", sent, headers={"Idempotency-Key": "k"})
    assert again.json == first.json


NAMES = {"a/x": ("a/x.md", "a/x!.MD", "a/x/README.md"), "b": ("b.md", "b.MD", "b.mdx")}
SLUGS = st.sampled_from(sorted(NAMES))
ACTS = st.one_of(
    st.tuples(st.just("put"), SLUGS, st.booleans(), st.sampled_from((None, 0, 1, 2))),
    st.tuples(st.sampled_from(("restore", "delete", "move")), SLUGS, st.booleans(), st.none()),
)


@dataclass
class Model:
    """Does things to two pages, by single requests or as batches, and says what is to be told."""

    site: Site
    wanted: dict[str, tuple[str, str]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def act(self, kind: str, slug: str, *, imports: bool, file: int | None, batched: bool) -> None:
        """Do it, if it can be done."""
        self.count += 1
        origin = {"origin": "import"} if imports else {}
        there = slug in self.wanted
        if kind == "put":
            name = {} if file is None else {"file": NAMES[slug][file]}
            self._put(slug, {"body": f"{self.count}", **origin, **name}, batched=batched)
        elif kind == "restore" and there:
            version = self.versions[slug]
            answer = self.site.put(slug, {"restore": version}, {"If-Match": f'"v{version}"'})
            assert answer.json["version"] == version  # it is the same
        elif kind == "delete" and there:
            tag = f'"v{self.versions.pop(slug)}"'
            batch(self.site, {"slug": slug, "delete": True, "if_match": tag, **origin})
            self.deleted[slug] = "import" if imports else "edit"
            del self.wanted[slug]
        elif kind == "move" and there and (to := {"b": "a/x", "a/x": "b"}[slug]) not in self.wanted:
            answer = move(self.site, slug, to, self.versions.pop(slug))
            self.versions[to] = answer.json["version"]
            self.wanted[to] = (self.wanted.pop(slug)[0], f"{to}.md")
            self.deleted.pop(to, None)

    def _put(self, slug: str, sent: dict[str, str], *, batched: bool) -> None:
        version = self.versions.get(slug)
        named = {"if_match": f'"v{version}"'} if version else {"if_none_match": "*"}
        headers = {"If-Match": f'"v{version}"'} if version else CREATE
        if batched:
            answer = self.site.post("/api/batches", {"changes": [{"slug": slug, **named, **sent}]})
        else:
            answer = self.site.put(slug, sent, headers)
        if answer.status_code == 409:
            assert "moved_to" in answer.text
            assert (version, sent["origin"]) == (None, "import")
            return
        page = answer.json["items"][0] if batched else answer.json
        self.versions[slug] = page["version"]
        _, kept = self.wanted.get(slug, ("", f"{slug}.md"))
        self.wanted[slug] = (sent.get("origin", "edit"), sent.get("file", kept))
        self.deleted.pop(slug, None)
        assert sources(page) == self.wanted[slug]


@given(acts=st.lists(st.tuples(ACTS, st.booleans()), min_size=1, max_size=12))
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
def test_whatever_happens_to_pages_their_origin_and_file_are_told(
    spread: Site, acts: list[Any]
) -> None:
    empty()
    model = Model(spread)
    for (kind, slug, imports, file), batched in acts:
        model.act(kind, slug, imports=imports, file=file, batched=batched)
    listed = {item["slug"]: sources(item) for item in spread.get("/api/pages").json["items"]}
    assert listed == model.wanted
    assert {slug: of(spread, slug) for slug in model.wanted} == model.wanted
    gone = spread.get("/api/pages?state=tombstone").json["items"]
    assert {item["slug"]: item["origin"] for item in gone} == model.deleted


# What code that knows of no origin writes: the row's new version, and its revision.
SAVE_AS_BEFORE = """
WITH saved AS (
    UPDATE pages SET version = version + 1, write_id = gen_random_uuid() WHERE state = 'live'
    RETURNING *
)
INSERT INTO revisions (page_id, version, slot, slug, state, write_id, title, tags, body, blob,
    author, comment, origin)
SELECT id, version, slot, slug, state, write_id, title, tags, body, blob, author, '', :origin
FROM saved
"""


@pytest.mark.parametrize(
    ("before", "saved", "shown"), [(IMPORTED, "", "edit"), ({}, "import", "import")]
)
def test_of_what_the_code_before_saves_the_revision_tells(
    site: Site, engine: Engine, before: dict[str, str], saved: str, shown: str
) -> None:
    """So no edit of those minutes is taken for an import, and all that was imported ever is one."""
    site.put(SLUG, {"body": "x", "file": FILE, **before}, CREATE)
    with engine.begin() as connection:
        connection.execute(text(SAVE_AS_BEFORE), {"origin": saved})
    assert of(site, SLUG) == (shown, FILE)
    [item] = site.get("/api/pages").json["items"]
    assert sources(item) == (shown, FILE)
    assert sources(move(site, SLUG, "about", 2).json) == (shown, "about.md")


def test_it_goes_along_with_its_slots(servers: Servers, site: Site, configure: Configure) -> None:
    with migrated_shards(servers) as urls:
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        for number in range(40):
            file = f"page {number}.md"
            site.put(f"page-{number}", {**IMPORTED, "file": file}, CREATE)
        before = [sources(item) for item in site.get("/api/pages?sort=slug").json["items"]]
        resharding.run(3)
        assert [sources(item) for item in site.get("/api/pages?sort=slug").json["items"]] == before
        assert sources(site.get("/api/revisions/page-7?version=1").json) == ("import", "page 7.md")
        shards.dispose()


LINK = "[x](start.md)"
INDEX = "guide/README.md"


def links(site: Site, slug: str) -> set[str]:
    listed = site.get(f"/api/backlinks/{slug}").json["items"]
    return {item["slug"] for item in listed}


def test_relative_links_of_a_folders_file_start_in_the_folder(site: Site) -> None:
    site.put("guide", {"body": LINK, "origin": "import", "file": INDEX}, CREATE)
    assert 'href="/guide/start"' in site.get("/guide").text
    assert links(site, "guide/start") == {"guide"}


def test_they_do_so_whoever_saves_the_page_and_however(site: Site) -> None:
    site.put("guide", {"body": LINK, "origin": "import", "file": INDEX}, CREATE)
    put(site, "guide", 1, body=f"{LINK} by a person")
    assert 'href="/guide/start"' in site.get("/guide").text
    batch(site, {"slug": "guide", "if_match": '"v2"', "body": f"{LINK} in a batch"})
    assert 'href="/guide/start"' in site.get("/guide").text
    batch(site, {"slug": "guide", "if_match": '"v3"', "tags": ["x"]})
    assert 'href="/guide/start"' in site.get("/guide").text
    restored = site.put("guide", {"restore": 1}, {"If-Match": '"v4"'})
    assert restored.status_code == 200
    assert 'href="/guide/start"' in site.get("/guide").text
    assert 'href="/guide/start"' in site.get("/-/history/guide?version=1").text
    asked = {"body": LINK, "slug": "guide", "file": INDEX}
    assert 'href="/guide/start"' in site.post("/api/previews", asked).json["html"]


def test_where_they_start_goes_with_the_file(site: Site) -> None:
    site.put("guide", {"body": LINK, "origin": "import", "file": INDEX}, CREATE)
    put(site, "guide", 1, body=LINK, file="guide.md")
    assert 'href="/start"' in site.get("/guide").text
