"""The site that compose.yaml makes: an issuer's tokens, a proxy's place, a quiet end."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.conftest import Mint
from tests.containers.conftest import Contained, make_certificate, project
from tests.containers.docker import ENVIRONMENT, ROOT, Compose
from tests.integration.test_docs import check, examples
from tests.waiting import PATIENCE, killed_if_late, wait_until

SITE = ("gateway", "upkeep", "migrate")


def put(contained: Contained, slug: str, token: str, **condition: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} | (condition or {"If-None-Match": "*"})
    page = {"body": f"# About {slug}\n\n{uuid4()}\n"}  # what changes nothing is not stored
    url = f"{contained.url}/api/pages/{slug}"
    return httpx.put(url, json=page, headers=headers, timeout=PATIENCE, verify=contained.trust)


def get(contained: Contained, path: str) -> httpx.Response:
    return httpx.get(f"{contained.url}{path}", timeout=PATIENCE, verify=contained.trust)


def query(contained: Contained, statement: str) -> str:
    psql = ("psql", "--username=sheaf", "--no-align", "--tuples-only", "--command", statement)
    return contained.compose("exec", "--no-TTY", "database", *psql).strip()


@contextmanager
def holding(contained: Contained) -> Iterator[None]:
    """Nobody can save a page until the end of the block."""
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
        # A save has to wait for this, a claim has not.
        locking = "LOCK TABLE revisions IN SHARE MODE"
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
    assert bound == []


def test_the_proxy_has_few_rights_and_listens_on_this_machine_only(contained: Contained) -> None:
    found = contained.compose.container("proxy")["HostConfig"]
    assert found["ReadonlyRootfs"]
    assert found["CapDrop"] == ["ALL"]
    bound = [each for ports in found["PortBindings"].values() for each in ports]
    assert {each["HostIp"] for each in bound} == {"127.0.0.1"}


PUT = b"PUT /api/pages/half HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
SILENCES = [
    b"",
    b"GET / HTTP/1.1\r\nHost: a\r\nX-Half: ",
    PUT + b'Content-Length: 5000\r\n\r\n{"body":',
    PUT + b'Transfer-Encoding: chunked\r\n\r\n20\r\n{"body":',
]
# Prints how many connections the gateway's port has, which /proc/net/tcp tells with state 01.
CONNECTIONS = (
    "print(sum(line.split()[1].endswith(':1F40') and line.split()[3] == '01'"
    " for line in open('/proc/net/tcp')))"
)


def test_half_a_request_does_not_reach_the_gateway(contained: Contained) -> None:
    address = urlsplit(contained.url)
    with ExitStack() as silent:
        for silence in SILENCES * 20:
            plain = socket.create_connection((str(address.hostname), address.port or 0), PATIENCE)
            held = silent.enter_context(
                contained.trust.wrap_socket(plain, server_hostname="127.0.0.1")
            )
            held.sendall(silence)
        token = contained.issuer.token()
        assert put(contained, "beside", token).status_code == 201
        assert get(contained, "/robots.txt").status_code == 200
        asking = ("exec", "--no-TTY", "gateway", "python", "-c", CONNECTIONS)
        # A health check may have one.
        assert int(contained.compose(*asking)) < 5


def test_what_has_no_tls_is_led_to_it_and_an_authority_to_its_proof(contained: Contained) -> None:
    plain = f"http://127.0.0.1:{contained.http_port}"
    answer = httpx.get(f"{plain}/a%20b?c=d", timeout=PATIENCE)
    assert (answer.status_code, answer.headers["location"]) == (308, "https://127.0.0.1/a%20b?c=d")
    proof = contained.certificate.parent / "acme/.well-known/acme-challenge/token"
    proof.parent.mkdir(parents=True)
    proof.write_text("proven")
    url = f"{plain}/.well-known/acme-challenge/"
    assert httpx.get(f"{url}token", timeout=PATIENCE).text == "proven"
    assert httpx.get(f"{url}../../../key.pem", timeout=PATIENCE).status_code != 200
    assert httpx.get(f"{url}%2e%2e/%2e%2e/%2e%2e/key.pem", timeout=PATIENCE).status_code != 200


def test_what_is_too_large_is_refused_by_a_problem(contained: Contained) -> None:
    for size in (2 * 1024 * 1024, 11 * 1024 * 1024):  # by the functions, and by the proxy
        headers = {"Authorization": f"Bearer {contained.issuer.token()}", "If-None-Match": "*"}
        page = {"body": "a" * size}
        url = f"{contained.url}/api/pages/large"
        answer = httpx.put(
            url, json=page, headers=headers, timeout=PATIENCE, verify=contained.trust
        )
        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:sheaf:problem:too-large"
        assert answer.json()["status"] == 413


def test_headers_are_those_of_the_functions(contained: Contained) -> None:
    answer = get(contained, "/robots.txt")
    assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


def test_a_long_head_reaches_the_gateway(contained: Contained) -> None:
    url = f"{contained.url}/robots.txt"
    for length, status in ((8_000, 200), (12_000, 431)):
        headers = {"X-Long": "a" * length}
        answer = httpx.get(url, headers=headers, timeout=PATIENCE, verify=contained.trust)
        assert answer.status_code == status


def test_a_new_certificate_is_taken_without_a_pause(contained: Contained, tmp_path: Path) -> None:
    new = make_certificate(tmp_path)
    for name in ("cert.pem", "key.pem"):
        shutil.copy(new.with_name(name), contained.certificate.with_name(name))
    label = 'sh skip="run by tests/containers with another certificate"'
    told = ENVIRONMENT | contained.compose.variables
    check(list(examples(ROOT / "docs/containers.md", label)), ROOT, told)

    def is_answered() -> bool:
        # For a while there are processes with the old one, too, and either answers.
        try:
            return get(contained, "/robots.txt").status_code == 200
        except httpx.ConnectError as error:
            if "CERTIFICATE_VERIFY_FAILED" not in str(error):
                raise
            return False

    wait_until(is_answered, "the proxy has the old certificate")


def test_without_its_gateway_the_proxy_says_so_and_finds_it_again(contained: Contained) -> None:
    contained.compose("stop", "gateway")
    answer = get(contained, "/robots.txt")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:sheaf:problem:unavailable"
    assert answer.headers["retry-after"] == "5"
    contained.compose("rm", "--force", "gateway")
    contained.compose("up", "--no-build", "--no-recreate", "--wait", "gateway")
    wait_until(lambda: get(contained, "/robots.txt").status_code == 200, "it is not found")


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
        with holding(contained):
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
    told = {
        **os.environ,
        "SHEAF_TOKEN": contained.issuer.token(),
        "SSL_CERT_FILE": str(contained.certificate),
    }
    done = subprocess.run(command, env=told, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
