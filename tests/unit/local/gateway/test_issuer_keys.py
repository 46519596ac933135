import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug import Response

from local.gateway import authorizer
from local.gateway.authorizer import (
    FRESH_SECONDS,
    KEPT_SECONDS,
    PAUSE_SECONDS,
    IssuerKeys,
    KeysUnavailable,
    Unauthorized,
    authorize,
)
from local.gateway.template import Authorizer
from local.laptop import keys
from tests.servers.issuer import DISCOVERY, JWKS, Issuer, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with running(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture
def issuer(server: Issuer, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    """A trusted issuer with one key, which was asked nothing yet."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    server.publish(server.key)
    server.asked.clear()
    return server


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_token_of_the_issuer_is_verified(issuer: Issuer) -> None:
    rule = Authorizer(issuer.url, ("sheaf",), ("sheaf/write",))
    found = authorize(f"Bearer {issuer.token()}", rule, IssuerKeys(issuer.url))
    assert found["claims"]["username"] == "alice"


def test_a_token_of_a_laptop_is_not(issuer: Issuer, tmp_path: Path) -> None:
    laptop = keys.load(tmp_path)
    forged = Issuer(issuer.url, issuer.authority, laptop).token()
    rule = Authorizer(issuer.url, ("sheaf",), ("sheaf/write",))
    with pytest.raises(Unauthorized):
        authorize(f"Bearer {forged}", rule, IssuerKeys(issuer.url))


def test_keys_are_fetched_once(issuer: Issuer) -> None:
    find = IssuerKeys(issuer.url)
    assert find(issuer.key.id) == find(issuer.key.id) == issuer.key.public
    assert issuer.asked == [DISCOVERY, JWKS]


def test_an_unknown_key_is_looked_for_but_not_all_the_time(
    issuer: Issuer, clock: Clock, tmp_path: Path
) -> None:
    find, new = IssuerKeys(issuer.url, clock), keys.load(tmp_path)
    find(issuer.key.id)
    issuer.publish(issuer.key, new)
    assert [find(f"any-{number}") for number in range(100)] == [None] * 100
    assert find(new.id) is None
    assert len(issuer.asked) == 2
    clock.now += PAUSE_SECONDS
    assert find(new.id) == new.public
    assert len(issuer.asked) == 4


def test_a_withdrawn_key_is_forgotten(issuer: Issuer, clock: Clock, tmp_path: Path) -> None:
    find = IssuerKeys(issuer.url, clock)
    find(issuer.key.id)
    issuer.publish(keys.load(tmp_path))
    assert find(issuer.key.id)
    clock.now += FRESH_SECONDS + 1
    assert find(issuer.key.id) is None


def test_an_issuer_that_is_down_is_done_without_for_a_while(
    issuer: Issuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    find = IssuerKeys(issuer.url, clock)
    find(issuer.key.id)
    issuer.answers = {}
    clock.now += KEPT_SECONDS - 1
    assert find(issuer.key.id) == issuer.key.public
    assert "answers 404" in caplog.text
    clock.now += 2
    with pytest.raises(KeysUnavailable):
        find(issuer.key.id)
    assert len(issuer.asked) == 3, "tried again too soon"
    issuer.publish(issuer.key)
    clock.now += PAUSE_SECONDS
    assert find(issuer.key.id) == issuer.key.public


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        (DISCOVERY, Response(status=503), "answers 503"),
        (DISCOVERY, Response(status=302, headers={"Location": JWKS}), "answers 302"),
        (DISCOVERY, Response("nonsense"), "Expecting value"),
        (DISCOVERY, Response("[]"), "no JSON object"),
        (DISCOVERY, Response("{}"), "Field required"),
        (DISCOVERY, Response(b"\xff"), "decode"),
        (JWKS, Response('{"keys": []}'), "any keys"),
        (JWKS, Response('{"keys": {"a": 1}}'), "Invalid JWK Set"),
        (JWKS, Response(" " * (authorizer.MAX_BYTES + 1)), "bytes"),
    ],
)
def test_an_answer_that_is_none(
    issuer: Issuer, caplog: pytest.LogCaptureFixture, path: str, answer: Response, said: str
) -> None:
    issuer.answers[path] = answer
    with pytest.raises(KeysUnavailable):
        IssuerKeys(issuer.url)(issuer.key.id)
    assert said in caplog.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issuer": "https://id.example.com"}, "of another issuer"),
        ({"jwks_uri": "http://127.0.0.1/keys"}, "no https"),
        ({"jwks_uri": "file:///etc/passwd"}, "no https"),
    ],
)
def test_a_discovery_that_leads_astray(
    issuer: Issuer, caplog: pytest.LogCaptureFixture, changes: dict[str, str], said: str
) -> None:
    found = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}{JWKS}"} | changes
    issuer.answers[DISCOVERY] = Response(json.dumps(found))
    with pytest.raises(KeysUnavailable):
        IssuerKeys(issuer.url)(issuer.key.id)
    assert said in caplog.text


def test_a_certificate_that_nobody_vouches_for(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with caplog.at_level(logging.WARNING), pytest.raises(KeysUnavailable):
        IssuerKeys(issuer.url)(issuer.key.id)
    assert "certificate verify failed" in caplog.text
    assert issuer.asked == []


def test_only_rsa_keys_that_sign_are_taken(issuer: Issuer) -> None:
    signs = issuer.key.jwk()
    shared = {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "use": "sig"}
    encrypts, nameless = signs | {"use": "enc", "kid": "encrypts"}, signs | {"kid": None}
    document = {"keys": [shared, encrypts, nameless, {"kty": "new"}, signs]}
    issuer.answers[JWKS] = Response(json.dumps(document))
    find = IssuerKeys(issuer.url)
    assert find(issuer.key.id) == issuer.key.public
    assert [find(name) for name in ("shared", "encrypts", "")] == [None] * 3
