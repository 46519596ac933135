"""Batches: several pages change together, or none does, on one shard and on three."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from werkzeug.test import TestResponse

import upkeep.app
from sheaf.database.outages import Unavailable
from sheaf.database.transactions import prepared
from sheaf.locks import engines
from sheaf.pages import drafts, edit_leases, editing, page_cache
from sheaf.sharding import shards, two_phase
from sheaf.sharding.slot_maps import SlotMap
from tests.context import hurried_context
from tests.fixtures import Servers, at
from tests.integration.conftest import Configure, clones, originals_of_a_site
from tests.integration.functions.test_writes import TOO_COMPLEX
from tests.servers.pgbouncer import MODES, pgbouncer
from tests.site import CREATE, Site

SHARDS = 3
OWNER = SlotMap.even(SHARDS).owner
# Of each shard the same number.
SLUGS = [
    slug
    for number in range(SHARDS)
    for slug in [f"p{each}" for each in range(100) if OWNER(f"p{each}") == number][:3]
]

ON_SEVERAL = pytest.mark.parametrize("originals", [SHARDS], indirect=True, ids=["three shards"])


class Died(BaseException):
    """The process is gone: nothing catches this."""


@pytest.fixture(scope="module", params=[1, SHARDS], ids=["one shard", "three shards"])
def originals(servers: Servers, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """The names of migrated databases."""
    with originals_of_a_site(servers, f"of_{request.param}", request.param) as names:
        yield names


@pytest.fixture
def databases(
    site: Site, servers: Servers, configure: Configure, originals: list[str]
) -> Iterator[list[str]]:
    """The addresses of the site's databases."""
    with clones(servers, "batched", originals) as urls:
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        yield urls
        shards.dispose()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Upkeep ends what it finds, however young."""
    monkeypatch.setattr(upkeep.app, "_LEFT_SECONDS", 0)


def send(site: Site, *changes: Any, key: str | None = None) -> TestResponse:
    headers = {"Idempotency-Key": key} if key else {}
    return site.post("/api/batches", {"changes": list(changes)}, headers=headers)


def creating(slug: str, body: str = "text") -> dict[str, Any]:
    return {"slug": slug, "body": body, "if_none_match": "*"}


def changing(slug: str, body: str, version: int = 1) -> dict[str, Any]:
    return {"slug": slug, "body": body, "if_match": f'"v{version}"'}


def bodies(site: Site) -> list[str]:
    """What everybody reads of each page: the database and the cache say the same."""
    found = []
    for slug in SLUGS:
        found.append(site.get(f"/api/pages/{slug}").json["body"])
        assert f"<p>{found[-1]}</p>" in site.get(f"/{slug}").text
    return found


def test_all_kinds_of_changes_are_done_together(site: Site, databases: list[str]) -> None:
    kept, gone, old, *new = SLUGS
    for slug in (kept, gone, old):
        site.put(slug, {"body": f"# {slug}", "tags": ["one"]}, CREATE)
    done = send(
        site,
        creating(new[0]),
        {"slug": kept, "tags": ["two"], "comment": "why", "if_match": '"v1"'},
        {"slug": gone, "delete": True, "if_match": '"v1"'},
        {"from": old, "to": new[-1], "if_match": '"v1"'},
    )
    assert done.status_code == 201, done.text
    assert [(one["slug"], one["state"], one["version"]) for one in done.json["items"]] == [
        *((new[0], "live", 1), (kept, "live", 2), (gone, "tombstone", 2), (new[-1], "live", 3))
    ]
    page = site.get(f"/api/pages/{kept}").json
    assert (page["body"], page["title"], page["tags"]) == (f"# {kept}", kept, ["two"])
    assert site.get(f"/api/revisions/{kept}").json["items"][0]["comment"] == "why"
    assert site.get(f"/{gone}").status_code == 410
    assert site.get(f"/{old}").headers["Location"] == f"/{new[-1]}"
    listed = {one["slug"] for one in site.get("/api/pages").json["items"]}
    assert listed == {new[0], kept, new[-1]}


def test_the_cache_has_what_a_batch_has_saved(site: Site, databases: list[str]) -> None:
    changed, gone, new = SLUGS[:3]
    for slug in (changed, gone):
        site.put(slug, {"body": "one"}, CREATE)
    deletion = {"slug": gone, "delete": True, "if_match": '"v1"'}
    change = {"slug": changed, "body": "two", "if_match": '"v1"'}
    assert send(site, creating(new), change, deletion).status_code == 201
    kept = [page_cache.versioned().get(page_cache.key(slug)) for slug in (new, changed, gone)]
    assert [(entry.version, entry.status) for entry in kept if entry] == [
        *((1, 200), (2, 200), (2, 410)),
    ]


def test_a_page_more_is_a_statement_more(
    site: Site, databases: list[str], statements: list[str]
) -> None:
    """It is claimed together with the others of its shard; an import names the file of each."""

    def sent(slugs: list[str], **condition: str) -> int:
        statements.clear()
        changes = [
            {"slug": slug, "body": str(condition), "file": f"{slug}.md", **condition}
            for slug in slugs
        ]
        assert send(site, *changes).status_code == 201
        return len(statements)

    # Of each shard one page, and two.
    few, many = SLUGS[::3], SLUGS[1::3] + SLUGS[2::3]
    assert sent(many, if_none_match="*") >= len(many)  # reads what stays, too
    assert sent(many, if_match='"v1"') == sent(few, if_none_match="*") + len(few)
    assert sent(few, if_match='"v1"') == sent(many, if_match='"v2"') - len(few)


@pytest.mark.parametrize("to", [SLUGS[0], SLUGS[3], SLUGS[6]])
@pytest.mark.parametrize("source", [SLUGS[1], SLUGS[4], SLUGS[7]])
def test_a_page_moves_with_all_that_is_its_own(
    site: Site, databases: list[str], source: str, to: str
) -> None:
    first = site.put(source, {"body": "# Tea\n\nleaves [two](other)", "tags": ["hot"]}, CREATE).json
    for number in range(50):
        text = editing.compose(source, f"mine {number}")
        shards.write(source, drafts.keep, "alice", 1, text, "")
    moving = {"from": source, "to": to, "if_match": '"v1"'}
    moved = site.post("/api/moves", moving)
    assert moved.status_code == 201, moved.text
    assert (moved.json["id"], moved.json["created_at"]) == (first["id"], first["created_at"])
    assert site.get(f"/{source}").headers["Location"] == f"/{to}"
    assert "leaves" in site.get(f"/{to}").text
    kept = [shards.read(slug, drafts.of_page, "alice") for slug in (source, to)]
    assert [len(each) for each in kept] == [0, 50]
    for path in ("/api/pages?tag=hot", "/api/search?q=leaves", "/api/backlinks/other"):
        assert [item["slug"] for item in site.get(path).json["items"]] == [to]
    for slug, way in ((to, "moved_from"), (source, "moved_to")):
        assert site.get(f"/api/revisions/{slug}").json["items"][0][way] in (to, source)


def test_many_pages_are_seen_at_once(site: Site, databases: list[str]) -> None:
    slugs = [f"many/{number}" for number in range(100)]
    done = send(site, *(creating(slug, f"zebra {slug}") for slug in slugs))
    assert done.status_code == 201
    assert all(site.get(f"/{slug}").status_code == 200 for slug in slugs)
    assert len(site.get("/api/pages?limit=200").json["items"]) == 100
    assert len(site.get("/api/search?q=zebra&limit=100").json["items"]) == 100


def test_an_answer_says_how_long_it_took(site: Site) -> None:
    for wanted in (creating(SLUGS[0]), changing(SLUGS[0], "text", version=7)):
        said = send(site, wanted).headers["server-timing"]
        assert re.fullmatch(r"work;dur=\d+\.\d", said)


def test_all_that_is_wrong_is_told_and_nothing_is_done(site: Site, databases: list[str]) -> None:
    one, two, three, four, *_ = SLUGS
    site.create(one, "text")
    site.create(two, "text")
    site.delete(two, 1)
    refused = send(
        site,
        changing(one, "new", 7),
        {"slug": two, "delete": True, "if_match": '"v2"'},
        {"from": three, "to": f"{three}/x", "if_match": '"v1"'},
        creating(four),
    )
    assert (refused.status_code, refused.json["type"]) == (412, "urn:sheaf:problem:batch-refused")
    assert [(each["change"], each["status"]) for each in refused.json["refused"]] == [
        *((0, 412), (1, 410), (2, 404))
    ]
    assert refused.json["refused"][0]["current"]["version"] == 1
    assert site.get(f"/api/pages/{four}").status_code == 404
    assert site.get(f"/api/pages/{one}").json["body"] == "text"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ([], 422),
        ([creating(f"x{number}") for number in range(101)], 422),
        ([creating("a"), changing("a", "b")], 400),
        ([{"from": "a", "to": "b", "if_match": '"v1"'}, creating("b")], 400),
        ([{"slug": "a", "if_none_match": "*"}], 400),
        ([{"slug": "a//b", "body": "x", "if_none_match": "*"}], 400),
        ([{"slug": "a", "body": "x"}], 428),
        ([{"slug": "a", "body": "x", "if_match": "7"}], 400),
        ([{"slug": "a", "delete": False, "if_match": '"v1"'}], 422),
        ([{"slug": "a", "body": "x", "if_none_match": "*", "more": 1}], 422),
        (["a"], 422),
        ([{}], 422),
        ([{**creating("a"), "tags": ["x"] * 200}], 422),
        ([{"slug": "a", "restore": 1, "if_match": '"v1"'}], 422),
        ([creating("a"), creating("b", TOO_COMPLEX)], 422),
    ],
)
def test_what_cannot_be_understood_is_refused(site: Site, changes: Any, status: int) -> None:
    answer = send(site, *changes)
    assert answer.status_code == status, answer.text
    assert site.get("/api/pages").json["items"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({**creating("a"), "foo": 1}, "foo"),
        ({**creating("a"), "tags": ["x", 7]}, "tags.1"),
        ({"slug": "a", "body": "x", "restore": 1, "if_match": '"v1"'}, "restore"),
        ({"slug": "a", "delete": False, "if_match": '"v1"'}, "delete"),
        ({"from": "a", "if_match": '"v1"'}, "to"),
        ({}, "slug"),
    ],
)
def test_what_is_wrong_with_a_change_is_located_where_it_was_sent(
    site: Site, change: dict[str, Any], field: str
) -> None:
    answer = send(site, creating("b"), change)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json["errors"]] == [f"body.changes.1.{field}"]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({}, 'Send if_match: "v<version>" to change a page, or if_none_match: * to create one.'),
        ({"if_match": "7"}, 'if_match holds entity tags in quotes, such as "v3".'),
        ({"if_none_match": "7"}, "if_none_match on a write takes only *."),
        ({"if_match": '"v1"', "if_none_match": "*"}, "Send if_match or if_none_match, not both."),
    ],
)
def test_a_precondition_of_a_change_is_told_by_the_names_of_its_members(
    site: Site, change: dict[str, str], detail: str
) -> None:
    refused = send(site, {"slug": "a", "body": "x", **change})
    assert [each["detail"] for each in refused.json["refused"]] == [detail]


def test_a_page_that_is_there_already_is_named(site: Site) -> None:
    site.create("one", "text")
    site.create("two", "text")
    moving = {"from": "two", "to": "one", "if_match": '"v1"'}
    refused = send(site, creating("one"), creating("three"))
    assert refused.json["refused"][0]["detail"] == "There is a page one already."
    for answer in (site.post("/api/moves", moving), site.put("one", "x", CREATE)):
        assert (answer.status_code, answer.json["slug"]) == (412, "one")
        assert answer.json["detail"] == "There is a page one already."


def test_no_more_text_is_rendered_than_one_waits_for(site: Site) -> None:
    for number in range(5):
        site.create(f"p{number}", "x " * 450_000)
    moves = [{"from": f"p{n}", "to": f"q{n}", "if_match": '"v1"'} for n in range(5)]
    refused = send(site, *moves)
    assert (refused.status_code, [each["change"] for each in refused.json["refused"]]) == (413, [4])
    assert refused.json["refused"][0]["type"] == "urn:sheaf:problem:too-large"
    assert send(site, *moves[:4]).status_code == 201


def _steps() -> Iterator[tuple[str, str, int, bool]]:
    """Where a writer may die: in which function, at which call of it, and if that means commit."""
    for number in range(SHARDS - 1):
        yield "before a prepare", "_prepare", number, False
        yield "after a prepare", "_prepare", number, False
    yield "before the decision", "_decide", 0, False
    yield "after the decision", "_decide", 0, True
    for number in range(SHARDS - 1):
        yield "before a commit", "end_prepared", number, True
        yield "after a commit", "end_prepared", number, True


STEPS = list(_steps())


@pytest.mark.parametrize("step", STEPS, ids=[f"{step[0]} {step[2]}" for step in STEPS])
@pytest.mark.parametrize("key", [None, "k"])
@ON_SEVERAL
def test_a_writer_that_dies_leaves_all_or_nothing(
    site: Site,
    databases: list[str],
    monkeypatch: pytest.MonkeyPatch,
    step: tuple[str, str, int, bool],
    key: str | None,
) -> None:
    when, name, number, committed = step
    assert send(site, *(creating(slug, "old") for slug in SLUGS)).status_code == 201
    with monkeypatch.context() as patch:
        die(patch, name, number, before=when.startswith("before"))
        with pytest.raises(Died):
            send(site, *(changing(slug, "new") for slug in SLUGS), key=key)
    began = time.monotonic()
    for slug in SLUGS:
        refused = site.update(slug, "mine", 7)
        assert refused.json["type"].rpartition(":")[2] in ("precondition-failed", "held")
        assert site.get(f"/api/pages/{slug}").json["body"] in ("old", "new")
    assert time.monotonic() - began < 2 * len(SLUGS)
    again = None
    if key:
        again = send(site, *(changing(slug, "new") for slug in SLUGS), key=key)
        assert again.status_code in ((201,) if committed else (201, 409, 503)), again.text
        if committed:
            assert bodies(site) == ["new"] * len(SLUGS)
    upkeep.app.handler({}, hurried_context())
    is_new = committed or (again is not None and again.status_code == 201)
    assert bodies(site) == ["new" if is_new else "old"] * len(SLUGS)
    assert left() == []
    version = 2 if is_new else 1
    for slug in SLUGS:
        assert site.update(slug, "mine", version).status_code == 200


def die(patch: pytest.MonkeyPatch, name: str, number: int, *, before: bool) -> None:
    """Die at this call of a function of the protocol."""
    do: Callable[..., Any] = getattr(two_phase, name)
    calls = iter(range(100))

    def dying(*args: Any, **options: Any) -> Any:
        is_last = next(calls) == number
        if is_last and before:
            raise Died
        done = do(*args, **options)
        if is_last:
            raise Died
        return done

    patch.setattr(two_phase, name, dying)


def left() -> list[str]:
    """What is in doubt, of all shards."""
    numbers = range(len(shards.everywhere()))
    return [name for number in numbers for name in shards.on(number, prepared, "sheaf-")]


@ON_SEVERAL
def test_a_batch_that_is_late_finds_itself_overruled(
    site: Site, databases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decide(*args: Any) -> None:
        upkeep.app.handler({}, hurried_context())
        decide_at_last(*args)

    decide_at_last = two_phase._decide
    monkeypatch.setattr(two_phase, "_decide", decide)
    refused = send(site, *(creating(slug) for slug in SLUGS))
    assert refused.status_code == 409
    assert site.get("/api/pages").json["items"] == []
    assert left() == []


@ON_SEVERAL
def test_one_that_comes_back_after_hours_decides_nothing(
    site: Site, databases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(two_phase, "_LATEST", two_phase._LATEST * -1)
    refused = send(site, *(creating(slug) for slug in SLUGS))
    assert refused.status_code == 409
    assert site.get("/api/pages").json["items"] == []
    assert left() == []


@ON_SEVERAL
def test_its_hour_begins_before_anything_is_prepared(
    site: Site, databases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one that stood still in between could decide what was decided and forgotten."""
    prepare = two_phase._prepare

    def stand_still(*args: Any) -> None:
        prepare(*args)
        time.sleep(0.3)

    monkeypatch.setattr(two_phase, "_LATEST", timedelta(seconds=0.2))
    monkeypatch.setattr(two_phase, "_prepare", stand_still)
    refused = send(site, *(creating(slug) for slug in SLUGS))
    assert refused.status_code == 409
    assert site.get("/api/pages").json["items"] == []
    assert left() == []


def test_pages_that_others_are_editing_say_how_long_to_wait(site: Site) -> None:
    one, two, three, *_ = SLUGS
    for slug, seconds in ((one, 100), (two, 200)):
        shards.write(slug, edit_leases.take, "bob", timedelta(seconds=seconds))
    refused = send(site, creating(one), creating(two), creating(three))
    assert (refused.status_code, refused.headers["Retry-After"]) == (423, "200")
    assert [each["holder"] for each in refused.json["refused"]] == ["bob", "bob"]
    mixed = send(site, creating(one), changing(three, "text"))
    assert (mixed.status_code, "Retry-After" in mixed.headers) == (412, False)


@pytest.mark.parametrize("committed", [True, False])
@ON_SEVERAL
def test_a_decision_of_which_the_answer_was_lost_is_asked_for(
    site: Site, databases: list[str], monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    """What came of it stands, whichever it is."""
    keep = two_phase._keep

    def lose(home: Any, *args: Any) -> None:
        keep(home, *args)
        if committed:
            home.commit()
        raise Unavailable("no answer")

    monkeypatch.setattr(two_phase, "_keep", lose)
    answer = send(site, *(creating(slug) for slug in SLUGS))
    assert answer.status_code == (201 if committed else 503)
    assert len(site.get("/api/pages").json["items"]) == (len(SLUGS) if committed else 0)
    assert left() == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("step", [1, -2], ids=["undone", "done"])
@ON_SEVERAL
def test_behind_a_pooler_it_is_the_same(
    site: Site,
    databases: list[str],
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    mode: str,
    step: int,
) -> None:
    _, name, number, committed = STEPS[step]
    with pgbouncer(tmp_path / "pooler", databases[0], mode, 1) as pooled:
        shards.dispose()
        pools = [at(pooled, urlsplit(url).path) for url in databases]
        configure(SHEAF_DATABASE_URLS=",".join(pools))
        assert send(site, *(creating(slug, "old") for slug in SLUGS)).status_code == 201
        with monkeypatch.context() as patch:
            die(patch, name, number, before=False)
            with pytest.raises(Died):
                send(site, *(changing(slug, "new") for slug in SLUGS))
        upkeep.app.handler({}, hurried_context())
        assert bodies(site) == ["new" if committed else "old"] * len(SLUGS)
        assert left() == []
        shards.dispose()
    configure(SHEAF_DATABASE_URLS=",".join(databases))


def test_while_a_page_is_being_saved_a_batch_with_it_is_409(
    site: Site, databases: list[str]
) -> None:
    with engines.current().lock(page_cache.key(SLUGS[-1]), 10):
        refused = send(site, *(creating(slug) for slug in SLUGS), key="k")
    assert (refused.status_code, refused.headers["Retry-After"]) == (409, "1")
    assert send(site, *(creating(slug) for slug in SLUGS), key="k").status_code == 201


def test_the_same_key_gets_the_same_answer(site: Site, databases: list[str]) -> None:
    changes = [creating(slug, f"# {slug}") for slug in SLUGS]
    first = send(site, *changes, key="k1")
    assert first.status_code == 201
    site.update(SLUGS[0], "other", 1)
    again = send(site, *changes, key="k1")
    assert (again.status_code, again.json) == (201, first.json)
    assert send(site, *changes[1:], key="k1").json["type"].endswith("idempotency-key-reused")
    assert send(site, *changes, key="k2").status_code == 412


def test_a_move_is_sent_again_in_safety(site: Site, databases: list[str]) -> None:
    source, *targets = SLUGS
    site.create(source, "# Tea")
    for to in targets:
        moving = {
            "from": source,
            "to": to,
            "if_match": site.get(f"/api/pages/{source}").headers["etag"],
        }
        first, again = (
            site.post("/api/moves", moving, headers={"Idempotency-Key": to}) for _ in range(2)
        )
        assert (first.status_code, again.status_code) == (201, 201), again.text
        assert first.json == again.json
        assert first.headers["etag"] == again.headers["etag"]
        source = to
    ids = {one["id"] for one in site.get("/api/pages").json["items"]}
    assert ids == {first.json["id"]}


@ON_SEVERAL
def test_old_decisions_and_keys_are_forgotten_once_all_is_ended(
    site: Site, databases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert send(site, *(creating(slug) for slug in SLUGS), key="k").status_code == 201
    with psycopg.connect(databases[0], autocommit=True) as home:
        for table in ("decisions", "batch_keys"):
            home.execute(f"UPDATE {table} SET created_at = now() - interval '2 days'")
        upkeep.app.handler({}, hurried_context())
        assert home.execute("SELECT count(ended_at) FROM decisions").fetchone() == (1,)
        assert home.execute("SELECT count(*) FROM batch_keys").fetchone() == (0,)
        home.execute("UPDATE decisions SET ended_at = now() - interval '2 days'")
        upkeep.app.handler({}, hurried_context())
        assert home.execute("SELECT count(*) FROM decisions").fetchone() == (0,)
