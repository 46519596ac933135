"""API Gateway's JWT authorizer: who a bearer token speaks for."""

import json
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from local.gateway.template import Authorizer

Claims = dict[str, Any]
KeyFinder = Callable[[str], RSAPublicKey | None]


class UnauthorizedError(Exception):
    """There is no token, or it cannot be trusted."""


class ForbiddenError(Exception):
    """The token is genuine but has none of the scopes that the route needs."""


class KeysUnavailableError(Exception):
    """The issuer's keys cannot be had at present, so no token can be checked."""


def authorize(header: str, rule: Authorizer, key_of: KeyFinder) -> dict[str, Any]:
    """Return the authorizer's part of an event for an Authorization *header*.

    *key_of* returns the issuer's public key for a key id. Raises UnauthorizedError, ForbiddenError,
    and KeysUnavailableError if *key_of* does.
    """
    claims = _verified(header.removeprefix("Bearer ").strip(), rule, key_of)
    scopes = _scopes(claims)
    if rule.scopes and not set(scopes) & set(rule.scopes):
        raise ForbiddenError(f"none of {rule.scopes} in {scopes}")
    texts = {name: _text(value) for name, value in claims.items()}
    return {"claims": texts, "scopes": scopes if rule.scopes else None}


def _verified(token: str, rule: Authorizer, key_of: KeyFinder) -> Claims:
    try:
        key = key_of(jwt.get_unverified_header(token).get("kid", ""))
        if key is None:
            raise UnauthorizedError("unknown key")
        claims: Claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=rule.issuer,
            options={"require": ["exp", "iss"], "verify_aud": False},
        )
    except jwt.InvalidTokenError as error:
        raise UnauthorizedError(str(error)) from error
    if not set(_audience(claims)) & set(rule.audience):
        raise UnauthorizedError("the token is for somebody else")
    return claims


def _audience(claims: Claims) -> list[str]:
    """The audience; Cognito's access tokens have none and name the client instead."""
    audience = claims.get("aud") or claims.get("client_id") or []
    return audience if isinstance(audience, list) else [audience]


def _scopes(claims: Claims) -> list[str]:
    scopes = claims.get("scope") or claims.get("scp") or ""
    return scopes if isinstance(scopes, list) else scopes.split()


def _text(value: Any) -> str:
    """A claim as a handler gets it: always text, lists as "[a b]"."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(map(_text, value))}]"
    return json.dumps(value)
