"""What several routes share: parameters in the address, and addresses made of them."""

from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote, urlencode

from aws_lambda_powertools.event_handler import Response as PowertoolsResponse
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent
from pydantic import AfterValidator, BaseModel, Field

from sheaf import slugs, texts
from sheaf.pages.lists import DEFAULT_HITS, DEFAULT_LIMIT, MAX_LIMIT
from sheaf.paging import MAX_CURSOR, MAX_DEPTH, PageRequest
from sheaf.slugs import MAX_LENGTH

Answer = PowertoolsResponse[str]

HOW_MANY = "How many items at most"
_CURSOR: dict[str, Any] = {"max_length": MAX_CURSOR, "description": "`next` or `prev` of a page"}
Cursor = Annotated[str | None, Query(**_CURSOR)]


class Place(BaseModel):
    """Which page of a list: its items from a cursor on."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description=HOW_MANY)] = DEFAULT_LIMIT
    cursor: Annotated[str | None, Field(**_CURSOR)] = None

    @property
    def wanted(self) -> PageRequest:
        """What the list is asked for; raises BadPage."""
        return PageRequest(self.limit, self.cursor)


class HitsPlace(Place):
    """The same of a search, which shows fewer."""

    limit: Annotated[int, Field(ge=1, le=100, description=HOW_MANY)] = DEFAULT_HITS


class NumberedPlace(Place):
    """Which page of a list: from a cursor on, or by its number."""

    page: Annotated[
        int | None,
        Field(ge=1, description=f"A page by its number, up to item {MAX_DEPTH:,} of a list"),
    ] = None
    per_page: Annotated[
        int | None, Field(ge=1, le=MAX_LIMIT, description="How many items a page has, as `limit`")
    ] = None

    @property
    def wanted(self) -> PageRequest:
        """What the list is asked for; raises BadPage."""
        return PageRequest(self.per_page or self.limit, self.cursor, self.page)


Partial = Annotated[
    bool,
    Query(description="1: leave out what a database that is down has, instead of answering 503"),
]
_TYPED: dict[str, Any] = {"min_length": 1, "max_length": 200, "pattern": "^[^\\x00]*$"}
Words = Annotated[str, Query(**_TYPED)]
_SOUGHT = 'Text; more are: `"a phrase"`, `NOT`, `OR`, `in:FOLDER`, `tag:TAG`, `author:NAME`'
Sought = Annotated[str, Query(**_TYPED, description=_SOUGHT)]
Version = Annotated[
    int | None, Query(ge=1, le=2**62, description="One version, with its text, and no list")
]
FromVersion = Annotated[
    int | None,
    Query(ge=1, le=2**62, alias="from", description="With `to`: what changed between two versions"),
]
ToVersion = Annotated[
    int | None, Query(ge=1, le=2**62, alias="to", description="The later one, as a rule")
]
View = Annotated[
    Literal["side"] | None, Query(description="Two texts side by side, and not one below the other")
]


def _as_name(asked: str | None) -> str | None:
    line = asked and texts.line(asked)
    if asked and not line:
        raise ValueError("has nothing that can be seen")
    return line


# Names are looked for as they are kept. Powertools looks at the length after this.
_AS_NAME = AfterValidator(_as_name)
Name = Annotated[str | None, Query(max_length=200), _AS_NAME]
Text = Annotated[
    str | None, Query(max_length=200), AfterValidator(lambda asked: asked and texts.line(asked))
]
Tagged = Annotated[
    str | None, Query(max_length=200, description="Only pages with this tag"), _AS_NAME
]
SavedBy = Annotated[
    str | None,
    Query(max_length=200, description="Only pages whose current version is by this user"),
    _AS_NAME,
]
Folder = Annotated[
    str | None,
    Query(max_length=MAX_LENGTH, description="Only of pages below this folder, such as `guide`"),
]
# "in" is no name in Python.
Within = Annotated[
    str | None,
    Query(
        alias="in",
        max_length=MAX_LENGTH,
        description="Only pages below this folder, such as `guide`, and the one of its name",
    ),
]
Imports = Annotated[bool, Query(description="1: with what was imported, which is left out else")]


def folder_of(asked: str | None) -> str:
    """The folder that is asked for, "" for the whole site; raises BadSlug."""
    name = (asked or "").strip("/")
    return name and slugs.parse_quoted_folder(name.strip("/ "))


def address(event: BaseProxyEvent, cursor: str | None) -> str:
    """The address of the request, at a cursor or the start of its list."""
    query = dict(event.query_string_parameters or {})
    for place in ("cursor", "page"):
        query.pop(place, None)
    if cursor:
        query["cursor"] = cursor
    path = quote(unquote(event.path))
    return f"{path}?{urlencode(query)}" if query else path
