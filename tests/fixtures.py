"""A site on real servers: one PostgreSQL for the run, a Valkey for each of its processes.

tests/conftest.py leaves this out where only tests without servers are wanted.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import redis
from sqlalchemy import create_engine, make_url
from werkzeug.test import Client

from local.gateway.serving import WORKER, adapt_gunicorn, listen
from local.laptop import postgres, processes, services
from local.laptop.app import create_app
from local.laptop.issuer import mint
from local.laptop.processes import ServerError
from sheaf import settings
from sheaf.database.tables import metadata
from sheaf.pages import page_cache, snapshots
from sheaf.sharding import migrate, shards
from tests import described
from tests.conftest import ISSUER, Mint
from tests.site import Site

# What a migration puts there, and the site cannot do without.
KEPT = ("signing_keys", "slot_maps", "slot_owners", "reader_epochs")
_SHARED = "postgres"  # what the workers of a run are told: where its PostgreSQL is


@dataclass(frozen=True)
class Servers:
    """Where this process has its servers: a migrated database of its own, and a Valkey."""

    database_url: str
    cache_url: str

    @property
    def own(self) -> str:
        """The name of the database, with which those of all others made here begin."""
        return urlsplit(self.database_url).path[1:]

    def cache(self, number: int) -> str:
        """The address of another of the Valkey's databases."""
        return at(self.cache_url, f"/{number}")

    def empty_cache(self, number: int) -> str:
        """The same, with nothing in it."""
        with redis.Redis.from_url(self.cache(number)) as client:
            client.flushdb()
        return self.cache(number)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Start PostgreSQL in the process that outlives the workers."""
    stack = ExitStack()
    config.add_cleanup(stack.close)
    state = config._tmp_path_factory.mktemp("shared")  # type: ignore[attr-defined]
    try:
        config.stash[_URL] = stack.enter_context(_postgres(state))
    except ServerError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where it is."""
    node.workerinput[_SHARED] = node.config.stash[_URL]


_URL = pytest.StashKey[str]()


@contextmanager
def _postgres(state: Path) -> Iterator[str]:
    with services.postgres(state) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            # Nothing has to outlive the machine; syncing a million rows would hold up others.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.url


@pytest.fixture(scope="session", autouse=True)
def _described() -> Iterator[None]:
    """Every answer of the API that any test gets is one that its description has."""
    with described.checked():
        yield


@pytest.fixture(scope="session")
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    state = tmp_path_factory.mktemp("servers")
    told = getattr(request.config, "workerinput", {})
    own = told.get("workerid", "main")
    with ExitStack() as stack:
        url = told.get(_SHARED) or stack.enter_context(_postgres(state))
        cache = stack.enter_context(services.redis(state))
        _execute(url, f"CREATE DATABASE {own}_migrated")
        migrate_together([at(url, f"/{own}_migrated")])
        _execute(url, f"CREATE DATABASE {own} TEMPLATE {own}_migrated")
        yield Servers(at(url, f"/{own}"), cache.url)


def migrate_together(urls: Iterable[str]) -> None:
    """Migrate databases as those of one site."""
    engines = [create_engine(make_url(url).set(drivername="postgresql+psycopg")) for url in urls]
    migrate.upgrade(engines)
    for engine in engines:
        engine.dispose()


@contextmanager
def database(servers: Servers, name: str, template: str | None = "migrated") -> Iterator[str]:
    """Another database for the time of the block, like the own one or (None) empty: its address."""
    own = f"{servers.own}_{name}"
    origin = f"{servers.own}_{template}" if template else "template1"
    _execute(servers.database_url, f"CREATE DATABASE {own} TEMPLATE {origin}")
    try:
        yield at(servers.database_url, f"/{own}")
    finally:
        _execute(servers.database_url, f"DROP DATABASE {own} WITH (FORCE)")


@contextmanager
def together(servers: Servers, name: str, count: int) -> Iterator[list[str]]:
    """So many empty databases of one site for the time of the block: their addresses."""
    with ExitStack() as stack:
        names = [f"{name}_{count}_{number}" for number in range(count)]
        urls = [stack.enter_context(database(servers, each, None)) for each in names]
        migrate_together(urls)
        yield urls


@contextmanager
def unable_to_prepare(place: Path) -> Iterator[list[str]]:
    """Two databases of a PostgreSQL as it is by default, which prepares no transactions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(postgres.SETTINGS, "max_prepared_transactions", "0")
        with services.postgres(place) as server:
            _execute(server.url, "CREATE DATABASE another")
            yield [server.url, at(server.url, "/another")]


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(scope="session")
def environment(servers: Servers, home: Path) -> Iterator[Servers]:
    """The functions' settings in this process, and a migrated database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHEAF_DATABASE_URLS", servers.database_url)
        patch.setenv("SHEAF_CACHE_URL", servers.cache_url)
        patch.setenv("SHEAF_HOME", str(home))
        patch.setenv("SHEAF_ISSUER", ISSUER)
        settings.current.cache_clear()
        yield servers
        page_cache.near().close()
        shards.dispose()


@pytest.fixture
def empty_cache(servers: Servers) -> str:
    """The address of a database of the Valkey's for a test's own keys."""
    return servers.empty_cache(2)


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
    # What this process remembers is of another test's site.
    page_cache.near().close()
    snapshots._known.cache_clear()
    return environment


@pytest.fixture
def site(clean: Servers, mint_token: Mint) -> Site:
    """An empty site in this process; its editor is alice."""
    return Site(Client(create_app()), mint_token("alice", "editor"))


@pytest.fixture(scope="session")
def site_url(servers: Servers, home: Path) -> Iterator[str]:
    """A running site of two workers with the pages home and guide/install, on its own database."""
    with (
        database(servers, "running") as database_url,
        running_site(Servers(database_url, servers.cache(1)), home) as url,
    ):
        seed(url, mint(home, ISSUER, "alice", "editor"), ["home", "guide/install"])
        yield url


@contextmanager
def running_site(
    servers: Servers, home: Path, log: IO[bytes] | None = None, **settings: str
) -> Iterator[str]:
    """A site of two workers on these servers, with more settings; yields its address."""
    with listen("127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environment = {
            **os.environ,
            "SHEAF_DATABASE_URLS": servers.database_url,
            "SHEAF_CACHE_URL": servers.cache_url,
            "SHEAF_HOME": str(home),
            "SHEAF_ISSUER": ISSUER,
            "SHEAF_SITE_URL": url,
            "SHEAF_SIGN_IN_URL": f"{url}/-/local/authorize",
            "SHEAF_TOKEN_URL": f"{url}/-/local/token",
            "SHEAF_SIGN_OUT_URL": f"{url}/-/local/logout",
            "POWERTOOLS_LOG_LEVEL": "INFO" if log else "WARNING",
            **settings,
        }
        migration = [sys.executable, "-m", "local.gateway.functions", "MigrateFunction"]
        subprocess.run(migration, env=environment, check=True, timeout=60)
        with _gunicorn(listener, environment, log):
            yield url


@contextmanager
def _gunicorn(
    listener: socket.socket, environment: dict[str, str], log: IO[bytes] | None
) -> Iterator[None]:
    options = ["--workers=2", f"--bind=fd://{listener.fileno()}", "--no-control-socket"]
    options.append(f"--worker-class={WORKER}")
    options += adapt_gunicorn()
    command = [sys.executable, "-m", "gunicorn", *options, "local.laptop.app:create_app()"]
    process = processes.spawn(command, env=environment, pass_fds=[listener.fileno()], output=log)
    try:
        yield
    finally:
        processes.stop(process, patience=60)


def at(url: str, path: str) -> str:
    """The same address with another path."""
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
