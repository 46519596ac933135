"""What clients send to write: bodies and headers, validated before anything else looks at them."""

import re
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sheaf.http import problems
from sheaf.http.conditions import ENTITY_TAG
from sheaf.pages.preconditions import Precondition
from sheaf.rendering.source import MAX_TAG, MAX_TAGS, MAX_TITLE

_VERSION_TAG = re.compile(r'"v([1-9][0-9]{0,17})"')
_FENCE = re.compile(r"[1-9][0-9]{0,17}")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _storable(text: str) -> str:
    if _UNSTORABLE.search(text):
        raise ValueError("must be text without NUL characters and lone surrogates")
    return text


def _line(text: str) -> str:
    if not text.isprintable() or text != " ".join(text.split()):
        raise ValueError("must be one line of printable characters, with single spaces")
    return text


Text = Annotated[str, AfterValidator(_storable)]
Line = Annotated[str, AfterValidator(_line)]
Tag = Annotated[Line, Field(min_length=1, max_length=MAX_TAG)]

Condition = Annotated[str | None, Header()]
LeaseFence = Annotated[str | None, Header(description="The fence of the edit lease you hold")]


class PageInput(BaseModel):
    """A page's new text. Title and tags come from the text unless they are given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    body: Text
    title: Annotated[Line, Field(min_length=1, max_length=MAX_TITLE)] | None = None
    tags: Annotated[list[Tag], Field(max_length=MAX_TAGS)] | None = None
    comment: Annotated[Line, Field(max_length=500)] = ""


class PreviewInput(BaseModel):
    """A text to be rendered and forgotten; `slug` is where its relative links start."""

    model_config = ConfigDict(extra="forbid", strict=True)

    body: Text
    slug: Text = "home"


class LeaseInput(BaseModel):
    """For how many seconds an edit lease is wanted, and whether even from its holder."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seconds: Annotated[int, Field(ge=10, le=3600)] = 120
    take_over: bool = False


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


def lease_fence(header: str | None) -> int | None:
    """The fence in a `Sheaf-Lease` header, None without one; raises a 400 Problem."""
    if header is None:
        return None
    if not _FENCE.fullmatch(header.strip()):
        raise problems.bad_request("Sheaf-Lease holds the fence of an edit lease: a number.")
    return int(header)
