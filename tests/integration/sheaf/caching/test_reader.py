"""The small client, against real servers that answer, refuse, redirect, hang up and hang."""

import ssl
import time
from collections.abc import Callable, Iterator
from random import randbytes
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import redis

from sheaf.caching.reader import Login, Reader, Unexpected
from tests.conftest import Servers
from tests.integration.sheaf.conftest import port_of
from tests.servers.proxy import Proxy
from tests.servers.redis_cluster import Cluster
from tests.servers.redis_pair import address

TIMEOUT = 0.2
NewReader = Callable[..., Reader]


@pytest.fixture
def new_reader() -> Iterator[NewReader]:
    """Makes a reader: new_reader(url, login)."""
    readers = []

    def new(url: str, login: Login | None = None) -> Reader:
        readers.append(Reader(url, TIMEOUT, login))
        return readers[-1]

    yield new
    for reader in readers:
        reader.close()


@pytest.fixture
def proxy(servers: Servers) -> Iterator[Proxy]:
    """A network between a reader and Redis."""
    with Proxy(address(servers.cache_url)) as proxy:
        yield proxy


@pytest.fixture
def guest(client: "redis.Redis") -> Iterator[str]:
    """A user who may only read, with the password `one`."""
    client.acl_setuser("guest", enabled=True, passwords=["+one"], keys=["*"], commands=["+get"])
    yield "guest"
    client.acl_deluser("guest")


def _without_account(url: str) -> str:
    host, port = address(url)
    return f"redis://{host}:{port}"


def _signed_in(url: str, user: str, password: str) -> str:
    account = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return _without_account(url).replace("//", f"//{account}@")


def _hang_up(client: "redis.Redis") -> None:
    """Let the server end every other connection."""
    client.client_kill_filter(_type="normal", skipme=True)


@pytest.mark.parametrize(
    "value", [b"text", b"", b"\r\n", b"$5\r\nhello\r\n", bytes(range(256)), randbytes(1 << 20)]
)
def test_a_value_is_read_as_it_is(
    client: "redis.Redis", servers: Servers, new_reader: NewReader, value: bytes
) -> None:
    client.set("page:ü", value)
    reader = new_reader(servers.cache_url)
    assert [reader.get("page:ü") for _ in range(3)] == 3 * [value]


def test_a_key_that_is_not_there_is_none(
    client: "redis.Redis", servers: Servers, new_reader: NewReader
) -> None:
    assert new_reader(servers.cache_url).get("nothing") is None


def test_one_connection_serves_all_requests(
    client: "redis.Redis", servers: Servers, new_reader: NewReader
) -> None:
    reader = new_reader(servers.cache_url)
    reader.get("key")
    connected = client.info("stats")["total_connections_received"]
    for _ in range(5):
        reader.get("key")
    assert client.info("stats")["total_connections_received"] == connected


def test_the_database_is_that_of_the_address(
    client: "redis.Redis", servers: Servers, new_reader: NewReader
) -> None:
    other = urlsplit(servers.cache_url)._replace(path="/2").geturl()
    with redis.Redis.from_url(other) as second:
        second.set("key", "in database 2")
    assert new_reader(other).get("key") == b"in database 2"
    assert new_reader(servers.cache_url).get("key") is None


@pytest.mark.parametrize("password", ["one", "s/l@s:h %20 ü#?"])
def test_a_user_logs_in_with_a_password(
    client: "redis.Redis", servers: Servers, new_reader: NewReader, guest: str, password: str
) -> None:
    client.acl_setuser(guest, enabled=True, passwords=[f"+{password}"])
    client.set("key", "value")
    assert new_reader(_signed_in(servers.cache_url, guest, password)).get("key") == b"value"


@pytest.mark.parametrize("user", ["", "guest", "nobody"])
def test_a_wrong_password_is_unexpected(
    servers: Servers, new_reader: NewReader, guest: str, user: str
) -> None:
    with pytest.raises(Unexpected, match="WRONGPASS"):
        new_reader(_signed_in(servers.cache_url, user, "wrong")).get("key")


def test_no_password_is_unexpected(servers: Servers, new_reader: NewReader) -> None:
    with pytest.raises(Unexpected, match="NOAUTH"):
        new_reader(_without_account(servers.cache_url)).get("key")


def test_each_connection_logs_in_anew(
    client: "redis.Redis", servers: Servers, new_reader: NewReader, guest: str
) -> None:
    client.set("key", "value")
    logins = iter([(guest, "one"), (guest, "two")])
    reader = new_reader(_without_account(servers.cache_url), lambda: next(logins))
    assert [reader.get("key"), reader.get("key")] == [b"value", b"value"]
    client.acl_setuser(guest, enabled=True, passwords=["-one", "+two"])
    _hang_up(client)
    assert [reader.get("key"), reader.get("key")] == [b"value", b"value"]
    assert next(logins, None) is None


def test_a_value_of_another_type_is_unexpected(
    client: "redis.Redis", servers: Servers, new_reader: NewReader
) -> None:
    client.rpush("list", "x")
    client.set("key", "value")
    reader = new_reader(servers.cache_url)
    with pytest.raises(Unexpected, match="WRONGTYPE"):
        reader.get("list")
    assert reader.get("key") == b"value"


def test_a_server_that_hung_up_is_connected_to_again(
    client: "redis.Redis", servers: Servers, new_reader: NewReader
) -> None:
    client.set("key", "value")
    reader = new_reader(servers.cache_url)
    for _ in range(3):
        assert reader.get("key") == b"value"
        _hang_up(client)


def test_a_connection_that_was_cut_is_made_again(
    client: "redis.Redis", proxy: Proxy, servers: Servers, new_reader: NewReader
) -> None:
    client.set("key", "value")
    reader = new_reader(proxy.url(servers.cache_url))
    assert reader.get("key") == b"value"
    proxy.cut()
    proxy.until_quiet()
    assert reader.get("key") == b"value"
    proxy.drop_replies()
    assert reader.get("key") == b"value"


def test_a_server_that_always_hangs_up_is_an_error(
    client: "redis.Redis", proxy: Proxy, servers: Servers, new_reader: NewReader
) -> None:
    proxy.drop_replies(1000)
    with pytest.raises(ConnectionError):
        new_reader(proxy.url(servers.cache_url)).get("key")


def test_a_server_that_is_not_there_is_an_error(new_reader: NewReader) -> None:
    with pytest.raises(ConnectionRefusedError):
        new_reader("redis://127.0.0.1:1").get("key")


@pytest.mark.parametrize("connected", [True, False])
def test_a_server_that_hangs_is_given_up_and_its_late_answer_is_nobodys(
    client: "redis.Redis", proxy: Proxy, servers: Servers, new_reader: NewReader, connected: bool
) -> None:
    client.mset({"one": "1", "two": "2"})
    reader = new_reader(proxy.url(servers.cache_url))
    if connected:
        assert reader.get("one") == b"1"
    proxy.replies.hold()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        reader.get("one")
    assert TIMEOUT <= time.monotonic() - began < 5 * TIMEOUT
    proxy.replies.open()
    assert reader.get("two") == b"2"
    assert reader.get("one") == b"1"


def test_a_closed_reader_opens_again(
    client: "redis.Redis", servers: Servers, new_reader: NewReader
) -> None:
    client.set("key", "value")
    reader = new_reader(servers.cache_url)
    reader.close()
    assert reader.get("key") == b"value"
    reader.close()
    reader.close()
    assert reader.get("key") == b"value"


def test_a_node_is_read_over_tls(
    cluster: Cluster, cluster_client: Any, new_reader: NewReader
) -> None:
    value = randbytes(1 << 20)
    cluster_client.set("large", value, px=60_000)
    port = port_of(cluster_client, "large")
    reader = new_reader(cluster.url_at(port))
    assert reader.get("large") == value
    with cluster.node(cluster.ports.index(port)) as node:
        _hang_up(node)
    assert reader.get("large") == value


def test_a_node_that_hangs_is_given_up_too(
    cluster: Cluster, cluster_client: Any, new_reader: NewReader
) -> None:
    cluster_client.set("key", "value", px=60_000)
    url = cluster.url_at(port_of(cluster_client, "key"))
    with Proxy(address(url)) as proxy:
        reader = new_reader(proxy.url(url))
        assert reader.get("key") == b"value"
        proxy.replies.hold()
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            reader.get("key")
        assert TIMEOUT <= time.monotonic() - began < 5 * TIMEOUT
        proxy.replies.open()
        assert reader.get("key") == b"value"


def test_a_key_of_another_node_is_unexpected(
    cluster: Cluster, cluster_client: Any, new_reader: NewReader
) -> None:
    elsewhere = next(port for port in cluster.ports if port != port_of(cluster_client, "key"))
    with pytest.raises(Unexpected, match="MOVED"):
        new_reader(cluster.url_at(elsewhere)).get("key")


def test_a_wrong_password_over_tls_is_unexpected(cluster: Cluster, new_reader: NewReader) -> None:
    with pytest.raises(Unexpected, match="WRONGPASS"):
        new_reader(cluster.url.replace(cluster.password, "wrong")).get("key")


def test_a_server_whose_authority_is_unknown_is_an_error(
    cluster: Cluster, new_reader: NewReader
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        new_reader(urlsplit(cluster.url)._replace(query="").geturl()).get("key")
