import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.http.identity import Identity, Role, identify
from sheaf.http.problems import Problem
from sheaf.settings import Settings

SETTINGS = Settings({"SHEAF_DATABASE_URLS": "postgresql://h/d", "SHEAF_CACHE_URL": "redis://h"})
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(SCALARS, lambda of: st.lists(of) | st.dictionaries(st.text(), of), max_leaves=8)
ROLES = {"reader": Role.READER, "editor": Role.EDITOR, "admin": Role.ADMIN}
# Names that hold a role's, as organisations have them.
NEAR = st.builds(
    "".join,
    st.lists(st.sampled_from([*ROLES, "Editor", " ", ",", "x", "[", "]", "Domain "]), max_size=4),
)


def _segment(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _token(payload: bytes) -> str:
    return ".".join(map(_segment, (b'{"alg":"RS256"}', payload, b"signature")))


def _text(value: Any) -> str:
    """A claim as API Gateway hands it over."""
    if isinstance(value, list):
        return f"[{' '.join(map(_text, value))}]"
    return value if isinstance(value, str) else json.dumps(value)


def _event(claims: Any, header: str | None = None) -> dict[str, Any]:
    verified = {name: _text(value) for name, value in claims.items()}
    return {
        "headers": {
            "authorization": header
            if header is not None
            else f"Bearer {_token(json.dumps(claims).encode())}"
        },
        "requestContext": {"authorizer": {"jwt": {"claims": verified, "scopes": None}}},
    }


def _refused(event: dict[str, Any]) -> Problem:
    with pytest.raises(Problem) as raised:
        identify(event, SETTINGS)
    return raised.value


ALICE = {"username": "alice", "cognito:groups": ["editor"]}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"requestContext": {}},
        {"requestContext": {"authorizer": None}},
        {"requestContext": {"authorizer": {"jwt": None}}},
        _event({}),
        {**_event(ALICE), "requestContext": {"authorizer": {"jwt": {"claims": {}}}}},
        {**_event(ALICE), "headers": {}},
        {**_event(ALICE), "headers": _event({**ALICE, "username": "bob"})["headers"]},
        _event(ALICE, ""),
        _event(ALICE, "Basic YWxpY2U6"),
        _event(ALICE, "Bearer a.b"),
        _event(ALICE, f"Bearer {_token(b'[]')}"),
        _event(ALICE, f"Bearer {_token(b'no JSON')}"),
        _event(ALICE, f"Bearer {_token(b'[' * 100_000)}"),
        _event(ALICE, f"{_event(ALICE)['headers']['authorization']},Bearer a.b.c"),
    ],
)
def test_without_the_token_that_was_verified_nobody_is_anybody(event: dict[str, Any]) -> None:
    assert _refused(event).status == 401


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  ", ""])
def test_a_scheme_has_no_case(scheme: str) -> None:
    event = _event(ALICE, scheme + _token(json.dumps(ALICE).encode()))
    assert identify(event, SETTINGS) == Identity("alice", Role.EDITOR)


@pytest.mark.parametrize(
    "handle",
    [
        *("", "Not A Handle", "x" * 65, "../alice", "Alice", "alice@example.org", "alice\n"),
        *(None, 1, True, ["alice"], {"a": 1}),
    ],
)
def test_a_claim_that_is_no_handle_is_named(handle: Any) -> None:
    problem = _refused(_event({**ALICE, "username": handle}))
    assert (problem.status, problem.name) == (403, "bad-handle")
    assert "username" in problem.detail
    assert "lower-case" in problem.detail


def test_a_token_without_the_claim_is_told_which_is_missing() -> None:
    assert _refused(_event({"sub": "alice"})).name == "bad-handle"


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ("", Role.READER),
        ("editor", Role.EDITOR),
        ("[editor]", Role.READER),
        ("editor admin", Role.READER),
        ([], Role.READER),
        (["strangers"], Role.READER),
        (["reader", "admin", "editor"], Role.ADMIN),
        (["Domain Admin"], Role.READER),
        (["Domain admin"], Role.READER),
        (["x,admin"], Role.READER),
        (["Editor"], Role.READER),
        (["editor "], Role.READER),
        (["Domain admin", "editor"], Role.EDITOR),
        ({"admin": True}, Role.READER),
        ([["admin"], {"admin": 1}, None], Role.READER),
    ],
)
def test_the_highest_role_counts_that_is_a_group(groups: Any, role: Role) -> None:
    claims = {"username": "alice", "cognito:groups": groups}
    assert identify(_event(claims), SETTINGS).role is role


@given(st.lists(NEAR | st.text(max_size=9)))
def test_no_role_but_by_the_whole_name_of_a_group(groups: list[str]) -> None:
    found = identify(_event({"username": "alice", "cognito:groups": groups}), SETTINGS)
    named = [ROLES[group] for group in groups if group in ROLES]
    assert found.role is max(named, default=Role.READER)


@given(
    st.dictionaries(st.sampled_from(["username", "cognito:groups", "sub"]), JSON | NEAR)
    | st.fixed_dictionaries({"username": st.just("alice"), "cognito:groups": JSON | NEAR})
)
def test_no_claim_is_a_fault_of_ours(claims: dict[str, Any]) -> None:
    event, handle = _event(claims), claims.get("username")
    if isinstance(handle, str) and re.fullmatch("[a-z0-9][a-z0-9._-]{0,63}", handle):
        found = identify(event, SETTINGS)
        groups = claims.get("cognito:groups")
        held = groups if isinstance(groups, list) else [groups]
        assert found.handle == handle
        assert found.role is Role.READER or found.role.name.lower() in held
    else:
        assert _refused(event).status in (401, 403)


def test_a_role_that_is_too_low_is_forbidden() -> None:
    reader = identify(_event({"username": "alice"}), SETTINGS)
    assert reader.require(Role.READER) is reader
    with pytest.raises(Problem) as raised:
        reader.require(Role.EDITOR)
    assert raised.value.status == 403
