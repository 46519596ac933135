"""What clients send: validated before anything else looks at it."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sheaf.rendering.source import MAX_TAG, MAX_TAGS, MAX_TITLE

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
