"""The small client, against real servers that answer, refuse, redirect, hang up and hang."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from random import randbytes
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import redis

from sheaf.caching.reader import Login, Reader, Unexpected
from tests.fixtures import Servers
from tests.integration.sheaf.conftest import KEY, OTHER, Backend, port_of
from tests.servers.proxy import Proxy
from tests.servers.redis_cluster import Cluster
from tests.servers.redis_pair import address
from tests.waiting import PATIENCE

TIMEOUT = 1.0  # of a reader that is to give up
# More keys of the same slot.
ONE, TWO, LIST, UMLAUT = (f"{{{KEY}}}{name}" for name in ("one", "two", "list", "ü"))
NewReader = Callable[..., Reader]


@pytest.fixture
def new_reader() -> Iterator[NewReader]:
    """Makes a reader: new_reader(url, login, timeout)."""
    readers = []

    def new(url: str, login: Login | None = None, timeout: float = PATIENCE) -> Reader:
        readers.append(Reader(url, timeout, login))
        return readers[-1]

    yield new
    for reader in readers:
        reader.close()


@pytest.fixture
def proxy(backend: Backend) -> Iterator[Proxy]:
    """A network between a reader and Redis."""
    with Proxy(address(backend.url)) as proxy:
        yield proxy


@pytest.fixture
def guest(backend: Backend) -> Iterator[str]:
    """A user who may only read, with the password `one`."""
    rights = {"keys": ["*"], "commands": ["+get"]}
    backend.operator.acl_setuser("guest", enabled=True, passwords=["+one"], **rights)
    yield "guest"
    backend.operator.acl_deluser("guest")


def _without_account(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _signed_in(url: str, user: str, password: str) -> str:
    account = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return _without_account(url).replace("//", f"//{account}@", 1)


def _hang_up(backend: Backend) -> None:
    """Let the server end every other connection."""
    backend.operator.client_kill_filter(_type="normal", skipme=True)


@pytest.mark.parametrize(
    "value", [b"text", b"", b"\r\n", b"$5\r\nhello\r\n", bytes(range(256)), randbytes(1 << 20)]
)
def test_a_value_is_read_as_it_is(backend: Backend, new_reader: NewReader, value: bytes) -> None:
    backend.client.set(UMLAUT, value)
    reader = new_reader(backend.url)
    assert [reader.get(UMLAUT) for _ in range(3)] == 3 * [value]


def test_a_key_that_is_not_there_is_none(backend: Backend, new_reader: NewReader) -> None:
    assert new_reader(backend.url).get(OTHER) is None


def test_one_connection_serves_all_requests(backend: Backend, new_reader: NewReader) -> None:
    reader = new_reader(backend.url)
    reader.get(KEY)
    connected = backend.operator.info("stats")["total_connections_received"]
    for _ in range(5):
        reader.get(KEY)
    assert backend.operator.info("stats")["total_connections_received"] == connected


def test_the_database_is_that_of_the_address(
    client: "redis.Redis", servers: Servers, new_reader: NewReader
) -> None:
    other = servers.cache(2)
    with redis.Redis.from_url(other) as second:
        second.set("key", "in database 2")
    assert new_reader(other).get("key") == b"in database 2"
    assert new_reader(servers.cache_url).get("key") is None


@pytest.mark.parametrize("password", ["one", "s/l@s:h %20 ü#?"])
def test_a_user_logs_in_with_a_password(
    backend: Backend, new_reader: NewReader, guest: str, password: str
) -> None:
    backend.operator.acl_setuser(guest, enabled=True, passwords=[f"+{password}"])
    backend.client.set(KEY, "value")
    assert new_reader(_signed_in(backend.url, guest, password)).get(KEY) == b"value"


@pytest.mark.parametrize("user", ["", "guest", "nobody"])
def test_a_wrong_password_is_unexpected(
    backend: Backend, new_reader: NewReader, guest: str, user: str
) -> None:
    with pytest.raises(Unexpected, match="WRONGPASS"):
        new_reader(_signed_in(backend.url, user, "wrong")).get(KEY)


def test_no_password_is_unexpected(backend: Backend, new_reader: NewReader) -> None:
    with pytest.raises(Unexpected, match="NOAUTH"):
        new_reader(_without_account(backend.url)).get(KEY)


def test_each_connection_logs_in_anew(backend: Backend, new_reader: NewReader, guest: str) -> None:
    backend.client.set(KEY, "value")
    logins = iter([(guest, "one"), (guest, "two")])
    reader = new_reader(_without_account(backend.url), lambda: next(logins))
    assert [reader.get(KEY), reader.get(KEY)] == [b"value", b"value"]
    backend.operator.acl_setuser(guest, enabled=True, passwords=["-one", "+two"])
    _hang_up(backend)
    assert [reader.get(KEY), reader.get(KEY)] == [b"value", b"value"]
    assert next(logins, None) is None


def test_a_value_of_another_type_is_unexpected(backend: Backend, new_reader: NewReader) -> None:
    backend.client.rpush(LIST, "x")
    backend.client.set(KEY, "value")
    reader = new_reader(backend.url)
    with pytest.raises(Unexpected, match="WRONGTYPE"):
        reader.get(LIST)
    assert reader.get(KEY) == b"value"


def test_a_server_that_hung_up_is_connected_to_again(
    backend: Backend, new_reader: NewReader
) -> None:
    backend.client.set(KEY, "value")
    reader = new_reader(backend.url)
    for _ in range(3):
        assert reader.get(KEY) == b"value"
        _hang_up(backend)


def test_a_connection_that_was_cut_is_made_again(
    backend: Backend, proxy: Proxy, new_reader: NewReader
) -> None:
    backend.client.set(KEY, "value")
    reader = new_reader(proxy.url(backend.url))
    assert reader.get(KEY) == b"value"
    proxy.cut()
    proxy.until_quiet()
    assert reader.get(KEY) == b"value"
    proxy.drop_replies()
    assert reader.get(KEY) == b"value"


def test_a_server_that_always_hangs_up_is_an_error(
    backend: Backend, proxy: Proxy, new_reader: NewReader
) -> None:
    proxy.drop_replies(1000)
    # Where TLS was being agreed on, it depends on the moment how its library calls that.
    with pytest.raises((ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        new_reader(proxy.url(backend.url)).get(KEY)


def test_whichever_address_of_a_host_answers_is_taken(
    backend: Backend, new_reader: NewReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.client.set(KEY, "here")
    found = [
        each
        for port in (1, urlsplit(backend.url).port)
        for each in socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)
    ]
    monkeypatch.setattr("_socket.getaddrinfo", lambda *_: found)
    assert new_reader(backend.url).get(KEY) == b"here"
    found.clear()
    with pytest.raises(OSError, match="no address"):
        new_reader(backend.url).get(KEY)


def test_a_server_that_is_not_there_is_an_error(new_reader: NewReader) -> None:
    with pytest.raises(ConnectionRefusedError):
        new_reader("redis://127.0.0.1:1").get(KEY)


@pytest.mark.parametrize("connected", [True, False])
def test_a_server_that_hangs_is_given_up_and_its_late_answer_is_nobodys(
    backend: Backend, proxy: Proxy, new_reader: NewReader, connected: bool
) -> None:
    backend.client.mset({ONE: "1", TWO: "2"})
    reader = new_reader(proxy.url(backend.url), timeout=TIMEOUT)
    if connected:
        assert reader.get(ONE) == b"1"
    proxy.replies.hold()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        reader.get(ONE)
    assert TIMEOUT <= time.monotonic() - began < 10 * TIMEOUT
    proxy.replies.open()
    assert reader.get(TWO) == b"2"
    assert reader.get(ONE) == b"1"


def test_a_closed_reader_opens_again(backend: Backend, new_reader: NewReader) -> None:
    backend.client.set(KEY, "value")
    reader = new_reader(backend.url)
    reader.close()
    assert reader.get(KEY) == b"value"
    reader.close()
    reader.close()
    assert reader.get(KEY) == b"value"


def test_a_key_of_another_node_is_unexpected(
    cluster: Cluster, cluster_client: Any, new_reader: NewReader
) -> None:
    elsewhere = next(port for port in cluster.ports if port != port_of(cluster_client, "key"))
    with pytest.raises(Unexpected, match="MOVED"):
        new_reader(cluster.url_at(elsewhere)).get("key")


def test_a_server_whose_authority_is_unknown_is_an_error(
    cluster: Cluster, new_reader: NewReader
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        new_reader(urlsplit(cluster.url)._replace(query="").geturl()).get("key")
