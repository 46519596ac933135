"""What several routes share: parameters in the address, and addresses made of them."""

from typing import Annotated
from urllib.parse import quote, unquote, urlencode

from aws_lambda_powertools.event_handler import Response as PowertoolsResponse
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from sheaf.http import problems
from sheaf.pages import lookups
from sheaf.pages.lists import MAX_LIMIT
from sheaf.pages.revisions import Revision
from sheaf.paging import MAX_DEPTH

Answer = PowertoolsResponse[str]

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items at most")]
Cursor = Annotated[str | None, Query(max_length=2000, description="`next` or `prev` of a page")]
PageNumber = Annotated[
    int | None, Query(ge=1, description=f"A page by its number, up to item {MAX_DEPTH:,} of a list")
]
PerPage = Annotated[
    int | None, Query(ge=1, le=MAX_LIMIT, description="How many items a page has, as `limit`")
]
Partial = Annotated[
    bool,
    Query(description="1: leave out what a database that is down has, instead of answering 503"),
]
Words = Annotated[str, Query(min_length=1, max_length=200, pattern="^[^\\x00]*$")]
Few = Annotated[int, Query(ge=1, le=100, description="How many items at most")]
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
