"""Other settings for a test, and a site on three databases of which two own all slots at first."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sheaf import redis_client, redis_scripts, settings
from sheaf.http import responses
from sheaf.locks import engines
from sheaf.locks import redis as locks_on_redis
from sheaf.pages import destinations, lists, page_cache, snapshots
from sheaf.sharding import shards
from tests.conftest import Mint
from tests.fixtures import Servers, database, migrate_together, running_site
from tests.waiting import PATIENCE

Configure = Callable[..., None]


@pytest.fixture(scope="session")
def environment(environment: Servers) -> Iterator[Servers]:
    """The same, and servers that are waited for longer: a busy machine is no outage."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (page_cache, redis_client):
            patch.setattr(module, "_TIMEOUT_SECONDS", float(PATIENCE))
        for module, name in ((redis_scripts, "QUICK"), (locks_on_redis, "_ANSWER_SECONDS")):
            patch.setattr(module, name, float(PATIENCE))
        patch.setattr(destinations, "_SECONDS", float(PATIENCE))
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
    for cached in (
        *(settings.current, settings.start_page, responses.policy),
        *(engines.current, page_cache.near),
        # Another database may have other keys, and other counts.
        *(shards._following, lists._secrets, snapshots._known),
    ):
        cached.cache_clear()
    shards.forget_map()


SHARDS = 3


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


@contextmanager
def originals_of_a_site(servers: Servers, name: str, count: int) -> Iterator[list[str]]:
    """The names of so many migrated databases, which own all slots together."""
    names = [f"{name}_{number}" for number in range(count)]
    with ExitStack() as stack:
        migrate_together([stack.enter_context(database(servers, each, None)) for each in names])
        yield names


@contextmanager
def clones(servers: Servers, name: str, originals: Sequence[str]) -> Iterator[list[str]]:
    """The addresses of databases that are like these, for a test to change."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(database(servers, f"{name}_{number}", original))
            for number, original in enumerate(originals)
        ]


@contextmanager
def migrated_shards(servers: Servers, name: str = "part") -> Iterator[tuple[str, ...]]:
    """The addresses of three new databases, of which two own all slots."""
    with ExitStack() as stack:
        urls = [
            stack.enter_context(database(servers, f"{name}_{number}", None))
            for number in range(SHARDS)
        ]
        # The first migration spreads the slots over the databases that it finds.
        for number in (2, SHARDS):
            migrate_together(urls[:number])
        yield tuple(urls)


@contextmanager
def sharded_site(
    databases: tuple[str, ...], cache_url: str, home: Path, token: str
) -> Iterator[Sharded]:
    """A running site on these databases."""
    with running_site(Servers(",".join(databases), cache_url), home) as url:
        yield Sharded(url, databases, cache_url, token)


@pytest.fixture(scope="session")
def _originals(servers: Servers) -> Iterator[None]:
    """What the databases of `sharded` are cloned from."""
    with migrated_shards(servers, "shard"):
        yield


@pytest.fixture
def sharded(servers: Servers, _originals: None, home: Path, mint_token: Mint) -> Iterator[Sharded]:
    with ExitStack() as stack:
        clones = tuple(
            stack.enter_context(database(servers, f"clone_{number}", f"shard_{number}"))
            for number in range(SHARDS)
        )
        token = mint_token("alice", "editor")
        yield stack.enter_context(sharded_site(clones, servers.cache(3), home, token))
