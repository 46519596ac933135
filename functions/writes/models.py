"""What clients send: validated before anything else looks at it."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_TITLE = 200


def _storable(text: str) -> str:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must be text without NUL characters and lone surrogates")
    return text


Text = Annotated[str, AfterValidator(_storable)]
Tag = Annotated[Text, Field(min_length=1, max_length=100)]


class PageInput(BaseModel):
    """A page's new text. Title and tags come from the text unless they are given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    body: Text
    title: Annotated[Text, Field(min_length=1, max_length=MAX_TITLE)] | None = None
    tags: Annotated[list[Tag], Field(max_length=50)] | None = None
    comment: Annotated[Text, Field(max_length=500)] = ""


class PreviewInput(BaseModel):
    """A text to be rendered and forgotten; `slug` is where its relative links start."""

    model_config = ConfigDict(extra="forbid", strict=True)

    body: Text
    slug: Text = "home"
