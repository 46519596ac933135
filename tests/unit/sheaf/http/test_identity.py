from typing import Any

import pytest

from sheaf.http.identity import Role, identify
from sheaf.http.problems import Problem
from sheaf.settings import Settings

SETTINGS = Settings({"SHEAF_DATABASE_URLS": "postgresql://h/d", "SHEAF_CACHE_URL": "redis://h"})


def _event(claims: Any) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"jwt": {"claims": claims, "scopes": None}}}}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"requestContext": {}},
        {"requestContext": {"authorizer": None}},
        {"requestContext": {"authorizer": {"jwt": None}}},
        _event({}),
        _event({"username": ""}),
        _event({"username": "Not A Handle"}),
        _event({"username": "x" * 65}),
        _event({"username": "../alice"}),
    ],
)
def test_no_verified_handle_means_nobody(event: dict[str, Any]) -> None:
    with pytest.raises(Problem) as raised:
        identify(event, SETTINGS)
    assert raised.value.status == 401


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (None, Role.READER),
        ("", Role.READER),
        ("[]", Role.READER),
        ("[strangers]", Role.READER),
        ("editor", Role.EDITOR),
        ("[editor]", Role.EDITOR),
        ("[reader admin editor]", Role.ADMIN),
        ("[reader, editor]", Role.EDITOR),
    ],
)
def test_the_highest_role_counts(groups: str | None, role: Role) -> None:
    claims = {"username": "alice"} | ({} if groups is None else {"cognito:groups": groups})
    assert identify(_event(claims), SETTINGS).role is role


def test_a_role_that_is_too_low_is_forbidden() -> None:
    reader = identify(_event({"username": "alice"}), SETTINGS)
    assert reader.require(Role.READER) is reader
    with pytest.raises(Problem) as raised:
        reader.require(Role.EDITOR)
    assert raised.value.status == 403
