"""The keys of an OpenID Connect issuer: found by discovery, kept for a while, fetched seldom."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import urllib3
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWKSet, PyJWTError
from pydantic import BaseModel

from local.gateway.authorizer import KeysUnavailableError

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
        """*issuer* is an https:// address, exactly as the tokens give it."""
        self._issuer = issuer
        self._clock = clock
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched = self._tried = float("-inf")

    def __call__(self, key_id: str) -> RSAPublicKey | None:
        """Return the key or None; raises KeysUnavailableError when the issuer has been down."""
        if key_id not in self._keys or self._age() > FRESH_SECONDS:
            self.refresh()
        if self._age() > KEPT_SECONDS:
            raise KeysUnavailableError(self._issuer)
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
    """The JSON object at *url*."""
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
