import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.hashing import content_tag
from sheaf.http.conditions import version_etag
from sheaf.http.problems import Problem
from writes import inputs


@given(st.integers(1, 10**17), st.integers(1, 10**17), st.sampled_from(["", "W/"]))
def test_if_match_holds_for_the_version_it_names(named: int, current: int, weak: str) -> None:
    precondition = inputs.precondition(weak + version_etag(named), None)
    assert precondition.holds(current, live=True) == (named == current)
    assert not precondition.holds(named, live=False)


def test_if_none_match_holds_when_there_is_no_live_page() -> None:
    precondition = inputs.precondition(None, "*")
    assert precondition.holds(0, live=False)
    assert precondition.holds(3, live=False)
    assert not precondition.holds(3, live=True)


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "status"),
    [
        (None, None, 428),
        ("*", None, 400),
        ("v1", None, 400),
        (None, '"v1"', 400),
        ('"v1"', "*", 400),
    ],
)
def test_what_is_no_precondition(
    if_match: str | None, if_none_match: str | None, status: int
) -> None:
    with pytest.raises(Problem) as raised:
        inputs.precondition(if_match, if_none_match)
    assert raised.value.status == status


@given(st.text(max_size=40))
def test_any_if_match_is_understood_or_refused(header: str) -> None:
    assert _status(header) in (None, 400)


def _status(if_match: str) -> int | None:
    try:
        inputs.precondition(if_match, None)
    except Problem as problem:
        return problem.status
    return None


def test_a_key_is_of_the_same_request_as_before_there_were_origins() -> None:
    """What was sent to the release of before may be sent again to this one."""
    digest = inputs.key_of("k", "alice", "PUT", inputs.PageInput(body="x")).request
    sent = [{"body": "x", "title": None, "tags": None, "comment": ""}]
    assert digest == content_tag(json.dumps(sent).encode())
    imported = inputs.PageInput(body="x", origin="import")
    assert inputs.key_of("k", "alice", "PUT", imported).request != digest
