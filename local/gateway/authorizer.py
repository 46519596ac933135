"""API Gateway's JWT authorizer: the person that a bearer token speaks for."""

import json
import logging
import re
import time
from collections.abc import Callable
from typing import Any

import jwt
import urllib3
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWKSet, PyJWTError
from pydantic import BaseModel

from local.gateway.template import Authorizer

Claims = dict[str, Any]
# The token, or that after the scheme, which has no case (RFC 9110, 11.1).
_SCHEME = re.compile(r"\Abearer\s+", re.IGNORECASE)
KeyFinder = Callable[[str], RSAPublicKey | None]


class Unauthorized(Exception):
    """There is no token, or it cannot be trusted."""


class Forbidden(Exception):
    """The token is genuine but has none of the scopes that the route needs."""


class KeysUnavailable(Exception):
    """The issuer's keys cannot be had at present, so no token can be checked."""


def authorize(header: str, rule: Authorizer, key_of: KeyFinder) -> dict[str, Any]:
    """The authorizer's part of an event for an Authorization `header`.

    `key_of` returns the issuer's public key for a key id. Raises Unauthorized, Forbidden,
    and KeysUnavailable if `key_of` does.
    """
    claims = _verified(_SCHEME.sub("", header.strip(), count=1), rule, key_of)
    scopes = _scopes(claims)
    if rule.scopes and not set(scopes) & set(rule.scopes):
        raise Forbidden(f"none of {rule.scopes} in {scopes}")
    texts = {name: _text(value) for name, value in claims.items()}
    return {"claims": texts, "scopes": scopes if rule.scopes else None}


def _verified(token: str, rule: Authorizer, key_of: KeyFinder) -> Claims:
    try:
        key = key_of(jwt.get_unverified_header(token).get("kid", ""))
        if key is None:
            raise Unauthorized("unknown key")
        claims: Claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=rule.issuer,
            options={"require": ["exp", "iss"], "verify_aud": False},
        )
    except jwt.InvalidTokenError as error:
        raise Unauthorized(str(error)) from error
    if not set(_audience(claims)) & set(rule.audience):
        raise Unauthorized("the token is for somebody else")
    return claims


def _audience(claims: Claims) -> list[str]:
    """The audience; Cognito's access tokens have none and name the client instead."""
    audience = claims["aud"] if "aud" in claims else claims.get("client_id")
    return _texts(audience if isinstance(audience, list) else [audience])


def _scopes(claims: Claims) -> list[str]:
    scopes = claims.get("scope") or claims.get("scp")
    return scopes.split() if isinstance(scopes, str) else _texts(scopes)


def _texts(value: Any) -> list[str]:
    """What of a list is text; nothing of what is no list."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    """A claim as a handler gets it: always text, lists as "[a b]"."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(map(_text, value))}]"
    return json.dumps(value)


FRESH_SECONDS = 300  # a key that the issuer withdraws is refused after this time
KEPT_SECONDS = 7200  # for this long the issuer may be down; API Gateway keeps keys as long
PAUSE_SECONDS = 30  # between two fetches, whatever tokens come
TIMEOUT = urllib3.Timeout(connect=3, read=3)
MAX_BYTES = 1024 * 1024
logger = logging.getLogger(__name__)


class _Configuration(BaseModel):
    """What matters here of a discovery document."""

    issuer: str
    jwks_uri: str


class IssuerKeys:
    """Finds the key that a token names: a KeyFinder for one thread."""

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`issuer` is an https:// address, exactly as the tokens give it."""
        self._issuer = issuer
        self._clock = clock
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched = self._tried = float("-inf")

    def __call__(self, key_id: str) -> RSAPublicKey | None:
        """The key or None; raises KeysUnavailable when the issuer has been down."""
        if key_id not in self._keys or self._age() > FRESH_SECONDS:
            self.refresh()
        if self._age() > KEPT_SECONDS:
            raise KeysUnavailable(self._issuer)
        return self._keys.get(key_id)

    def refresh(self) -> None:
        """Fetch the keys, unless that was tried just now; a failure is logged, and waited out."""
        now = self._clock()
        if now - self._tried < PAUSE_SECONDS:
            return
        self._tried = now
        try:
            self._keys = _fetch(self._issuer)
        except (urllib3.exceptions.HTTPError, PyJWTError, ValueError) as error:
            logger.warning("no keys from %s: %s", self._issuer, error)
        else:
            self._fetched = now

    def _age(self) -> float:
        return self._clock() - self._fetched


def _fetch(issuer: str) -> dict[str, RSAPublicKey]:
    """The issuer's RSA keys by their ids; raises HTTPError, PyJWTError, ValueError."""
    with urllib3.PoolManager(retries=False, timeout=TIMEOUT) as http:
        address = f"{issuer.removesuffix('/')}/.well-known/openid-configuration"
        found = _Configuration.model_validate(_get(http, address))
        if found.issuer != issuer:
            raise ValueError(f"{address} is of another issuer, {found.issuer}")
        keys = PyJWKSet.from_dict(_get(http, found.jwks_uri)).keys
    signing = {
        each.key_id: each.key
        for each in keys
        if each.key_id and each.public_key_use in ("sig", None)
    }
    return {name: key for name, key in signing.items() if isinstance(key, RSAPublicKey)}


def _get(http: urllib3.PoolManager, url: str) -> dict[str, Any]:
    """The JSON object at `url`."""
    if not url.startswith("https://"):
        raise ValueError(f"{url} is no https:// address")
    answer = http.request("GET", url, redirect=False, preload_content=False)
    body = answer.read(MAX_BYTES + 1)
    if answer.status != 200 or len(body) > MAX_BYTES:
        raise ValueError(f"{url} answers {answer.status} with {len(body)} bytes")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError(f"{url} holds no JSON object")  # noqa: TRY004 - it is what was received
    return document
