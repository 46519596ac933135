"""Edit leases: who is editing a page, what that keeps others from, and what it never costs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from sheaf.database.transactions import transactional
from sheaf.pages import claims, drafts, edit_leases, saves
from sheaf.pages.saves import EMPTY, LockLost, Write
from tests.conftest import Mint
from tests.integration.functions.conftest import wait_for_waiter
from tests.site import CREATE, Site
from tests.waiting import PATIENCE

LEASE = "/api/leases/notes/tea"
# A fence of the year 2033.
FAR_AHEAD = 2_000_000_000_000_000
TWO_MINUTES = timedelta(seconds=120)


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def bob(mint_token: Mint) -> str:
    """The token of another editor."""
    return mint_token("bob", "editor")


def take(site: Site, token: str | None = None, **wanted: Any) -> TestResponse:
    """PUT the lease, without a body if nothing is wanted in particular."""
    headers = {"Authorization": f"Bearer {token or site.token}"}
    return site.client.put(LEASE, json=wanted or None, headers=headers)


def give_up(site: Site, token: str | None = None) -> TestResponse:
    return site.client.delete(LEASE, headers={"Authorization": f"Bearer {token or site.token}"})


def run_out(connection: Connection) -> None:
    """Let a minute pass after the end of every lease."""
    connection.execute(text("UPDATE pages SET lease_expires_at = now() - interval '1 minute'"))


def problem_of(answer: TestResponse) -> str:
    assert answer.content_type == "application/problem+json", answer.text
    return str(answer.json["type"]).removeprefix("urn:sheaf:problem:")


def test_a_lease_is_taken_seen_renewed_and_given_up(site: Site) -> None:
    assert site.get(LEASE).status_code == 404
    taken = take(site)
    assert (taken.status_code, taken.headers["Location"]) == (201, LEASE)
    assert set(taken.json or {}) == {
        "slug", "holder", "fence", "seconds_left", "expires_at", "taken_from",
    }  # fmt: skip
    assert (taken.json["slug"], taken.json["holder"]) == ("notes/tea", "alice")
    assert (taken.json["seconds_left"], taken.json["taken_from"]) == (120, None)

    seen = site.get(LEASE)
    assert (seen.status_code, seen.headers["Cache-Control"]) == (200, "no-store")
    assert seen.json["fence"] == taken.json["fence"]
    renewed = take(site, seconds=600)
    assert (renewed.status_code, renewed.json["fence"]) == (200, taken.json["fence"])
    assert renewed.json["seconds_left"] == 600

    assert (give_up(site).status_code, site.get(LEASE).status_code) == (204, 404)
    assert give_up(site).status_code == 404
    assert take(site).status_code == 201


def test_a_lease_makes_no_page(site: Site) -> None:
    take(site)
    assert site.get("/api/pages/notes/tea").status_code == 404
    assert site.get("/api/pages").json["items"] == []
    assert site.create("notes/tea", "# Tea").json["version"] == 1


def test_what_another_holds_is_taken_only_on_request(site: Site, bob: str) -> None:
    first = take(site)
    refused = take(site, bob)
    assert (refused.status_code, problem_of(refused)) == (423, "locked")
    assert refused.json["holder"] == "alice"
    assert 60 < refused.json["seconds_left"] <= 120
    assert refused.headers["Retry-After"] == str(refused.json["seconds_left"])
    assert give_up(site, bob).status_code == 423

    over = take(site, bob, take_over=True)
    assert (over.status_code, over.json["holder"], over.json["taken_from"]) == (201, "bob", "alice")
    assert over.json["fence"] > first.json["fence"]
    assert take(site, bob).json["taken_from"] == "alice"
    assert take(site).status_code == 423


def test_a_lease_runs_out_for_others_and_waits_for_its_holder(
    site: Site, bob: str, connection: Connection
) -> None:
    first = take(site)
    run_out(connection)
    assert site.get(LEASE).status_code == 404
    again = take(site)
    assert (again.status_code, again.json["fence"]) == (201, first.json["fence"])
    run_out(connection)
    taken = take(site, bob)
    assert (taken.status_code, taken.json["taken_from"]) == (201, None)
    assert taken.json["fence"] > first.json["fence"]


@pytest.mark.parametrize(
    "wanted", [{"seconds": 9}, {"seconds": 3601}, {"seconds": "60"}, {"take_over": 1}, {"x": 1}]
)
def test_what_cannot_be_wanted(site: Site, wanted: dict[str, Any]) -> None:
    answer = take(site, **wanted)
    assert (answer.status_code, problem_of(answer)) == (422, "invalid-fields")


def test_only_editors_have_leases_and_drafts(site: Site, mint_token: Mint) -> None:
    reader = mint_token("carol", "reader")
    assert take(site, reader).status_code == 403
    assert give_up(site, reader).status_code == 403
    for method, path in (("PUT", LEASE), ("DELETE", LEASE), ("GET", "/api/drafts/notes/tea")):
        assert site.client.open(path, method=method).status_code == 401
    assert site.get("/api/leases/a//b").status_code == 400


def test_others_cannot_write_while_a_lease_lives(
    site: Site, bob: str, connection: Connection
) -> None:
    site.create("notes/tea", "one")
    take(site, bob)
    for refused in (site.update("notes/tea", "two", 1), site.delete("notes/tea", 1)):
        assert (refused.status_code, problem_of(refused)) == (423, "locked")
        assert refused.json["holder"] == "bob"
        assert refused.headers["Retry-After"] == str(refused.json["seconds_left"])
    run_out(connection)
    assert site.update("notes/tea", "two", 1).status_code == 200


def test_the_holder_writes_with_and_without_naming_the_lease(
    site: Site, connection: Connection
) -> None:
    fence = take(site).json["fence"]
    mine = {"Sheaf-Lease": str(fence)}
    assert site.put("notes/tea", "one", {**CREATE, **mine}).status_code == 201
    assert site.update("notes/tea", "two", 1).status_code == 200
    run_out(connection)
    assert site.put("notes/tea", "three", {"If-Match": '"v2"', **mine}).status_code == 200
    give_up(site)
    assert site.put("notes/tea", "four", {"If-Match": '"v3"', **mine}).status_code == 200


def test_a_lost_lease_keeps_the_text_as_a_draft(site: Site, bob: str) -> None:
    site.create("notes/tea", "one")
    mine = {"If-Match": '"v1"', "Sheaf-Lease": str(take(site).json["fence"])}
    take(site, bob, take_over=True)
    what = {"body": "# Mine", "tags": ["b", "a"], "comment": "Long work"}
    lost = site.put("notes/tea", what, mine)
    assert (lost.status_code, problem_of(lost)) == (409, "lease-lost")
    assert lost.json["holder"] == "bob"
    assert site.get("/api/pages/notes/tea").json["body"] == "one"

    (draft,) = drafts_of(site, site.token)
    assert draft["id"] == lost.json["draft"]
    assert (draft["title"], draft["body"], draft["tags"]) == ("Mine", "# Mine", ["b", "a"])
    assert (draft["based_on"], draft["comment"]) == (1, "Long work")
    assert drafts_of(site, bob) == []


def test_a_draft_is_kept_though_the_other_has_saved_already(site: Site, bob: str) -> None:
    mine = {**CREATE, "Sheaf-Lease": str(take(site).json["fence"])}
    other = take(site, bob, take_over=True).json["fence"]
    saved = site.put("notes/tea", "theirs", {**CREATE, "Sheaf-Lease": str(other)}, bob)
    assert saved.status_code == 201
    for _ in range(2):
        lost = site.put("notes/tea", "mine", mine)
        assert problem_of(lost) == "lease-lost"
    (draft,) = drafts_of(site, site.token)
    assert (draft["body"], draft["based_on"]) == ("mine", None)


def test_a_lost_lease_stops_a_delete_and_leaves_no_draft(site: Site, bob: str) -> None:
    site.create("notes/tea", "one")
    fence = take(site).json["fence"]
    take(site, bob, take_over=True)
    headers = {
        "Authorization": f"Bearer {site.token}",
        "If-Match": '"v1"',
        "Sheaf-Lease": str(fence),
    }
    lost = site.client.delete("/api/pages/notes/tea", headers=headers)
    assert (lost.status_code, lost.json["holder"], lost.json["draft"]) == (409, "bob", None)
    assert drafts_of(site, site.token) == []


def test_the_fence_of_somebody_elses_lease_helps_nobody(site: Site, bob: str) -> None:
    fence = take(site, bob).json["fence"]
    lost = site.put("notes/tea", "mine", {**CREATE, "Sheaf-Lease": str(fence)})
    assert (lost.status_code, lost.json["holder"]) == (409, "bob")
    never = site.put("notes/coffee", "mine", {**CREATE, "Sheaf-Lease": "7"})
    assert (never.status_code, never.json["holder"]) == (409, None)


@pytest.mark.parametrize("fence", ["", "x", "-1", "1.5", '"1"', "9" * 30])
def test_a_fence_that_is_no_number(site: Site, fence: str) -> None:
    answer = site.put("notes/tea", "one", {**CREATE, "Sheaf-Lease": fence})
    assert (answer.status_code, problem_of(answer)) == (400, "bad-request")


def test_a_lease_taken_while_a_save_is_under_way_stops_it(
    site: Site, connection: Connection
) -> None:
    """The locks' clock is far ahead of the database's: the page's fence rises all the same."""
    site.create("home", "one")
    claim = claims.claim(connection, "home", FAR_AHEAD, uuid4())
    edit_leases.take(connection, "home", "bob", TWO_MINUTES)
    with pytest.raises(LockLost):
        saves.save(connection, claim, Write(uuid4(), "alice", "", "live", EMPTY))
    with pytest.raises(claims.ClaimRefused):
        claims.claim(connection, "home", FAR_AHEAD, claim.owner)
    again = claims.claim(connection, "home", FAR_AHEAD + 2, claim.owner)
    assert again.lease is not None
    assert again.lease.holder == "bob"


def test_a_claim_waits_for_no_takeover_and_sees_it_then(site: Site, engine: Engine) -> None:
    site.create("home", "one")
    with engine.connect() as connection:
        ours, _ = edit_leases.take(connection, "home", "alice", TWO_MINUTES)
    with transactional(engine).connect() as other, other.begin():
        theirs, _ = edit_leases.take(other, "home", "bob", TWO_MINUTES, take_over=True)
        with pytest.raises(OperationalError, match="could not obtain lock"):
            _claim(engine)
    claim = _claim(engine)
    assert claim.lease is not None
    assert (claim.lease.holder, claim.lease.fence) == ("bob", theirs.fence)
    assert theirs.fence > ours.fence


@pytest.mark.parametrize("named", [True, False])
def test_a_lease_lost_between_claim_and_save_is_told(
    site: Site, engine: Engine, bob: str, named: bool
) -> None:
    mine = {"Sheaf-Lease": str(take(site).json["fence"])} if named else {}
    with ThreadPoolExecutor(1) as thread, transactional(engine).connect() as other:
        with other.begin():
            # A save has to wait for this, a claim has not.
            other.execute(text("LOCK TABLE revisions IN SHARE MODE"))
            saving = thread.submit(site.put, "notes/tea", "mine", {**CREATE, **mine})
            wait_for_waiter(engine)
            edit_leases.take(other, "notes/tea", "bob", TWO_MINUTES, take_over=True)
        refused = saving.result(PATIENCE)
    expected = (409, "lease-lost", "bob") if named else (423, "locked", "bob")
    assert (refused.status_code, problem_of(refused), refused.json["holder"]) == expected
    assert len(drafts_of(site, site.token)) == named
    assert site.get("/api/pages/notes/tea").status_code == 404


def _claim(engine: Engine) -> claims.Claim:
    with engine.connect() as connection:
        return claims.claim(connection, "home", FAR_AHEAD, uuid4())


def test_renewing_leaves_the_holders_own_save_alone(site: Site, connection: Connection) -> None:
    edit_leases.take(connection, "home", "alice", TWO_MINUTES)
    claim = claims.claim(connection, "home", FAR_AHEAD, uuid4())
    edit_leases.take(connection, "home", "alice", TWO_MINUTES)
    saved = saves.save(connection, claim, Write(uuid4(), "alice", "", "live", EMPTY))
    assert saved.version == 1


def test_rows_of_leases_go_when_nobody_needs_them(site: Site, connection: Connection) -> None:
    first, _ = edit_leases.take(connection, "home", "alice", TWO_MINUTES)
    assert claims.remove_abandoned(connection, timedelta(days=-1)) == 0
    run_out(connection)
    assert claims.remove_abandoned(connection, timedelta(days=-1)) == 1
    assert edit_leases.find(connection, "home") is None
    second, is_new = edit_leases.take(connection, "home", "alice", TWO_MINUTES)
    assert is_new
    assert second.fence > first.fence


def test_old_drafts_are_removed(site: Site, connection: Connection) -> None:
    kept = drafts.keep(connection, "home", "alice", 3, EMPTY, "")
    assert drafts.keep(connection, "home", "alice", 3, EMPTY, "") == kept
    other = drafts.keep(connection, "home", "alice", 4, EMPTY, "")
    assert {draft.id for draft in drafts.of_page(connection, "home", "alice")} == {kept, other}
    assert drafts.remove_old(connection, timedelta(days=30)) == 0
    connection.execute(text("UPDATE drafts SET created_at = now() - interval '31 days'"))
    assert drafts.keep(connection, "home", "alice", 4, EMPTY, "") == other  # and again
    assert drafts.remove_old(connection, timedelta(days=30)) == 1
    assert [draft.id for draft in drafts.of_page(connection, "home", "alice")] == [other]


def drafts_of(site: Site, token: str) -> list[dict[str, object]]:
    answer = site.get("/api/drafts/notes/tea", Authorization=f"Bearer {token}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    items: list[dict[str, object]] = answer.json["items"]
    assert all(UUID(str(item["id"])) for item in items)
    return items
