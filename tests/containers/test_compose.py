"""The site that compose.yaml makes: an issuer's tokens, a proxy's place, a quiet end."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from tests.conftest import Mint
from tests.containers.conftest import Contained, project
from tests.containers.docker import ENVIRONMENT, ROOT, Compose
from tests.waiting import PATIENCE, killed_if_late, wait_until

SITE = ("gateway", "upkeep", "migrate")


def put(contained: Contained, slug: str, token: str, **condition: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} | (condition or {"If-None-Match": "*"})
    page = {"body": f"# About {slug}\n"}
    url = f"{contained.url}/api/pages/{slug}"
    return httpx.put(url, json=page, headers=headers, timeout=PATIENCE)


def get(contained: Contained, path: str) -> httpx.Response:
    return httpx.get(f"{contained.url}{path}", timeout=PATIENCE)


def query(contained: Contained, statement: str) -> str:
    psql = ("psql", "--username=sheaf", "--no-align", "--tuples-only", "--command", statement)
    return contained.compose("exec", "--no-TTY", "database", *psql).strip()


@contextmanager
def holding(contained: Contained, slug: str) -> Iterator[None]:
    """The page's row is somebody else's until the end of the block."""
    psql = ["exec", "--no-TTY", "database", "psql", "--username=sheaf", "--quiet"]
    with subprocess.Popen(
        ["docker", "compose", *psql],
        env={**ENVIRONMENT, **contained.compose.variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as session:
        assert session.stdin is not None
        assert session.stdout is not None
        locking = f"SELECT slug FROM pages WHERE slug = '{slug}' FOR UPDATE"
        print(f"BEGIN; {locking}; \\echo held", file=session.stdin, flush=True)
        with killed_if_late(session):
            while "held" not in session.stdout.readline():
                assert session.poll() is None
        yield
        session.stdin.close()  # which ends the session, and the transaction with it


@pytest.mark.parametrize("missing", ["POSTGRES_PASSWORD", "CACHE_PASSWORD"])
def test_a_password_that_is_missing_is_named(image: str, missing: str) -> None:
    compose = Compose([ROOT / "compose.yaml"], project() | {missing: ""})
    with pytest.raises(AssertionError, match=f"{missing} is missing a value"):
        compose("config", "--quiet")


def test_the_sign_in_of_a_laptop_is_for_this_machine_only(image: str) -> None:
    files = [ROOT / "compose.yaml", ROOT / "compose.laptop.yaml"]
    compose = Compose(files, project() | {"SHEAF_LISTEN": "0.0.0.0"})
    found = json.loads(compose("config", "--format", "json"))["services"]["gateway"]
    assert [each["host_ip"] for each in found["ports"]] == ["127.0.0.1"]


def test_pages_are_served_listed_and_written(contained: Contained) -> None:
    assert get(contained, "/api/health").json()["status"] == "ok"
    assert put(contained, "written", contained.issuer.token()).status_code == 201
    assert "About written" in get(contained, "/written").text
    listed = get(contained, "/api/pages?prefix=written").json()["items"]
    assert [page["slug"] for page in listed] == ["written"]


def test_a_token_of_a_laptop_is_refused(contained: Contained, mint_token: Mint) -> None:
    assert put(contained, "refused", mint_token("alice", "admin")).status_code == 401
    assert get(contained, "/-/local/jwks.json").status_code == 404


def test_the_database_can_commit_in_two_phases(contained: Contained) -> None:
    assert query(contained, "SHOW max_prepared_transactions") == "64"


@pytest.mark.parametrize("service", SITE)
def test_it_has_no_rights_that_it_does_not_need(contained: Contained, service: str) -> None:
    found = contained.compose.container(service)
    assert found["Config"]["User"] == "10001:10001"
    assert found["HostConfig"]["ReadonlyRootfs"]
    assert found["HostConfig"]["CapDrop"] == ["ALL"]
    bound = [each for ports in found["HostConfig"]["PortBindings"].values() for each in ports]
    assert {each["HostIp"] for each in bound} == ({"127.0.0.1"} if service == "gateway" else set())


def test_upkeep_counts_an_edit(contained: Contained) -> None:
    put(contained, "counted", contained.issuer.token("bob")).raise_for_status()
    contained.compose("restart", "upkeep")  # the next time would come within a minute
    wait_until(
        lambda: get(contained, "/api/users/bob").json().get("edits") == 1, "nobody has counted it"
    )
    assert query(contained, "SELECT count(*) FROM outbox") == "0"


@pytest.mark.parametrize("service", SITE)
def test_it_logs_lines_of_json(contained: Contained, service: str) -> None:
    lines = contained.compose.log(service).splitlines()
    assert lines
    for line in map(json.loads, lines):
        assert "_aws" in line or {"level", "message", "timestamp", "service"} <= set(line)


def test_it_stops_within_seconds_and_breaks_off_no_request(contained: Contained) -> None:
    token = contained.issuer.token()
    put(contained, "slow", token).raise_for_status()
    with ThreadPoolExecutor() as pool:
        with holding(contained, "slow"):
            answer = pool.submit(put, contained, "slow", token, **{"If-Match": '"v1"'})
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            while query(contained, waiting) == "0":
                assert not answer.done()
            stopped = pool.submit(contained.compose, "stop", "gateway")
            while "Handling signal: term" not in contained.compose.log("gateway"):
                assert not answer.done()
        started = time.monotonic()
        assert answer.result(PATIENCE).status_code == 200
        stopped.result(PATIENCE)
        assert time.monotonic() - started < 8
    assert contained.compose.container("gateway")["State"]["ExitCode"] == 0
    contained.compose("up", "--no-build", "--no-recreate", "--wait", "gateway")


def test_smoke_finds_nothing_wrong(contained: Contained) -> None:
    command = [sys.executable, "-m", "ops", "smoke", contained.url]
    told = {**os.environ, "SHEAF_TOKEN": contained.issuer.token()}
    done = subprocess.run(command, env=told, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
