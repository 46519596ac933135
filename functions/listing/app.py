"""The API's reading half, in JSON; people's half is in `views`."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from redis import RedisError
from sqlalchemy import text

from listing import views
from listing.parameters import (
    HOW_MANY,
    Answer,
    FromVersion,
    HitsPlace,
    NumberedPlace,
    Partial,
    Place,
    Text,
    ToVersion,
    Version,
    Words,
    address,
    two_revisions,
)
from sheaf import redis_client, settings, slugs, telemetry
from sheaf.database.outages import Unavailable
from sheaf.http import documents, responses
from sheaf.http.conditions import version_etag
from sheaf.http.representations import (
    DESCRIPTION,
    Difference,
    Health,
    PageLease,
    PageWithBody,
    Suggestions,
    answers,
)
from sheaf.http.resolver import Api, reply, send
from sheaf.pages import diffs, lists, lookups
from sheaf.pages.lists import (
    Filters,
    Listed,
    Order,
    Sort,
    State,
    UserSort,
)
from sheaf.pages.reads import PageItem
from sheaf.pages.revisions import Revision, RevisionItem
from sheaf.pages.tree import Entry
from sheaf.pages.users import User
from sheaf.search.statements import Hit
from sheaf.sharding import shards

logger = telemetry.logger()

_NO_STORE = {"cache-control": "no-store"}
_UNCHANGED: dict[int, Any] = {304: {"description": "The reader has it already"}}


def _allowed(path: str) -> str:
    """The methods of an address of the API, or of a view; "" if there is no such address."""
    if path.startswith("/-/"):
        return "GET, HEAD"
    for template, operations in json.loads(_description())["paths"].items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", ".+", re.escape(template)), path):
            methods = [method.upper() for method in operations if method != "get"]
            return ", ".join(["GET", "HEAD", *methods] if "get" in operations else methods)
    return ""


api = Api(show=documents.problem, allowed=_allowed)
api.include_router(views.router)


@telemetry.faults_are_logged
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The answer to one request."""
    return api.resolve(event, context)


@api.get(
    "/api/pages",
    summary="All pages",
    responses=answers(Listed[PageItem], "A page of the list"),
    tags=["pages"],
)
def list_pages(
    place: Annotated[NumberedPlace, Query()],
    tag: Text = None,
    author: Text = None,
    prefix: Text = None,
    state: Annotated[State, Query()] = "live",
    sort: Annotated[Sort | None, Query()] = None,
    order: Annotated[Order | None, Query()] = None,
    partial: Partial = False,
) -> Answer:
    """The pages without their text; `Link` headers and cursors lead through the list."""
    wanted = place.wanted
    listing = lists.all_pages(Filters(tag, author, prefix, state), sort, order)
    return _listed(lists.read(listing, wanted, partial))


@api.get(
    "/api/pages/<slug>",
    summary="One page",
    responses={**answers(PageWithBody, "The page"), **_UNCHANGED},
    tags=["pages"],
)
def get_page(slug: str) -> Answer:
    """A page with its Markdown; its entity tag is what a later change must send back."""
    page = lookups.page(slugs.parse_quoted(slug))
    etag = version_etag(page.version)
    if_none_match = api.current_event.headers.get("if-none-match")
    body = responses.encode(asdict(PageWithBody.of(page)))
    return send(responses.text(body, "application/json", etag, if_none_match, responses.REVALIDATE))


@api.get(
    "/api/revisions/<slug>",
    summary="The versions of a page",
    responses=answers(
        Listed[RevisionItem] | Revision | Difference,
        "The versions, or one with its text, or what changed between two",
    ),
    tags=["pages"],
)
def list_revisions(
    slug: str,
    place: Annotated[NumberedPlace, Query()],
    version: Version = None,
    from_version: FromVersion = None,
    to_version: ToVersion = None,
) -> Answer:
    """The versions, the newest first, without their text.

    With `?version=N` that one with it, and with `?from=M&to=N` what changed between the two.
    """
    slug = slugs.parse_quoted(slug)
    if version is not None:
        return reply(lookups.revision(slug, version))
    if from_version is not None or to_version is not None:
        return reply(_difference(slug, from_version, to_version))
    wanted = place.wanted
    lookups.history(slug)
    return _listed(lists.read(lists.page_revisions(slug), wanted))


def _difference(slug: str, old: int | None, new: int | None) -> Difference:
    before, after = two_revisions(slug, old, new)
    text = diffs.unified(before, after)
    return {"from": before.version, "to": after.version, "diff": text}


@api.get(
    "/api/backlinks/<slug>",
    summary="The pages that link to a page",
    responses=answers(Listed[PageItem], "The pages"),
    tags=["pages"],
)
def list_backlinks(
    slug: str,
    place: Annotated[NumberedPlace, Query()],
    partial: Partial = False,
) -> Answer:
    """The pages with a link to this one, which need not be there, by their slugs."""
    return _listed(lists.read(lists.backlinks(slugs.parse_quoted(slug)), place.wanted, partial))


@api.get(
    "/api/tree",
    summary="The first parts of all slugs",
    responses=answers(Listed[Entry], "The pages and folders"),
    tags=["pages"],
)
def list_top(place: Annotated[Place, Query()], partial: Partial = False) -> Answer:
    """The pages and folders at the top by name; a folder is what slugs begin with before a `/`."""
    return _listed(lists.read(lists.below(""), place.wanted, partial))


@api.get(
    "/api/tree/<slug>",
    summary="What is directly below a folder",
    responses=answers(Listed[Entry], "The pages and folders"),
    tags=["pages"],
)
def list_folder(slug: str, place: Annotated[Place, Query()], partial: Partial = False) -> Answer:
    """The pages and folders in a folder by name, without those that are deeper in it."""
    folder = slugs.parse_quoted_folder(slug)
    return _listed(lists.read(lists.below(folder), place.wanted, partial))


@api.get(
    "/api/leases/<slug>",
    summary="The edit lease of a page",
    responses=answers(PageLease, "The edit lease"),
    tags=["leases"],
)
def get_lease(slug: str) -> Answer:
    """The edit lease that somebody holds on a page at this moment; 404 when nobody does."""
    slug = slugs.parse_quoted(slug)
    return reply(PageLease.of(slug, lookups.lease(slug)), headers=_NO_STORE)


@api.get(
    "/api/users",
    summary="Everybody who edited",
    responses=answers(Listed[User], "The users"),
    tags=["users"],
)
def list_users(
    place: Annotated[NumberedPlace, Query()],
    sort: Annotated[UserSort, Query()] = "handle",
    partial: Partial = False,
) -> Answer:
    """The users by handle or with the most edits first, with how often each has edited."""
    return _listed(lists.read(lists.all_users(sort), place.wanted, partial))


@api.get(
    "/api/users/<handle>", summary="One user", responses=answers(User, "The user"), tags=["users"]
)
def get_user(handle: str) -> Answer:
    """A user with a count of edits (which follows within a minute)."""
    return reply(lookups.user(handle))


@api.get(
    "/api/search",
    summary="Pages with these words",
    responses=answers(Listed[Hit], "The pages found"),
    tags=["pages"],
)
def search(q: Words, place: Annotated[HitsPlace, Query()], partial: Partial = False) -> Answer:
    """The best pages for `q`: words, "a phrase", -without, this or that."""
    return _listed(lists.read(lists.hits(q), place.wanted, partial))


@api.get(
    "/api/suggestions",
    summary="Pages with titles that begin so",
    responses=answers(Suggestions, "The pages, by title"),
    tags=["pages"],
)
def suggest(
    q: Words, limit: Annotated[int, Query(ge=1, le=100, description=HOW_MANY)] = 10
) -> Answer:
    """The pages whose titles begin with `q`, in any case: what a search box may offer."""
    return reply(Suggestions(lookups.suggestions(q, limit)))


@api.get(
    "/api/health",
    summary="Whether the site works",
    responses={**answers(Health, "All is well"), **answers(Health, "Something is not", 503)},
    tags=["site"],
)
def health() -> Answer:
    """200 when the database and the cache answer, else 503."""
    database, cache = _try(_ask_database), _try(_ask_cache)
    if database == cache == "ok":
        return reply(Health("ok", database, cache), headers=_NO_STORE)
    failing = Health("failing", database, cache)
    return reply(failing, HTTPStatus.SERVICE_UNAVAILABLE, _NO_STORE)


@api.get(
    "/api/openapi.json",
    summary="This description",
    responses=answers(dict[str, Any], "OpenAPI 3.1"),
    tags=["site"],
)
def description() -> Answer:
    """The API in OpenAPI 3.1."""
    headers = {"content-type": "application/json", "cache-control": responses.REVALIDATE}
    return send(responses.Response(HTTPStatus.OK, headers, _description()))


@cache
def _description() -> str:
    return DESCRIPTION.read_text(encoding="utf-8")


def _listed(listed: Listed[Any]) -> Answer:
    """The answer to a request for this page of a list, with the addresses of those around it."""
    body = asdict(listed)
    if not listed.partial:
        del body["partial"]
    places = {"first": None, "next": listed.next, "prev": listed.prev}
    links = [
        f'<{address(api.current_event, cursor)}>; rel="{rel}"'
        for rel, cursor in places.items()
        if cursor or rel == "first"
    ]
    return send(responses.json_text(body, headers={"link": ", ".join(links)}))


def _try(ask: Callable[[], object]) -> str:
    try:
        ask()
    except (Unavailable, RedisError):
        return "failing"
    return "ok"


def _ask_database() -> None:
    shards.on(0, lambda connection: connection.execute(text("SELECT 1")))


def _ask_cache() -> None:
    redis_client.connect(settings.current().cache_url).ping()
