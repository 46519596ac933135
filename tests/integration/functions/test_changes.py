"""What happened to pages: by time, for the site, a folder or a person, with imports or without."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sheaf.sharding import resharding, shards
from tests.conftest import Mint
from tests.fixtures import Servers
from tests.integration.conftest import Configure, migrated_shards
from tests.integration.functions.conftest import empty
from tests.site import CREATE, Site

Shown = tuple[str, str, int, str, bool]  # kind, slug, version, author, imported


def changes(site: Site, query: str = "", rel: str = "next") -> Iterator[dict[str, Any]]:
    """The whole list, by the addresses that its pages name."""
    address = f"/api/changes?{query}"
    for _ in range(100):
        answer = site.get(address)
        assert answer.status_code == 200, answer.text
        yield from answer.json["items"]
        link = re.search(rf'<([^>]+)>; rel="{rel}"', answer.headers["Link"])
        if not link:
            return
        address = link[1]
    raise AssertionError("the list has no end")


def shown(items: Iterator[dict[str, Any]]) -> list[Shown]:
    names = ("kind", "slug", "version", "author", "imported")
    return [tuple(item[name] for name in names) for item in items]


@pytest.fixture
def story(site: Site, mint_token: Mint) -> Site:
    """A page that everything happens to, and an import."""
    bob = mint_token("bob", "editor")
    site.put("guide/tea", {"body": "# Tea\n", "comment": "First try"}, CREATE)
    site.put("guide/tea", {"body": "# Tea\n\nGrün\n"}, {"If-Match": '"v1"'}, bob)
    site.delete("guide/tea", 2)
    site.put("guide/tea", {"restore": 2}, CREATE, bob)
    site.put("cups", {"body": "# Cups\n", "origin": "import"}, CREATE)
    moved = {"from": "guide/tea", "to": "notes/hot/tea", "if_match": '"v4"'}
    assert site.post("/api/moves", moved).status_code == 201
    return site


def test_each_change_is_an_event(story: Site) -> None:
    moved, restored, deleted, edited, created = changes(story)
    assert shown(iter((created, edited, deleted, restored, moved))) == [
        ("created", "guide/tea", 1, "alice", False),
        ("edited", "guide/tea", 2, "bob", False),
        ("deleted", "guide/tea", 3, "alice", False),
        ("restored", "guide/tea", 4, "bob", False),
        ("moved", "notes/hot/tea", 6, "alice", False),
    ]
    assert (created["comment"], edited["comment"]) == ("First try", "")
    assert {one["title"] for one in (moved, restored, deleted, edited, created)} == {"Tea"}
    assert (moved["moved_from"], moved["moved_to"]) == ("guide/tea", None)
    based_on = [one["based_on"] for one in (created, edited, deleted, restored, moved)]
    assert based_on == [None, 1, 2, 3, None]


def test_the_size_of_a_text_is_told_in_bytes(story: Site) -> None:
    sizes = [(item["size"], item["size_before"]) for item in changes(story)]
    assert sizes == [(13, 13), (13, 0), (0, 13), (13, 6), (6, 0)]


@pytest.mark.parametrize(
    ("query", "versions"),
    [
        ("", [6, 4, 3, 2, 1]),
        ("imports=1", [6, 1, 4, 3, 2, 1]),
        ("author=alice", [6, 3, 1]),
        ("author=alice&imports=true", [6, 1, 3, 1]),
        ("author=bob", [4, 2]),
        ("author=carol", []),
        ("author=", []),
        ("folder=guide", [5, 4, 3, 2, 1]),
        ("folder=guide/", [5, 4, 3, 2, 1]),
        ("folder=guide&author=bob", [4, 2]),
        ("folder=notes", [6]),
        ("folder=notes/hot", [6]),
        ("folder=notes/hot/tea", []),
        ("folder=gui", []),
        ("folder=", [6, 4, 3, 2, 1]),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_changes_are_filtered(story: Site, query: str, versions: list[int], limit: int) -> None:
    items = changes(story, f"limit={limit}&{query}")
    assert [item["version"] for item in items] == versions


def test_a_page_that_left_a_folder_is_said_to_have_moved_there(story: Site) -> None:
    left = next(changes(story, "folder=guide"))
    assert (left["kind"], left["slug"], left["moved_to"]) == ("moved", "guide/tea", "notes/hot/tea")
    assert (left["title"], left["size"], left["size_before"]) == ("Tea", 13, 13)
    back = {"from": "notes/hot/tea", "to": "notes/tea", "if_match": '"v6"'}
    story.post("/api/moves", back)
    found = [(item["slug"], item["moved_to"]) for item in changes(story, "folder=notes")]
    assert found == [("notes/tea", None), ("notes/hot/tea", None)]


def test_a_batch_is_several_events(story: Site) -> None:
    wanted = [
        {"slug": "a", "if_none_match": "*", "body": "x", "origin": "import"},
        {"slug": "b", "if_none_match": "*", "body": "y"},
        {"slug": "cups", "if_match": '"v1"', "delete": True},
    ]
    assert story.post("/api/batches", {"changes": wanted}).status_code == 201
    found = shown(changes(story, "limit=3&imports=1"))[:3]
    assert sorted(found) == [
        ("created", "a", 1, "alice", True),
        ("created", "b", 1, "alice", False),
        ("deleted", "cups", 2, "alice", False),
    ]
    assert next(changes(story, "imports=1"))["title"] in ("a", "b", "Cups")


def test_a_page_made_anew_is_created_again(site: Site) -> None:
    site.create("tea", "# One\n")
    site.delete("tea", 1)
    site.create("tea", "# Two\n")
    kinds = [(item["kind"], item["title"], item["based_on"]) for item in changes(site)]
    assert kinds == [("created", "Two", 2), ("deleted", "One", 1), ("created", "One", None)]


@pytest.mark.parametrize("origin", ["restore", "merge", "", 1, True])
def test_nothing_but_import_is_said_from_outside(site: Site, origin: object) -> None:
    answer = site.put("tea", {"body": "x", "origin": origin}, CREATE)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "body.origin")
    restored = site.put("tea", {"restore": 1, "origin": "import"}, CREATE)
    assert (restored.status_code, restored.json["errors"][0]["field"]) == (422, "body.origin")


@pytest.mark.parametrize(
    "query",
    [
        "folder=a//b",
        "folder=api",
        "folder=a%20b",
        "folder=" + "x" * 201,
        "imports=perhaps",
        "sort=x",
    ],
)
def test_bad_queries_are_refused(site: Site, query: str) -> None:
    answer = site.get(f"/api/changes?{query}")
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


def test_a_cursor_is_of_one_list(story: Site) -> None:
    cursor = story.get("/api/changes?limit=1").json["next"]
    assert story.get(f"/api/changes?limit=1&cursor={cursor}").status_code == 200
    for other in ("imports=1", "author=alice", "folder=guide"):
        answer = story.get(f"/api/changes?limit=1&{other}&cursor={cursor}")
        assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:bad-cursor")


# ---- Against a naive model, on one database and on two -------------------------------------------

SLUGS = ("tea", "guide/tea", "guide/hot/tea", "notes/hot/cup")
FOLDERS = ("", "guide", "guide/hot", "notes", "notes/hot", "hot")
# Folder, author, and whether with imports.
LISTS = list(product(FOLDERS, (None, "alice"), (False, True)))
_ACTS = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(SLUGS), st.booleans()),
    st.tuples(st.just("delete"), st.sampled_from(SLUGS), st.none()),
    st.tuples(st.just("restore"), st.sampled_from(SLUGS), st.none()),
    st.tuples(st.just("move"), st.sampled_from(SLUGS), st.sampled_from(SLUGS)),
)


@dataclass
class Model:
    """Does things to a site, and notes in the simplest way what happened and where."""

    site: Site
    tokens: dict[str, str]
    live: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    # From where a page has moved, and none is there.
    left: set[str] = field(default_factory=set)
    # The oldest first; the folders are those whose lists show it.
    events: list[tuple[set[str], Shown]] = field(default_factory=list)

    def act(self, author: str, kind: str, slug: str, more: Any) -> None:
        """Do it, if it can be done."""
        token = self.tokens[author]
        if kind == "put":
            self._put(author, token, slug, imported=more)
        elif kind == "delete" and slug in self.live:
            headers = {"Authorization": f"Bearer {token}", "If-Match": f'"v{self.live[slug]}"'}
            answer = self.site.client.delete(f"/api/pages/{slug}", headers=headers)
            assert answer.status_code == 204
            self.gone[slug] = self.live.pop(slug) + 1
            self._note("deleted", slug, self.gone[slug], author)
        elif kind == "restore" and slug in self.gone and slug not in self.live:
            self._restore(author, token, slug)
        elif kind == "move" and slug in self.live and more not in self.live:
            self._move(author, token, slug, more)

    def _put(self, author: str, token: str, slug: str, *, imported: bool) -> None:
        there = self.live.get(slug)
        text = f"# {slug}\n\n{len(self.events)}\n"  # another one than before
        body = {"body": text, **({"origin": "import"} if imported else {})}
        condition = CREATE if there is None else {"If-Match": f'"v{there}"'}
        answer = self.site.put(slug, body, condition, token)
        if imported and slug in self.left:
            assert answer.json["type"] == "urn:sheaf:problem:moved"
            return
        assert answer.status_code in (200, 201), answer.text
        self.left.discard(slug)
        self.live[slug] = answer.json["version"]
        kind = "edited" if there else "created"
        self._note(kind, slug, self.live[slug], author, imported=imported)

    def _restore(self, author: str, token: str, slug: str) -> None:
        answer = self.site.put(slug, {"restore": self.gone[slug] - 1}, CREATE, token)
        assert answer.status_code == 201, answer.text
        self.left.discard(slug)
        self.live[slug] = answer.json["version"]
        self._note("restored", slug, self.live[slug], author)

    def _move(self, author: str, token: str, slug: str, there: str) -> None:
        version = self.live.pop(slug)
        wanted = {"from": slug, "to": there, "if_match": f'"v{version}"'}
        answer = self.site.post("/api/moves", wanted, token)
        assert answer.status_code == 201, answer.text
        self.live[there] = answer.json["version"]
        self.gone.pop(slug, None)
        self.left = self.left - {there} | {slug}
        folders = above(slug) - above(there)
        self.events.append((folders, ("moved", slug, version + 1, author, False)))
        self._note("moved", there, self.live[there], author)

    def _note(
        self, kind: str, slug: str, version: int, author: str, *, imported: bool = False
    ) -> None:
        self.events.append((above(slug), (kind, slug, version, author, imported)))

    def wanted(self, folder: str, author: str | None, *, imports: bool) -> list[Shown]:
        """What a list shows."""
        return [
            event
            for folders, event in reversed(self.events)
            if folder in folders and author in (None, event[3]) and (imports or not event[4])
        ]


def above(slug: str) -> set[str]:
    """The folders of a page, and the site."""
    names = slug.split("/")
    return {"/".join(names[:depth]) for depth in range(len(names))}


@given(
    acts=st.lists(st.tuples(st.sampled_from(("alice", "bob")), _ACTS), min_size=1, max_size=15),
    lists=st.lists(st.sampled_from(LISTS), min_size=2, max_size=8, unique=True),
    limit=st.sampled_from((1, 2, 3, 50)),
)
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
def test_each_list_is_what_a_naive_one_would_be(
    spread: Site, mint_token: Mint, acts: list[Any], lists: list[Any], limit: int
) -> None:
    empty()
    model = Model(spread, {name: mint_token(name, "editor") for name in ("alice", "bob")})
    for author, act in acts:
        model.act(author, *act)
    for folder, author, imports in lists:
        query = f"limit={limit}&folder={folder}&imports={int(imports)}"
        query += f"&author={author}" if author else ""
        assert shown(changes(spread, query)) == model.wanted(folder, author, imports=imports)


def test_a_list_is_walked_back(spread: Site) -> None:
    for number in range(7):
        spread.create(f"page-{number}", "x")
    first = spread.get("/api/changes?limit=3").json
    second = spread.get(f"/api/changes?limit=3&cursor={first['next']}").json
    third = spread.get(f"/api/changes?limit=3&cursor={second['next']}").json
    assert (len(third["items"]), third["next"]) == (1, None)
    for ahead, behind in ((third, second), (second, first)):
        back = spread.get(f"/api/changes?limit=3&cursor={ahead['prev']}").json
        assert back["items"] == behind["items"]
    assert back["prev"] is None


def test_what_has_happened_goes_along_with_its_slots(
    servers: Servers, site: Site, configure: Configure
) -> None:
    with migrated_shards(servers) as urls:
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        for number in range(60):
            site.create(f"guide/page-{number}", "x")
        site.put("moved", {"body": "y", "origin": "import"}, CREATE)
        queries = ("imports=1", "folder=guide", "author=alice")
        before = [list(changes(site, f"limit=7&{query}")) for query in queries]
        rows = _rows()
        resharding.run(3)
        assert [list(changes(site, f"limit=7&{query}")) for query in queries] == before
        assert sum(map(len, _rows())) == sum(map(len, rows))
        assert len(_rows()[2]) > len(rows[2]) == 0
        shards.dispose()


def _rows() -> list[list[Any]]:
    """All rows of events, by shard."""
    found = []
    for engine in shards.everywhere():
        with engine.connect() as connection:
            found.append(list(connection.exec_driver_sql("SELECT * FROM events")))
    return found
