import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.gateway.authorizer import Forbidden, Unauthorized, authorize
from local.gateway.template import Authorizer
from local.laptop import keys
from local.laptop.issuer import mint

ISSUER = "https://id.example.com"
RULE = Authorizer(ISSUER, ("sheaf",), ("sheaf/write", "sheaf/admin"))
ABSENT = object()
Token = Callable[..., str]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> keys.SigningKey:
    return keys.load(tmp_path_factory.mktemp("home"))


@pytest.fixture
def token(key: keys.SigningKey) -> Token:
    """Signs a good token, changed as told."""

    def sign(kid: str = key.id, **changes: Any) -> str:
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": "sheaf",
            "sub": "alice",
            "scope": "openid sheaf/write",
            "iat": now,
            "exp": now + timedelta(minutes=1),
        } | changes
        kept = {name: value for name, value in claims.items() if value is not ABSENT}
        return jwt.encode(kept, key.private, "RS256", {"kid": kid})

    return sign


def check(key: keys.SigningKey, token: str, rule: Authorizer = RULE) -> dict[str, Any]:
    return authorize(f"Bearer {token}", rule, {key.id: key.public}.get)


def test_a_good_token(key: keys.SigningKey, token: Token) -> None:
    found = check(key, token())
    assert found["claims"]["sub"] == "alice"
    assert found["scopes"] == ["openid", "sheaf/write"]
    assert authorize(token(), RULE, {key.id: key.public}.get)["claims"]["sub"] == "alice"


def test_claims_are_text(key: keys.SigningKey, token: Token) -> None:
    changes = {"groups": ["editor", "b"], "verified": True, "count": 5, "nested": {"a": [1]}}
    claims = check(key, token(**changes))["claims"]
    assert claims["groups"] == "[editor b]"
    assert claims["verified"] == "true"
    assert claims["count"] == "5"
    assert claims["nested"] == '{"a": [1]}'
    assert claims["exp"].isdecimal()


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": datetime.now(UTC) - timedelta(seconds=1)},
        {"exp": ABSENT},
        {"nbf": datetime.now(UTC) + timedelta(hours=1)},
        {"iat": datetime.now(UTC) + timedelta(hours=1)},
        {"iss": "https://other.example.com"},
        {"iss": ABSENT},
        {"aud": "other"},
        {"aud": "other", "client_id": "sheaf"},
        {"aud": ABSENT},
        {"aud": ABSENT, "client_id": "other"},
        {"kid": "unknown"},
    ],
)
def test_bad_tokens(key: keys.SigningKey, token: Token, changes: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        check(key, token(**changes))


@pytest.mark.parametrize("aud", [["other", "sheaf"], "sheaf"])
def test_an_audience_may_be_a_list(key: keys.SigningKey, token: Token, aud: Any) -> None:
    assert check(key, token(aud=aud))


def test_the_client_counts_where_there_is_no_audience(key: keys.SigningKey, token: Token) -> None:
    assert check(key, token(aud=ABSENT, client_id="sheaf"))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer a.b.c", "Basic YTpi", "é"])
def test_no_token(key: keys.SigningKey, header: str) -> None:
    with pytest.raises(Unauthorized):
        authorize(header, RULE, {key.id: key.public}.get)


def test_an_unsigned_token(key: keys.SigningKey, token: Token) -> None:
    claims = jwt.decode(token(), options={"verify_signature": False})
    with pytest.raises(Unauthorized):
        check(key, jwt.encode(claims, "", "none", {"kid": key.id}))


def test_the_public_key_is_no_shared_secret(key: keys.SigningKey, token: Token) -> None:
    """HS256 with the public key as its secret must not pass for RS256."""
    public = key.public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(Unauthorized):
        check(key, _hmac_token(token().split(".")[1], public, key.id))


def _hmac_token(payload: str, secret: bytes, kid: str) -> str:
    def encode(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    signed = f"{encode(json.dumps({'alg': 'HS256', 'kid': kid}).encode())}.{payload}"
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def test_a_key_of_somebody_else(key: keys.SigningKey, token: Token, tmp_path: Path) -> None:
    other = keys.load(tmp_path)
    claims = jwt.decode(token(), options={"verify_signature": False})
    with pytest.raises(Unauthorized):
        check(key, jwt.encode(claims, other.private, "RS256", {"kid": key.id}))


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  ", ""])
def test_the_scheme_has_no_case_and_may_be_left_out(
    key: keys.SigningKey, token: Token, scheme: str
) -> None:
    found = authorize(scheme + token(), RULE, {key.id: key.public}.get)
    assert found["claims"]["sub"] == "alice"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=5), of, max_size=3),
    max_leaves=4,
)
CLAIMS = ["aud", "client_id", "scope", "scp", "exp", "nbf", "iat", "iss", "sub", "jti", "groups"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from(CLAIMS), JSON, min_size=1, max_size=3))
def test_no_claim_is_a_fault_of_ours(
    key: keys.SigningKey, token: Token, changes: dict[str, Any]
) -> None:
    """Whatever an issuer signs, it is taken as text or refused."""
    signed = _signed(key, {**jwt.decode(token(), options={"verify_signature": False}), **changes})
    try:
        found = check(key, signed)
    except (Unauthorized, Forbidden):
        return
    assert all(isinstance(value, str) for value in found["claims"].values())
    assert "sheaf/write" in found["scopes"]
    assert not changes.keys() & {"aud", "iss", "scope"}


def _signed(key: keys.SigningKey, claims: Any) -> str:
    """A token with any payload, which `jwt.encode` would be too careful to sign."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key.private, "RS256", {"kid": key.id})


@pytest.mark.parametrize("claims", [[], "text", 5, None, [{"aud": "sheaf"}]])
def test_claims_that_are_no_object(key: keys.SigningKey, claims: Any) -> None:
    with pytest.raises(Unauthorized):
        check(key, _signed(key, claims))


@pytest.mark.parametrize("aud", [5, None, {}, [], "", {"sheaf": 1}, [{"sheaf": 1}], [["sheaf"]]])
def test_an_audience_of_another_type(key: keys.SigningKey, token: Token, aud: Any) -> None:
    with pytest.raises(Unauthorized):
        check(key, token(aud=aud, client_id="sheaf"))


@pytest.mark.parametrize("scope", [5, True, {"sheaf/write": 1}, [{"sheaf/write": 1}], [5]])
def test_a_scope_of_another_type(key: keys.SigningKey, token: Token, scope: Any) -> None:
    with pytest.raises(Forbidden):
        check(key, token(scope=scope))


@pytest.mark.parametrize("scope", ["", "sheaf/read", "sheaf/writer", ABSENT])
def test_a_missing_scope(key: keys.SigningKey, token: Token, scope: Any) -> None:
    with pytest.raises(Forbidden):
        check(key, token(scope=scope))


def test_scopes_may_be_in_scp(key: keys.SigningKey, token: Token) -> None:
    assert check(key, token(scope=ABSENT, scp=["sheaf/admin"]))["scopes"] == ["sheaf/admin"]


def test_a_route_without_scopes_takes_any_good_token(key: keys.SigningKey, token: Token) -> None:
    rule = Authorizer(ISSUER, ("sheaf",), ())
    assert check(key, token(scope=ABSENT), rule)["scopes"] is None


def test_minted_tokens_pass(tmp_path: Path) -> None:
    minted = mint(tmp_path, ISSUER, "alice", "editor")
    claims = check(keys.load(tmp_path), minted)["claims"]
    assert claims["username"] == "alice"
    assert claims["cognito:groups"] == "[editor]"
    assert claims["token_use"] == "access"
    assert int(claims["exp"]) - int(claims["iat"]) == 8 * 3600
