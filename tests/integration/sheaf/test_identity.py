"""Logging in with tokens: each new connection has a fresh one, and an ended one is replaced.

The servers are real, and take as a password the token of this moment only, as AWS takes one for
a quarter of an hour. The clock is the test's.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Self

import psycopg
import pytest
import redis
from sqlalchemy import text

import upkeep.app
from sheaf import redis_client, settings
from sheaf.aws import presigning
from sheaf.aws.presigning import Credentials, cache_token, database_token
from sheaf.caching.entry import Entry, name
from sheaf.pages import page_cache
from sheaf.sharding import shards
from tests.context import new_context
from tests.fixtures import Servers
from tests.integration.conftest import Configure
from tests.integration.sheaf.conftest import KEY, Backend
from tests.servers.redis_cluster import Cluster
from tests.servers.redis_pair import address
from tests.site import Site

USER = "by-token"
CACHE, REGION = "Sheaf-Test", "eu-west-1"
LIFETIME = timedelta(minutes=15)
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": "secret/+",
    "AWS_SESSION_TOKEN": "a+session/token==",
}


class World:
    """The servers and their clock. `cut` ends all connections of the user."""

    def __init__(self, cluster: Cluster, database_url: str) -> None:
        self.now = datetime.now(UTC)
        self._database = address(database_url)
        self._nodes = [cluster.node(number) for number in range(len(cluster.ports))]
        self._admin = psycopg.connect(database_url, autocommit=True)

    def __enter__(self) -> Self:
        self._admin.execute(f'CREATE ROLE "{USER}" LOGIN')
        # As the migration does on AWS.
        rights = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"
        self._admin.execute(f'GRANT {rights} TO "{USER}"')
        for node in self._nodes:
            node.acl_setuser(USER, enabled=True, keys=["*"], categories=["+@all", "-@dangerous"])
        self.turn_to(self.now)
        return self

    def turn_to(self, now: datetime) -> None:
        """Let it be so late, and no token be good but that of this moment."""
        self.now = now
        for node in self._nodes:
            node.execute_command("ACL", "SETUSER", USER, "resetpass", f">{self.cache_token()}")
        self._admin.execute(f"ALTER ROLE \"{USER}\" PASSWORD '{self.database_token()}'")

    def cache_token(self) -> str:
        return cache_token(Credentials.from_environment(), REGION, CACHE, USER)

    def database_token(self) -> str:
        return database_token(Credentials.from_environment(), REGION, *self._database, USER)

    def cut(self) -> None:
        for node in self._nodes:
            node.execute_command("CLIENT KILL", "USER", USER)
        ending = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s"
        self._admin.execute(ending, [USER])

    def __exit__(self, *_: object) -> None:
        self.cut()
        for node in self._nodes:
            node.acl_deluser(USER)
            node.close()
        self._admin.execute(f'DROP OWNED BY "{USER}"')
        self._admin.execute(f'DROP ROLE "{USER}"')
        self._admin.close()


@pytest.fixture
def world(
    cluster: Cluster,
    cluster_backend: Backend,
    clean: Servers,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """The site's settings as on AWS, with servers to match."""
    for variable, value in KEYS.items():
        monkeypatch.setenv(variable, value)
    world = World(cluster, clean.database_url)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return world.now

    monkeypatch.setattr(presigning, "datetime", Clock)
    cache_url = f"rediss://{USER}@{cluster_backend.url.rpartition('@')[2]}"
    host, port = address(clean.database_url)
    with world:
        configure(
            SHEAF_AUTH="iam",
            SHEAF_DATABASE_URLS=f"postgresql://{USER}@{host}:{port}/{clean.own}",
            SHEAF_CACHE_URL=cache_url,
            SHEAF_CACHE_CLUSTER="true",
            SHEAF_CACHE_NAME=CACHE,
            AWS_REGION=REGION,
        )
        yield world
        shards.dispose()


_times = count(1e9, 10)


def read_small() -> None:
    redis_client.connect(settings.current().cache_url).set(name(KEY), Entry(1, b"").encode())
    assert page_cache.near().find(KEY, next(_times))[1] == "hit"


def ask_node() -> None:
    client: Any = redis_client.connect(settings.current().cache_url, cluster=False)
    assert client.execute_command("ACL WHOAMI") == USER


def ask_cluster() -> None:
    client: Any = redis_client.connect(settings.current().cache_url)
    assert all(client.set(f"{KEY}/{number}", "", px=1000) for number in range(10))


def ask_database() -> None:
    with shards.home().connect() as connection:
        assert connection.scalar(text("SELECT current_user")) == USER


Ask = Callable[[], None]
EVERYBODY = [read_small, ask_node, ask_cluster, ask_database]


@pytest.mark.parametrize("ask", EVERYBODY)
def test_a_connection_outlives_its_token(world: World, ask: Ask) -> None:
    ask()
    world.turn_to(world.now + 2 * LIFETIME)
    ask()


@pytest.mark.parametrize("ask", EVERYBODY)
def test_a_connection_that_was_ended_is_replaced_by_one_with_a_new_token(
    world: World, ask: Ask
) -> None:
    for _ in range(3):
        ask()
        world.turn_to(world.now + 2 * LIFETIME)
        world.cut()
    ask()


def test_what_is_saved_and_read_does_not_suffer(world: World, site: Site) -> None:
    site.create("x", "one")
    world.turn_to(world.now + timedelta(hours=12))
    world.cut()
    assert site.update("x", "two", 1).status_code == 200
    world.turn_to(world.now + timedelta(hours=12))
    world.cut()
    assert "two" in site.get("/x").text
    assert site.get("/api/pages").json["items"][0]["version"] == 2
    assert upkeep.app.handler({}, new_context())["relayed"] == 2


def test_an_old_token_lets_nobody_in(world: World, cluster: Cluster, clean: Servers) -> None:
    old_cache_token, old_database_token = world.cache_token(), world.database_token()
    world.turn_to(world.now + 2 * LIFETIME)
    options: dict[str, Any] = {"ssl": True, "ssl_ca_certs": str(cluster.authority), "retry": None}
    with (
        redis.Redis(
            host="127.0.0.1",
            port=cluster.ports[0],
            username=USER,
            password=old_cache_token,
            **options,
        ) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(clean.database_url, user=USER, password=old_database_token)
