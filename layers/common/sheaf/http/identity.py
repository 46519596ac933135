"""Identity: who sends a request, as the API's JWT authorizer verified it.

Fails closed: without verified claims nobody is anybody. (SAM's local API passes requests on
without an authorizer, so the absence of claims must mean "not signed in".)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sheaf.http import problems
from sheaf.pages.users import is_handle
from sheaf.settings import Settings


class Role(IntEnum):
    """What somebody may do; each role may do all that the lower ones may."""

    READER = 1
    EDITOR = 2
    ADMIN = 3


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
    """The identity in a payload-2.0 event; raises a 401 Problem when there is none."""
    authorizer = event.get("requestContext", {}).get("authorizer") or {}
    claims = (authorizer.get("jwt") or {}).get("claims") or {}
    handle = str(claims.get(settings.handle_claim, ""))
    if not is_handle(handle):
        raise problems.unauthenticated()
    return Identity(handle, _highest_role(str(claims.get(settings.role_claim, ""))))


def _highest_role(groups: str) -> Role:
    # API Gateway hands a list claim over as the text "[editor admin]".
    names = groups.strip("[]").replace(",", " ").upper().split()
    return max((Role[name] for name in names if name in Role.__members__), default=Role.READER)
