"""A small OpenID Connect issuer for one machine: it signs what it is told, without a password.

Authorization codes are signed tokens themselves, so any worker can redeem one. They are bound to
the PKCE challenge and live for a minute, and nothing remembers that one was used.
"""

import base64
import hashlib
import hmac
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt

from local.gateway.config import CLIENT_ID
from local.laptop import keys

ROLES = ("reader", "editor", "admin")
SCOPE = "sheaf/write"
HANDLE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
TOKEN_LIFETIME = timedelta(hours=8)
CODE_LIFETIME = timedelta(minutes=1)


class IdentityError(ValueError):
    """A handle or role that no user can have; the message is for people."""


class GrantError(ValueError):
    """An authorization code that cannot be redeemed."""


@dataclass(frozen=True)
class Identity:
    """The person who signs in, and the role."""

    handle: str
    role: str

    def __post_init__(self) -> None:
        if not HANDLE.fullmatch(self.handle):
            raise IdentityError(
                "A handle is 1 to 64 lower-case letters, digits, dots, hyphens and underscores,"
                " and begins with a letter or digit."
            )
        if self.role not in ROLES:
            raise IdentityError(f"A role is one of {', '.join(ROLES)}.")


def mint(
    home: Path, issuer: str, handle: str, role: str, lifetime: timedelta = TOKEN_LIFETIME
) -> str:
    """An access token that the local gateway accepts from `handle`.

    `home` is the state directory with the key, `issuer` the address of the local issuer.
    Raises IdentityError for an impossible handle or role.
    """
    return access_token(keys.load(home), issuer, Identity(handle, role), lifetime)


def access_token(
    key: keys.SigningKey, issuer: str, person: Identity, lifetime: timedelta = TOKEN_LIFETIME
) -> str:
    """An access token for `person` with the claims that Cognito's have."""
    claims = {
        "sub": person.handle,
        "client_id": CLIENT_ID,
        "aud": CLIENT_ID,
        "token_use": "access",
        "username": person.handle,
        "cognito:groups": [person.role],
        "scope": SCOPE,
    }
    return _sign(key, issuer, claims, lifetime)


def mint_code(
    key: keys.SigningKey, issuer: str, session: str, challenge: str, redirect_uri: str
) -> str:
    """An authorization code for whose `session` this is, bound to a PKCE S256 `challenge`."""
    claims = {
        "sub": session,
        "aud": _code_audience(issuer),
        "challenge": challenge,
        "redirect_uri": redirect_uri,
    }
    return _sign(key, issuer, claims, CODE_LIFETIME)


def redeem_code(
    key: keys.SigningKey, issuer: str, code: str, verifier: str, redirect_uri: str
) -> str:
    """The session that `code` was made for; raises GrantError unless all of it fits."""
    try:
        claims = jwt.decode(
            code, key.public, algorithms=["RS256"], issuer=issuer, audience=_code_audience(issuer)
        )
    except jwt.InvalidTokenError as error:
        raise GrantError("The code is not valid or has expired.") from error
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode()
    if not hmac.compare_digest(digest.rstrip("=").encode(), claims["challenge"].encode()):
        raise GrantError("The code verifier does not fit the code.")
    if claims["redirect_uri"] != redirect_uri:
        raise GrantError("The redirect_uri is not the one the code was made for.")
    session: str = claims["sub"]
    return session


def _code_audience(issuer: str) -> str:
    return f"{issuer}/token"  # so that the gateway never takes a code for an access token


def _sign(key: keys.SigningKey, issuer: str, claims: dict[str, Any], lifetime: timedelta) -> str:
    now = datetime.now(UTC)
    stamped = claims | {"iss": issuer, "iat": now, "exp": now + lifetime, "jti": str(uuid.uuid4())}
    return jwt.encode(stamped, key.private, algorithm="RS256", headers={"kid": key.id})
