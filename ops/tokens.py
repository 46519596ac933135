"""Tokens for the local site, signed with the key that it keeps in its home folder."""

from datetime import timedelta
from pathlib import Path

from local.laptop import issuer
from local.laptop.state import StateError


class TokenError(Exception):
    """No such token can be made; the message is for people."""


def mint(home: Path, url: str, handle: str, role: str, lifetime: timedelta) -> str:
    """A token that the site at `url` takes for this person's; raises TokenError."""
    # Without this check a key would be made that no running site knows.
    if not (home / "issuer.pem").is_file():
        raise TokenError(
            f"{home} holds no key: start the local site (make run), or set SHEAF_HOME to its own"
        )
    try:
        return issuer.mint(home, f"{url}/-/local", handle, role, lifetime)
    except (issuer.IdentityError, StateError) as error:
        raise TokenError(str(error)) from error
