"""Identity: who sends a request, as the API's JWT authorizer verified it.

Fails closed: without verified claims nobody is anybody. (SAM's local API passes requests on
without an authorizer, so the absence of claims must mean "not signed in".)
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sheaf.http import problems
from sheaf.pages.users import is_handle
from sheaf.settings import Settings

# As the authorizer takes it: with the scheme (RFC 9110, 11.1: in any case) or the token alone.
_TOKEN = re.compile(r"\s*(?:bearer\s+)?[\w-]+\.([\w-]+)\.[\w-]+\s*", re.ASCII | re.IGNORECASE)


class Role(IntEnum):
    """What somebody may do; each role may do all that the lower ones may."""

    READER = 1
    EDITOR = 2
    ADMIN = 3


# A group of another name is no role, whatever words are in it.
_ROLES = {role.name.lower(): role for role in Role}


@dataclass(frozen=True)
class Identity:
    """A person or script with a verified token."""

    handle: str
    role: Role

    def require(self, role: Role) -> "Identity":
        """This identity, if its role suffices; raises a 403 Problem otherwise."""
        if self.role < role:
            raise problems.forbidden(role.name.lower())
        return self


def identify(event: Mapping[str, Any], settings: Settings) -> Identity:
    """The identity in a payload-2.0 event.

    Raises a 401 Problem when there is none, and a 403 Problem when it has no handle.
    """
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    verified = (authorizer.get("jwt") or {}).get("claims") or {}
    claims = _claims(event) if verified else None
    if claims is None:
        raise problems.unauthenticated()
    handle = claims.get(settings.handle_claim)
    if not isinstance(handle, str) or not is_handle(handle):
        raise problems.bad_handle(settings.handle_claim)
    if verified.get(settings.handle_claim) != handle:
        raise problems.unauthenticated()  # not the token that was verified
    return Identity(handle, _highest_role(claims.get(settings.role_claim)))


def _claims(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """The claims of the token that the authorizer verified, as JSON has them.

    It hands claims over as text, where the groups ["a b"] and ["a", "b"] are both "[a b]".
    """
    headers = event.get("headers") or {}
    header = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    token = _TOKEN.fullmatch(header)
    try:
        claims = json.loads(urlsafe_b64decode(token[1] + "==")) if token else None
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _highest_role(groups: Any) -> Role:
    """The highest role that is the whole name of a group; a text is one name."""
    names = groups if isinstance(groups, list) else [groups]
    roles = (_ROLES.get(name) for name in names if isinstance(name, str))
    return max((role for role in roles if role), default=Role.READER)
