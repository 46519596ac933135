"""Requests: what a client tells of the versions that it knows of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.http.conditions import page_tag
from sheaf.http.requests import Request

versions = st.integers(0, 10**15 - 1)


def request(query: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    http = {"http": {"method": "GET"}}
    return Request(
        {"rawPath": "/x", "rawQueryString": query, "headers": named, "requestContext": http}
    )


@given(versions, st.lists(versions, max_size=3))
def test_the_newest_version_counts_wherever_it_stands(named: int, tags: list[int]) -> None:
    header = ", ".join(page_tag(version, "0123abcd", "br") for version in tags)
    asked = request(f"v={named}", If_None_Match=header)
    assert asked.known_version == max(named, *tags, 0)
    assert request(f"v={named}&utm=x").known_version == named
    assert request(f"utm=x&v={named}").known_version == 0
    assert request("", If_None_Match=header).known_version == max(tags, default=0)


@pytest.mark.parametrize(
    "query", ["", "v=", "v=x", "v=-1", "v=1.5", "v=1e3", "v=+1", "v=%31", "w=7"]
)
def test_what_is_no_version_is_none(query: str) -> None:
    assert request(query).known_version == 0


@given(st.text())
def test_whatever_is_asked_has_an_answer(query: str) -> None:
    assert 0 <= request(query, If_None_Match=query).known_version < 10**15
    assert 0 <= request(f"v={query}").known_version < 10**15
