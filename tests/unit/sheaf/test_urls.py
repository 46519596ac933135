from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.urls import Url, unquoted

SIGNS = (*"/?#@:[],é ", "%41", "://", "::1", "\N{FULLWIDTH SOLIDUS}")
WORDS = st.text("aB0-._~", max_size=5)
PIECES = st.lists(st.sampled_from(SIGNS) | WORDS, max_size=10).map("".join)
ANYTHING = st.builds("{}://{}".format, st.sampled_from(("redis", "HTTPS", "postgresql")), PIECES)


def test_all_parts() -> None:
    url = Url("rediss://ann:p%40ss@cache.example:6380/2?ssl_ca_certs=ca.pem#rest")
    assert (url.scheme, url.user, url.password) == ("rediss", "ann", "p%40ss")
    assert (url.authority, url.host, url.port) == (
        "ann:p%40ss@cache.example:6380",
        "cache.example",
        6380,
    )
    assert (url.path, url.query) == ("/2", "ssl_ca_certs=ca.pem")


def test_what_is_not_there() -> None:
    url = Url("redis://cache")
    assert (url.user, url.password, url.port, url.path, url.query) == ("", "", None, "", "")
    assert (Url("").scheme, Url("").host) == ("", "")


@given(
    account=st.sampled_from(("", "ann@", "ann:p%40ss@", ":secret@")),
    host=st.sampled_from(("cache", "A.b.Example", "10.0.0.1", "[::1]", "[fe80::1]")),
    port=st.sampled_from(("", ":0", ":6379", ":65535")),
    path=st.sampled_from(("", "/", "/2", "/a/b")),
    query=st.sampled_from(("", "?a=b", "?a=/@:#c")),
)
def test_whatever_is_a_url_is_taken_apart(
    account: str, host: str, port: str, path: str, query: str
) -> None:
    _same_as_by_the_standard_library(f"redis://{account}{host}{port}{path}{query}")


@given(ANYTHING)
def test_nothing_is_taken_for_something_else(text: str) -> None:
    try:
        _ = Url(text).port
    except ValueError:
        return
    _same_as_by_the_standard_library(text)


def _same_as_by_the_standard_library(text: str) -> None:
    url, parts = Url(text), urlsplit(text)
    assert (url.scheme, url.authority) == (parts.scheme, parts.netloc)
    assert (url.user, url.password) == (parts.username or "", parts.password or "")
    assert (url.host, url.port) == (parts.hostname or "", parts.port)
    assert (url.path, url.query) == (parts.path, parts.query)


@pytest.mark.parametrize("text", ["redis://h\t", "redis://a\nb", "redis://[::1", "redis://[x]"])
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(ValueError, match=r"URL|address"):
        Url(text)


@pytest.mark.parametrize("port", ["x", "65536", "6379,h:1", "-1", "٣", "1" * 5000])
def test_what_is_no_port(port: str) -> None:
    with pytest.raises(ValueError, match="port"):
        _ = Url(f"redis://h:{port}").port


@given(st.text())
def test_what_was_quoted(text: str) -> None:
    assert unquoted(quote(text)) == text
    assert unquoted(text) == unquote(text)
