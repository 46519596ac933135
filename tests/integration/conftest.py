"""Other settings for a test, and a site on three databases of which two own all slots at first."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from sheaf import page_cache, redis_client, settings
from sheaf.locks import engines
from sheaf.storage import shards
from tests.conftest import Mint, Servers, _at, running_site
from tests.waiting import PATIENCE

Configure = Callable[..., None]


@pytest.fixture(scope="session")
def environment(environment: Servers) -> Iterator[Servers]:
    """The same, and a Redis that is waited for longer: a busy machine is no outage."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (page_cache, redis_client):
            patch.setattr(module, "_TIMEOUT_SECONDS", float(PATIENCE))
        redis_client.connect.cache_clear()
        _forget_settings()
        yield environment
    redis_client.connect.cache_clear()
    _forget_settings()


@pytest.fixture
def configure(clean: Servers) -> Iterator[Configure]:
    """Gives the functions of this process other settings for a test: configure(NAME=value, …)."""
    with pytest.MonkeyPatch.context() as patch:

        def change(**variables: str) -> None:
            for name, value in variables.items():
                patch.setenv(name, value)
            _forget_settings()

        yield change
    _forget_settings()


def _forget_settings() -> None:
    page_cache.near().close()
    for cached in (settings.current, engines.current, page_cache.near, shards._following):
        cached.cache_clear()
    shards.forget_map()


NAMES = ("shard_0", "shard_1", "shard_2")


@dataclass(frozen=True)
class Sharded:
    """Where the site is, where its databases are, and an editor's token."""

    url: str
    databases: tuple[str, ...]
    cache_url: str
    token: str

    @property
    def environment(self) -> dict[str, str]:
        """What `sheaf reshard` has to be told."""
        urls = ",".join(self.databases)
        return {**os.environ, "SHEAF_DATABASE_URLS": urls, "SHEAF_CACHE_URL": self.cache_url}


@pytest.fixture
def sharded(servers: Servers, home: Path, mint_token: Mint) -> Iterator[Sharded]:
    databases = tuple(_at(servers.database_url, f"/{name}") for name in NAMES)
    cache_url = _at(servers.cache_url, "/3")
    with psycopg.connect(servers.database_url, autocommit=True) as admin:
        for name in NAMES:
            admin.execute(f"CREATE DATABASE {name}")
        try:
            # The first migration spreads the slots over the databases that it finds.
            with running_site(Servers(",".join(databases[:2]), cache_url), home):
                pass
            with running_site(Servers(",".join(databases), cache_url), home) as url:
                yield Sharded(url, databases, cache_url, mint_token("alice", "editor"))
        finally:
            for name in NAMES:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
