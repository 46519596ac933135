"""What several routes share: parameters in the address, and addresses made of them."""

from typing import Annotated, Any
from urllib.parse import quote, unquote, urlencode

from aws_lambda_powertools.event_handler import Response as PowertoolsResponse
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent
from pydantic import BaseModel, Field

from sheaf.http import problems
from sheaf.pages import lookups
from sheaf.pages.lists import DEFAULT_HITS, DEFAULT_LIMIT, MAX_LIMIT
from sheaf.pages.revisions import Revision
from sheaf.paging import MAX_DEPTH, PageRequest

Answer = PowertoolsResponse[str]

HOW_MANY = "How many items at most"
_CURSOR: dict[str, Any] = {"max_length": 2000, "description": "`next` or `prev` of a page"}
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
Words = Annotated[str, Query(min_length=1, max_length=200, pattern="^[^\\x00]*$")]
Version = Annotated[int | None, Query(ge=1, le=2**62)]
FromVersion = Annotated[int | None, Query(ge=1, le=2**62, alias="from")]
ToVersion = Annotated[int | None, Query(ge=1, le=2**62, alias="to")]
Text = Annotated[str | None, Query(max_length=200, pattern="^[^\\x00]*$")]


def two_revisions(slug: str, old: int | None, new: int | None) -> tuple[Revision, Revision]:
    """The versions of a page that `from` and `to` name; raises the Problem of one that does not."""
    if old is None or new is None:
        raise problems.bad_request("Name two versions, ?from=…&to=…")
    return lookups.revision(slug, old), lookups.revision(slug, new)


def address(event: BaseProxyEvent, cursor: str | None) -> str:
    """The address of the request, at a cursor or the start of its list."""
    query = dict(event.query_string_parameters or {})
    for place in ("cursor", "page"):
        query.pop(place, None)
    if cursor:
        query["cursor"] = cursor
    path = quote(unquote(event.path))
    return f"{path}?{urlencode(query)}" if query else path
