"""The roles of the container image, as processes of this machine."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from local.gateway.buffering import MAX_WAITING
from tests.conftest import Mint
from tests.fixtures import Servers, database, unable_to_prepare
from tests.servers.issuer import Issuer, running
from tests.servers.ports import free_ports
from tests.waiting import PATIENCE, killed_if_late, wait_until

OWN = ("SHEAF_", "POWERTOOLS_", "PORT", "WORKERS", "FORWARDED_")
NEEDED = ("SHEAF_DATABASE_URLS", "SHEAF_CACHE_URL", "SHEAF_ISSUER")
Variables = dict[str, str]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with running(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def variables(servers: Servers, issuer: Issuer) -> Iterator[Variables]:
    """What a container is told, of servers with a database of its own that is migrated."""
    with database(servers, "contained", None) as url:
        yield _variables(servers, url, issuer)


def _variables(servers: Servers, database_url: str, issuer: Issuer) -> Variables:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    told = {
        "SHEAF_DATABASE_URLS": database_url,
        "SHEAF_CACHE_URL": servers.cache(4),
        "SHEAF_ISSUER": issuer.url,
        "SSL_CERT_FILE": str(issuer.authority),
        "PORT": str(free_ports(1)[0]),
    }
    done = run("migrate", inherited | told)
    assert done.returncode == 0, done.stdout
    assert lines(done.stdout)[-1]["message"] == "migrated"
    return inherited | told


def command(role: str) -> list[str]:
    return [sys.executable, "-m", "local.gateway.container", role]


def run(role: str, variables: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(role),
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def lines(output: str) -> list[dict[str, Any]]:
    """What was logged: every line is a JSON object."""
    found = [json.loads(line) for line in output.splitlines()]
    assert all({"level", "message", "timestamp", "service"} <= set(line) for line in found)
    return found


class Started:
    """A process in its role, and what it has logged so far."""

    def __init__(self, role: str, variables: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command(role),
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.url = f"http://127.0.0.1:{variables['PORT']}"
        self.output: list[str] = []

    def until(self, message: str) -> dict[str, Any]:
        """Read the log up to a line with this message, and return the line."""
        assert self.process.stdout is not None
        with killed_if_late(self.process):
            for line in self.process.stdout:
                self.output.append(line)
                found: dict[str, Any] = json.loads(line)
                if message in found.get("message", ""):  # metrics have none
                    return found
        raise AssertionError(f"no {message!r} in {''.join(self.output)}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def log(self) -> list[dict[str, Any]]:
        """All lines of a process that has ended."""
        assert self.process.stdout is not None
        return lines("".join([*self.output, *self.process.stdout]))


@contextmanager
def started(role: str, variables: Mapping[str, str]) -> Iterator[Started]:
    one = Started(role, variables)
    with one.process:
        try:
            yield one
        finally:
            one.process.terminate()


@pytest.fixture
def gateway(variables: Variables) -> Iterator[Started]:
    with started("gateway", variables) as one:
        one.until("Booting worker")
        yield one


def get(gateway: Started, path: str, headers: Variables | None = None) -> httpx.Response:
    return httpx.get(f"{gateway.url}{path}", headers=headers, timeout=PATIENCE)


def put(gateway: Started, slug: str, token: str, **condition: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} | (condition or {"If-None-Match": "*"})
    page = {"body": f"# About {slug}\n\n{condition}\n"}
    url = f"{gateway.url}/api/pages/{slug}"
    return httpx.put(url, json=page, headers=headers, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("role", "missing"),
    [*(("gateway", missing) for missing in NEEDED), ("migrate", NEEDED[0]), ("upkeep", NEEDED[1])],
)
def test_it_refuses_to_start_without(role: str, missing: str, variables: Variables) -> None:
    done = run(role, {name: value for name, value in variables.items() if name != missing})
    (said,) = lines(done.stdout)
    assert done.returncode == 2
    assert said["level"] == "CRITICAL"
    assert said["message"].startswith(f"{missing} ")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SHEAF_ISSUER", "http://id.example.com"),
        ("SHEAF_ISSUER", "id.example.com"),
        ("SHEAF_DATABASE_URLS", "mysql://secret@db/sheaf"),
        ("SHEAF_ISSUER", "https://[id.example.com"),
        ("SHEAF_TEMPLATE", "/nowhere"),
        ("POWERTOOLS_LOG_LEVEL", "LOUD"),
        ("FORWARDED_ALLOW_IPS", "the proxy"),
        ("WORKERS", "many"),
        ("PORT", "http"),
    ],
)
def test_it_refuses_a_value_that_cannot_be(variable: str, value: str, variables: Variables) -> None:
    done = run("gateway", variables | {variable: value})
    (said,) = lines(done.stdout)
    assert done.returncode == 2
    assert said["message"].startswith(variable)
    assert "secret" not in said["message"]


def test_a_migration_that_fails_says_so(variables: Variables) -> None:
    closed = f"postgresql://sheaf@127.0.0.1:{free_ports(1)[0]}/sheaf"
    done = run("migrate", variables | {"SHEAF_DATABASE_URLS": closed})
    assert done.returncode == 1
    (said,) = lines(done.stdout)
    assert said["message"].startswith("SHEAF_DATABASE_URLS: OperationalError: ")


def test_databases_that_prepare_nothing_are_named(tmp_path: Path, variables: Variables) -> None:
    with unable_to_prepare(tmp_path) as urls:
        done = run("migrate", variables | {"SHEAF_DATABASE_URLS": ",".join(urls)})
    assert done.returncode == 1
    (said,) = lines(done.stdout)
    assert said["message"].startswith("SHEAF_DATABASE_URLS: max_prepared_transactions is 0 at ")
    assert urlsplit(urls[0]).password not in said["message"]


def test_the_site_takes_the_issuers_tokens_and_no_others(
    gateway: Started, issuer: Issuer, mint_token: Mint
) -> None:
    assert get(gateway, "/api/health").json()["status"] == "ok"
    assert put(gateway, "taken", issuer.token()).status_code == 201
    assert "About taken" in get(gateway, "/taken").text
    assert [page["slug"] for page in _items(gateway, "prefix=taken")] == ["taken"]
    for refused in (mint_token("alice", "admin"), issuer.token(aud="another"), "nonsense"):
        assert put(gateway, "refused", refused).status_code == 401
    assert get(gateway, "/-/local/jwks.json").status_code == 404
    assert gateway.stop() == 0
    assert "ERROR" not in {line["level"] for line in gateway.log()}


def _items(gateway: Started, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(gateway, f"/api/pages?{query}").json()["items"]
    return found


def test_readers_do_not_need_the_issuer(variables: Variables, issuer: Issuer) -> None:
    nobody = f"https://127.0.0.1:{free_ports(1)[0]}"
    with started("gateway", variables | {"SHEAF_ISSUER": nobody}) as gateway:
        assert nobody in gateway.until("no keys from")["message"]
        gateway.until("Booting worker")
        assert get(gateway, "/robots.txt").status_code == 200
        answer = put(gateway, "unavailable", issuer.token())
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:sheaf:problem:unavailable"
        assert answer.headers["retry-after"] == "30"


def test_a_request_that_has_begun_is_answered_after_sigterm(
    gateway: Started, variables: Variables, issuer: Issuer
) -> None:
    put(gateway, "slow", issuer.token()).raise_for_status()
    with (
        psycopg.connect(variables["SHEAF_DATABASE_URLS"]) as held,
        ThreadPoolExecutor() as pool,
    ):
        # A save has to wait for this, a claim has not.
        held.execute("LOCK TABLE revisions IN SHARE MODE")
        answer = pool.submit(put, gateway, "slow", issuer.token(), **{"If-Match": '"v1"'})
        _wait_for_a_waiting_writer(variables, answer)
        gateway.process.send_signal(signal.SIGTERM)
        gateway.until("Handling signal: term")
        held.rollback()
        assert answer.result(PATIENCE).status_code == 200
    assert gateway.process.wait(PATIENCE) == 0


def _wait_for_a_waiting_writer(variables: Variables, answer: "Future[httpx.Response]") -> None:
    waiting = "wait_event_type = 'Lock' AND datname = current_database()"
    query = f"SELECT FROM pg_stat_activity WHERE {waiting}"
    with psycopg.connect(variables["SHEAF_DATABASE_URLS"], autocommit=True) as connection:

        def waits() -> bool:
            assert not answer.done(), answer.result().text
            return bool(connection.execute(query).fetchall())

        wait_until(waits, "the writer does not get to the database")


def test_upkeep_relays_at_once_and_ends_when_told(
    gateway: Started, variables: Variables, issuer: Issuer
) -> None:
    put(gateway, "relayed", issuer.token("bob")).raise_for_status()
    with started("upkeep", variables) as upkeep:
        assert upkeep.until("upkeep done")["relayed"] >= 1
        assert upkeep.stop() == 128 + signal.SIGTERM
    assert get(gateway, "/api/users/bob").json()["edits"] == 1


@pytest.mark.parametrize(("trusted", "scheme"), [("127.0.0.0/8", "https"), ("192.0.2.1", "http")])
def test_a_proxy_is_believed_if_it_is_named(
    trusted: str, scheme: str, variables: Variables, tmp_path: Path
) -> None:
    template = Path(__file__).with_name("echo.yaml")
    told = {"SHEAF_TEMPLATE": str(template), "FORWARDED_ALLOW_IPS": trusted}
    with started("gateway", variables | told) as gateway:
        gateway.until("Booting worker")
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
        event = get(gateway, "/", headers).json()["event"]
    assert event["headers"]["x-forwarded-proto"] == scheme
    assert event["headers"]["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"


def test_who_has_waited_longest_makes_room(variables: Variables) -> None:
    template = Path(__file__).with_name("echo.yaml")
    told = {"SHEAF_TEMPLATE": str(template), "WORKERS": "1"}
    with started("gateway", variables | told) as gateway, ExitStack() as silent:
        gateway.until("Booting worker")
        held = []
        for _ in range(MAX_WAITING + 1):
            connection = socket.create_connection(("127.0.0.1", int(variables["PORT"])), PATIENCE)
            held.append(silent.enter_context(connection))
            connection.sendall(b"GET / HTTP/1.1\r\n")
        with suppress(ConnectionResetError):  # what was sent may have been left unread
            assert held[0].recv(1) == b""
        held[-1].sendall(b"Host: a\r\n\r\n")
        assert held[-1].recv(15) == b"HTTP/1.1 200 OK"
        assert gateway.stop() == 0


def test_a_client_that_waits_to_be_asked_for_its_body(gateway: Started) -> None:
    address = urlsplit(gateway.url)
    with socket.create_connection((address.hostname, address.port), PATIENCE) as client:
        client.sendall(
            b"POST /api/pages/a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
            b"Content-Length: 2\r\nContent-Type: application/json\r\n\r\n"
        )
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{}")
        assert client.recv(12) in (b"HTTP/1.1 404", b"HTTP/1.1 405")
