"""The servers of the tests: real PostgreSQL and Redis, started once, emptied for each test."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import httpx
import hypothesis
import psycopg
import pytest
import redis
from werkzeug.test import Client

# Before any function is imported: Powertools reads its settings then.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "sheaf-tests")
os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "WARNING")

import migrate.app
from local import services
from local.functions import REGION, Context
from local.issuer import mint
from local.laptop import create_app
from local.listener import listen
from sheaf import aws, page_cache, settings
from sheaf.storage import shards
from sheaf.storage.tables import metadata
from tests.site import Site

# Started in a shell's background the tests would ignore Ctrl-C, and so would what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is up to the machine, and no property of the code.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

ISSUER = "http://127.0.0.1:3000/-/local"
Mint = Callable[[str, str], str]
NOBODY = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nobody",
    "AWS_DEFAULT_REGION": REGION,
}
# What a migration puts there, and the site cannot do without.
KEPT = ("signing_keys", "slot_maps", "slot_owners", "reader_epochs")


def new_context() -> Any:
    """The context of an invocation that begins now and has a minute."""
    return Context("tests", 512, 60)


def hurried_context() -> Any:
    """The context of an invocation without the time to wait for a database to wake."""
    return Context("tests", 512, 20)


@dataclass(frozen=True)
class Servers:
    """Where the servers of this run are."""

    database_url: str
    cache_url: str


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    state = tmp_path_factory.mktemp("servers")
    with services.postgres(state) as database, services.redis(state) as cache:
        _spare_the_disk(database.url)
        yield Servers(database.url, cache.url)


def _spare_the_disk(url: str) -> None:
    """Nothing of this has to outlive the machine; syncing a million rows would hold up others."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state directory of the local issuer."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def environment(servers: Servers, home: Path) -> Iterator[Servers]:
    """The functions' settings in this process, and a migrated database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHEAF_DATABASE_URLS", servers.database_url)
        patch.setenv("SHEAF_CACHE_URL", servers.cache_url)
        patch.setenv("SHEAF_HOME", str(home))
        patch.setenv("SHEAF_ISSUER", ISSUER)
        settings.current.cache_clear()
        migrate.app.handler({}, new_context())
        yield servers
        page_cache.near().close()
        shards.dispose()


@pytest.fixture
def clean(environment: Servers) -> Servers:
    """Empty tables and an empty cache."""
    # Of the few rows of a test, DELETE is ten times faster than TRUNCATE, which makes new files.
    with shards.home().begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in KEPT:
                connection.execute(table.delete())
    with redis.Redis.from_url(environment.cache_url) as client:
        client.flushall()
    page_cache.near().close()  # what this process remembers is of another test's site
    return environment


@pytest.fixture(scope="session")
def mint_token(home: Path) -> Mint:
    """Makes the token of somebody: mint_token("alice", "editor")."""
    return lambda handle, role: mint(home, ISSUER, handle, role)


@pytest.fixture
def site(clean: Servers, mint_token: Mint) -> Site:
    """An empty site in this process; its editor is alice."""
    return Site(Client(create_app()), mint_token("alice", "editor"))


@pytest.fixture(scope="session")
def site_url(servers: Servers, home: Path) -> Iterator[str]:
    """A running site of two workers with the pages home and guide/install, on its own database."""
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE running")
    own = Servers(_at(servers.database_url, "/running"), _at(servers.cache_url, "/1"))
    with running_site(own, home) as url:
        seed(url, mint(home, ISSUER, "alice", "editor"), ["home", "guide/install"])
        yield url


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An AWS account that nobody has: no call in its name gets further than this machine."""
    for name, value in NOBODY.items():
        monkeypatch.setenv(name, value)
    aws.client.cache_clear()
    yield
    aws.client.cache_clear()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, in seconds; nothing waits."""
    taken: list[float] = []
    monkeypatch.setattr("time.sleep", taken.append)
    return taken


@contextmanager
def running_site(servers: Servers, home: Path, log: IO[bytes] | None = None) -> Iterator[str]:
    """A site of two workers on these servers; yields its address."""
    with listen("127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environment = {
            **os.environ,
            "SHEAF_DATABASE_URLS": servers.database_url,
            "SHEAF_CACHE_URL": servers.cache_url,
            "SHEAF_HOME": str(home),
            "SHEAF_ISSUER": ISSUER,
            "SHEAF_SIGN_IN_URL": f"{url}/-/local/authorize",
            "SHEAF_TOKEN_URL": f"{url}/-/local/token",
            "POWERTOOLS_LOG_LEVEL": "INFO" if log else "WARNING",
        }
        migration = [sys.executable, "-m", "local.invoke", "MigrateFunction"]
        subprocess.run(migration, env=environment, check=True, timeout=60)
        with _gunicorn(listener, environment, log):
            yield url


@contextmanager
def _gunicorn(
    listener: socket.socket, environment: dict[str, str], log: IO[bytes] | None
) -> Iterator[None]:
    options = ["--workers=2", f"--bind=fd://{listener.fileno()}", "--no-control-socket"]
    command = [sys.executable, "-m", "gunicorn", *options, "local.laptop:create_app()"]
    with subprocess.Popen(
        command, env=environment, pass_fds=[listener.fileno()], stdout=log
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def _at(url: str, path: str) -> str:
    return urlsplit(url)._replace(path=path).geturl()


def seed(url: str, token: str, slugs: Iterable[str]) -> None:
    """Create these pages on a running site."""
    for slug in slugs:
        httpx.put(
            f"{url}/api/pages/{slug}",
            json={"body": f"# About {slug}\n\nThe page {slug} of a site under test.\n"},
            headers={"Authorization": f"Bearer {token}", "If-None-Match": "*"},
            timeout=60,
        ).raise_for_status()
