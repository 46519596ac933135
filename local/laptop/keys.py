"""The local issuer's RSA key, kept in the state directory."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from local.laptop import state
from local.laptop.state import StateError


@dataclass(frozen=True)
class SigningKey:
    """A private key and the id that tokens name it by."""

    private: rsa.RSAPrivateKey
    id: str

    @property
    def public(self) -> rsa.RSAPublicKey:
        """The key that verifies."""
        return self.private.public_key()

    def jwk(self) -> dict[str, Any]:
        """The public key as a JSON Web Key."""
        key = RSAAlgorithm.to_jwk(self.public, as_dict=True)
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id} | {
            name: key[name] for name in ("n", "e")
        }


def load(home: Path) -> SigningKey:
    """The key kept in `home`, made at the first call; safe among several processes.

    Raises StateError if something else is there.
    """
    path = state.private(home) / "issuer.pem"
    pem = state.kept(path, _generate)
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None  # no PEM, one with a password, or of an algorithm that is not there
    if not isinstance(private, rsa.RSAPrivateKey):
        raise StateError(f"SHEAF_HOME: {path} holds no RSA key in PEM; removed, it is made again")
    return SigningKey(private, _identify(private.public_key()))


def _generate() -> bytes:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _identify(public: rsa.RSAPublicKey) -> str:
    encoded = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(encoded).hexdigest()[:16]
