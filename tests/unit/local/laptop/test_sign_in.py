import base64
import hashlib
import os
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from werkzeug import Request
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response

from local.gateway.authorizer import Unauthorized, authorize
from local.gateway.template import Authorizer
from local.laptop import issuer, keys
from local.laptop.sessions import Sessions
from local.laptop.sign_in import SignIn

SITE = "http://127.0.0.1:4000"
ISSUER = f"{SITE}/-/local"
VERIFIER = "a-verifier-of-at-least-forty-three-characters"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:-1]
ASKED = {
    "response_type": "code",
    "client_id": "sheaf",
    "redirect_uri": f"{SITE}/-/sign-in",
    "scope": "sheaf/write",
    "state": "a state & more",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
PERSON = {"handle": "alice", "role": "editor"}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> keys.SigningKey:
    return keys.load(tmp_path_factory.mktemp("home"))


@pytest.fixture
def client(key: keys.SigningKey, tmp_path: Path) -> Client:
    sign_in = SignIn(key, ISSUER, Sessions(tmp_path))

    @Request.application
    def serve(request: Request) -> Response:
        return sign_in.respond(request) or Response(status=404)

    return Client(serve)


def sign_in(client: Client, **changes: str) -> TestResponse:
    return client.post("/-/local/authorize", SITE, data={**ASKED, **PERSON, **changes})


def code_of(answer: TestResponse) -> str:
    return parse_qs(urlsplit(answer.location or "").query)["code"][0]


def redeem(client: Client, code: str, /, **changes: str) -> TestResponse:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": ASKED["redirect_uri"],
        "client_id": "sheaf",
        "code_verifier": VERIFIER,
    }
    headers = {"Origin": "http://localhost:4000"}
    return client.post("/-/local/token", SITE, data={**form, **changes}, headers=headers)


def test_signing_in_from_the_form_to_the_token(client: Client, key: keys.SigningKey) -> None:
    form = client.get("/-/local/authorize", SITE, query_string=ASKED)
    assert form.status_code == 200
    assert "no password" in form.text
    assert "a state &amp; more" in form.text

    answer = sign_in(client)
    assert answer.status_code == 303
    location = urlsplit(answer.location or "")
    assert location._replace(query="").geturl() == ASKED["redirect_uri"]
    assert parse_qs(location.query)["state"] == ["a state & more"]

    answer = redeem(client, code_of(answer))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "http://localhost:4000"
    assert answer.json is not None
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 8 * 3600
    token = answer.json["access_token"]
    rule = Authorizer(ISSUER, ("sheaf",), ("sheaf/write",))
    claims = authorize(f"Bearer {token}", rule, {key.id: key.public}.get)["claims"]
    assert claims["username"] == claims["sub"] == "alice"
    assert claims["cognito:groups"] == "[editor]"


def test_every_field_of_the_form_has_a_label(client: Client) -> None:
    html = client.get("/-/local/authorize", SITE, query_string=ASKED).text
    assert re.findall(r'<label for="(\w+)"', html) == ["handle", "role"]
    assert 'id="handle"' in html
    assert 'id="role"' in html
    assert '<html lang="en">' in html


def test_what_the_form_repeats_is_escaped(client: Client) -> None:
    query = ASKED | {"state": '"><script>'}
    html = client.get("/-/local/authorize", SITE, query_string=query).text
    assert "<script>" not in html


@pytest.mark.parametrize("handle", ["", "Alice", "-a", "a b", "é", "a" * 65, "a\n"])
def test_an_impossible_handle_brings_the_form_back(client: Client, handle: str) -> None:
    answer = sign_in(client, handle=handle)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert 'name="code_challenge"' in answer.text


def test_an_impossible_role_brings_the_form_back(client: Client) -> None:
    assert sign_in(client, role="owner").status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": "token"},
        {"client_id": "other"},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"redirect_uri": ""},
        {"redirect_uri": "/-/sign-in"},
        {"redirect_uri": "https://127.0.0.1:4000/-/sign-in"},
        {"redirect_uri": "http://127.0.0.1:4001/-/sign-in"},
        {"redirect_uri": "http://127.0.0.1:4000@example.com/"},
        {"redirect_uri": "http://example.com/"},
        {"redirect_uri": "http://["},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
def test_a_bad_request_never_leads_elsewhere(client: Client, changes: dict[str, str]) -> None:
    query = ASKED | changes
    for answer in (
        client.get("/-/local/authorize", SITE, query_string=query),
        sign_in(client, **changes),
    ):
        assert answer.status_code == 400
        assert answer.location is None


def test_localhost_is_the_same_site(client: Client) -> None:
    redirect_uri = "http://localhost:4000/-/sign-in"
    answer = sign_in(client, redirect_uri=redirect_uri)
    assert redeem(client, code_of(answer), redirect_uri=redirect_uri).status_code == 200


def test_nobody_signs_in_by_another_name_of_this_machine(client: Client) -> None:
    """A page elsewhere may make its name lead to 127.0.0.1, and then read what we answer."""
    answer = client.post(
        "/-/local/authorize",
        "http://evil.example:4000",
        data={**ASKED, **PERSON, "redirect_uri": "http://evil.example:4000/"},
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": "other"}, "invalid_client"),
        ({"code": "nonsense"}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"code_verifier": VERIFIER + "x"}, "invalid_grant"),
        ({"redirect_uri": f"{SITE}/elsewhere"}, "invalid_grant"),
    ],
)
def test_a_code_that_does_not_fit(client: Client, changes: dict[str, str], error: str) -> None:
    answer = redeem(client, code_of(sign_in(client)), **changes)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"] == error
    assert answer.json["error_description"]


def test_a_code_expires(
    client: Client, key: keys.SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer, "CODE_LIFETIME", timedelta(seconds=-1))
    answer = redeem(client, code_of(sign_in(client)))
    assert answer.json is not None
    assert answer.json["error"] == "invalid_grant"


def test_a_code_is_no_token_and_a_token_no_code(client: Client, key: keys.SigningKey) -> None:
    code = code_of(sign_in(client))
    with pytest.raises(Unauthorized):
        authorize(f"Bearer {code}", Authorizer(ISSUER, ("sheaf",), ()), {key.id: key.public}.get)
    token = issuer.access_token(key, ISSUER, issuer.Identity("alice", "admin"))
    assert redeem(client, token).status_code == 400


def test_discovery_leads_to_the_key(client: Client, key: keys.SigningKey) -> None:
    found = client.get("/-/local/.well-known/openid-configuration", SITE).json
    assert found is not None
    assert found["issuer"] == ISSUER
    jwks = client.get(urlsplit(found["jwks_uri"]).path, SITE).json
    assert jwks is not None
    (published,) = jwks["keys"]
    assert set(published) == {"kty", "use", "alg", "kid", "n", "e"}
    token = issuer.access_token(key, ISSUER, issuer.Identity("alice", "reader"))
    assert jwt.decode(token, jwt.PyJWK(published), ["RS256"], audience="sheaf")["sub"] == "alice"


def test_unknown_addresses_are_not_ours(client: Client) -> None:
    assert client.get("/-/local/other", SITE).status_code == 404
    assert client.get("/jwks.json", SITE).status_code == 404


@pytest.mark.parametrize(("handle", "role"), [("Alice", "editor"), ("alice", "owner")])
def test_nobody_impossible_gets_a_token(tmp_path: Path, handle: str, role: str) -> None:
    with pytest.raises(issuer.IdentityError):
        issuer.mint(tmp_path, ISSUER, handle, role)


def test_the_key_stays_and_is_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = keys.load(home)
    assert keys.load(home).id == first.id
    assert (home / "issuer.pem").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700


def refresh(client: Client, token: str) -> TestResponse:
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "sheaf"}
    return client.post("/-/local/token", SITE, data=form)


def sign_out(client: Client, **changes: str) -> TestResponse:
    asked = {"client_id": "sheaf", "post_logout_redirect_uri": f"{SITE}/-/sign-in", **changes}
    return client.get("/-/local/logout", SITE, query_string=asked)


def refresh_token(client: Client) -> str:
    token: str = redeem(client, code_of(sign_in(client))).json["refresh_token"]
    return token


def test_a_refresh_token_gives_the_next_one(client: Client, key: keys.SigningKey) -> None:
    first = refresh_token(client)
    answer = refresh(client, first)
    assert answer.status_code == 200
    rule = Authorizer(ISSUER, ("sheaf",), ("sheaf/write",))
    bearer = f"Bearer {answer.json['access_token']}"
    assert authorize(bearer, rule, {key.id: key.public}.get)["claims"]["sub"] == "alice"
    assert answer.json["refresh_token"] != first
    assert refresh(client, answer.json["refresh_token"]).status_code == 200


def test_one_that_was_used_ends_the_session(client: Client) -> None:
    first = refresh_token(client)
    second = refresh(client, first).json["refresh_token"]
    assert refresh(client, first).json["error"] == "invalid_grant"
    assert refresh(client, second).json["error"] == "invalid_grant"
    assert "no password" in client.get("/-/local/authorize", SITE, query_string=ASKED).text


@pytest.mark.parametrize("token", ["", ".", "../issuer.pem.", "a" * 22, f"{'a' * 22}.x"])
def test_what_is_no_refresh_token_is_refused(client: Client, token: str) -> None:
    assert refresh(client, token).json["error"] == "invalid_grant"


def test_nobody_guesses_a_session_before_its_first_refresh_token(client: Client) -> None:
    sign_in(client)
    cookie = client.get_cookie("issuer", "127.0.0.1", "/-/local")
    assert cookie
    assert refresh(client, f"{cookie.value}.").json["error"] == "invalid_grant"


def test_who_is_signed_in_is_not_asked_again(client: Client) -> None:
    sign_in(client)
    answer = client.get("/-/local/authorize", SITE, query_string=ASKED)
    assert answer.status_code == 303
    assert redeem(client, code_of(answer)).status_code == 200


def test_signing_out_ends_the_session(client: Client) -> None:
    token = refresh_token(client)
    answer = sign_out(client)
    assert (answer.status_code, answer.location) == (303, f"{SITE}/-/sign-in")
    assert "no password" in client.get("/-/local/authorize", SITE, query_string=ASKED).text
    assert refresh(client, token).json["error"] == "invalid_grant"
    assert sign_out(client).status_code == 303


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "other"},
        {"post_logout_redirect_uri": ""},
        {"post_logout_redirect_uri": "https://example.com/"},
    ],
)
def test_signing_out_leads_nowhere_else(client: Client, changes: dict[str, str]) -> None:
    answer = sign_out(client, **changes)
    assert answer.status_code == 400
    assert answer.location is None


def test_old_sessions_are_forgotten(client: Client, tmp_path: Path) -> None:
    token = refresh_token(client)
    for path in (tmp_path / "sessions").iterdir():
        os.utime(path, (0, 0))
    sign_in(client)
    assert refresh(client, token).json["error"] == "invalid_grant"
