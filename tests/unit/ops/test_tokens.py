from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from local.laptop import keys
from ops import tokens

HOUR = timedelta(hours=1)


def test_a_token_says_who_for_whom_and_for_how_long(tmp_path: Path) -> None:
    key = keys.load(tmp_path)
    token = tokens.mint(tmp_path, "http://127.0.0.1:3000", "alice", "editor", HOUR)
    claims = jwt.decode(
        token,
        key.public,
        algorithms=["RS256"],
        audience="sheaf",
        issuer="http://127.0.0.1:3000/-/local",
    )
    assert (claims["username"], claims["cognito:groups"]) == ("alice", ["editor"])
    left = claims["exp"] - datetime.now(UTC).timestamp()
    assert HOUR.total_seconds() - 60 < left <= HOUR.total_seconds()


def test_a_home_without_a_key_is_not_given_one(tmp_path: Path) -> None:
    with pytest.raises(tokens.TokenError, match="set SHEAF_HOME"):
        tokens.mint(tmp_path / "home", "http://x", "alice", "editor", HOUR)
    assert not (tmp_path / "home").exists()


def test_an_impossible_handle_is_refused(tmp_path: Path) -> None:
    keys.load(tmp_path)
    with pytest.raises(tokens.TokenError, match="handle"):
        tokens.mint(tmp_path, "http://x", "Alice Example", "editor", HOUR)
