"""Conditional writes (RFC 9110, 13): the state that a change builds on."""

import re

from sheaf.http import problems
from sheaf.http.validators import ENTITY_TAG
from sheaf.pages.preconditions import Precondition

_VERSION_TAG = re.compile(r'"v([1-9][0-9]{0,17})"')


def precondition(if_match: str | None, if_none_match: str | None) -> Precondition:
    """The precondition in a write's headers.

    Raises a 428 Problem when there is none and a 400 Problem when it cannot be understood.
    """
    if if_match is not None and if_none_match is not None:
        raise problems.bad_request("Send If-Match or If-None-Match, not both.")
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise problems.bad_request("If-None-Match on a write takes only *.")
        return Precondition(None)
    if if_match is None:
        raise problems.precondition_required()
    return Precondition(_versions(if_match))


def _versions(if_match: str) -> frozenset[int]:
    if if_match.strip() == "*":
        raise problems.bad_request('If-Match must name the version read, such as "v3".')
    if not ENTITY_TAG.search(if_match):
        raise problems.bad_request('If-Match holds entity tags in quotes, such as "v3".')
    # A weak or foreign tag is well-formed and matches no version: the answer will be 412.
    tags = (tag.strip() for tag in if_match.split(","))
    return frozenset(int(found[1]) for tag in tags if (found := _VERSION_TAG.fullmatch(tag)))
