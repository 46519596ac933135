"""The API's reading half, in JSON; people's half is in `views`."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from redis import RedisError
from sqlalchemy import func, select

from listing import feeds, llms, opensearch, sitemaps, versions, views
from listing.parameters import (
    HOW_MANY,
    Answer,
    Folder,
    FromVersion,
    HitsPlace,
    Imports,
    Name,
    NumberedPlace,
    Partial,
    Place,
    SavedBy,
    Sought,
    Tagged,
    Text,
    ToVersion,
    Version,
    Within,
    Words,
    address,
    folder_of,
)
from sheaf import redis_client, settings, slugs, telemetry
from sheaf.database.outages import Unavailable
from sheaf.http import documents, representations, responses
from sheaf.http.conditions import version_etag
from sheaf.http.representations import (
    DatabaseState,
    Difference,
    Health,
    PageLease,
    PageWithBody,
    ServiceState,
    Suggestions,
    answers,
    refusals,
)
from sheaf.http.resolver import Api, reply, send
from sheaf.pages import lists, lookups, proposals, searches, similar, tags
from sheaf.pages.events import Event
from sheaf.pages.lists import (
    Filters as PageFilters,
)
from sheaf.pages.lists import (
    Listed,
    Order,
    Sort,
    State,
    UserSort,
)
from sheaf.pages.proposals import Proposal
from sheaf.pages.reads import PageItem
from sheaf.pages.revisions import Revision, RevisionItem
from sheaf.pages.searches import Found
from sheaf.pages.tags import Tags
from sheaf.pages.tree import Entry
from sheaf.pages.users import User
from sheaf.search.queries import Filters
from sheaf.sharding import scattering

logger = telemetry.logger()

# Proxies refuse answers whose headers are larger than this, all together, in nginx by default.
_LONGEST_LINK = 4096
_NO_STORE = {"cache-control": "no-store"}
_UNCHANGED: dict[int, Any] = {304: {"description": "The reader has it already"}}


api = Api(show=documents.problem)
for router in (views.router, feeds.router, sitemaps.router, llms.router, opensearch.router):
    api.include_router(router)


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
    tag: Name = None,
    author: Name = None,
    prefix: Text = None,
    state: Annotated[State, Query()] = "live",
    sort: Annotated[Sort | None, Query()] = None,
    order: Annotated[Order | None, Query()] = None,
    partial: Partial = False,
) -> Answer:
    """The pages without their text; `Link` headers and cursors lead through the list."""
    wanted = place.wanted
    listing = lists.all_pages(PageFilters(tag, author, prefix, state), sort, order)
    return _listed(lists.read(listing, wanted, partial))


@api.get(
    "/api/pages/<slug>",
    summary="One page",
    responses={**answers(PageWithBody, "The page"), **_UNCHANGED, **refusals(308, 404, 410)},
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
    responses={
        **answers(
            Listed[RevisionItem] | Revision | Difference,
            "The versions; with `version` that one; with `from` and `to` what changed",
        ),
        **_UNCHANGED,
        **refusals(404),
    },
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
        return versions.version(api.current_event, slug, version)
    if from_version is not None or to_version is not None:
        return versions.difference(api.current_event, slug, from_version, to_version)
    wanted = place.wanted
    lookups.history(slug)
    return _listed(lists.read(lists.page_revisions(slug), wanted))


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
    "/api/changes",
    summary="What happened to pages",
    responses=answers(Listed[Event], "The changes"),
    tags=["pages"],
)
def list_changes(
    place: Annotated[NumberedPlace, Query()],
    author: Name = None,
    folder: Folder = None,
    imports: Imports = False,
    partial: Partial = False,
) -> Answer:
    """The changes of all pages, the newest first: what was created, edited, deleted, moved."""
    listing = lists.changes(folder_of(folder), author, imports=imports)
    return _listed(lists.read(listing, place.wanted, partial))


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
    "/api/tags",
    summary="All tags",
    responses=answers(Tags, "The tags"),
    tags=["pages"],
)
def list_tags() -> Answer:
    """The tags of all pages, each with how many have it, of which no more than 100 are counted."""
    return reply(tags.everything())


@api.get(
    "/api/leases/<slug>",
    summary="The edit lease of a page",
    responses={**answers(PageLease, "The edit lease"), **refusals(404)},
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
    "/api/users/<handle>",
    summary="One user",
    responses={**answers(User, "The user"), **refusals(404)},
    tags=["users"],
)
def get_user(handle: str) -> Answer:
    """A user with a count of edits (which follows within a minute)."""
    return reply(lookups.user(handle))


@api.get(
    "/api/search",
    summary="Pages with these words",
    responses=answers(Found, "The pages that were found, the best first"),
    tags=["pages"],
)
def search(
    q: Sought,
    place: Annotated[HitsPlace, Query()],
    folder: Within = None,
    tag: Tagged = None,
    author: SavedBy = None,
    partial: Partial = False,
) -> Answer:
    """The pages that have all words of `q` in some form, by where they have them and how much.

    If there is none, those with something like it: `matched` says what was looked for instead.
    """
    narrowing = Filters(folder_of(folder), tag or "", author or "")
    return _listed(searches.find(q, narrowing, place.wanted, partial))


@api.get(
    "/api/suggestions",
    summary="Pages that a search box may offer",
    responses=answers(Suggestions, "The pages, by title"),
    tags=["pages"],
)
def suggest(
    q: Words, limit: Annotated[int, Query(ge=1, le=100, description=HOW_MANY)] = 10
) -> Answer:
    """The pages whose titles begin with `q`, and then those in whose titles a later word does.

    As in a search, case, accents and what else people do not type make no difference.
    """
    return reply(Suggestions(lookups.suggestions(q, limit)))


@api.get(
    "/api/slugs",
    summary="The slug that a title makes",
    responses=answers(Proposal, "The slug, and whether it is taken"),
    tags=["pages"],
)
def propose(title: Words, folder: Text = None) -> Answer:
    """What a new page with this title would be called in a folder, and what else is free if it is.

    Neither need be spelled as a slug: blanks and signs are mapped.
    """
    return reply(proposals.propose(title, folder or ""))


@api.get(
    "/api/similar/<slug>",
    summary="Pages that may have been meant",
    responses=answers(Suggestions, "The pages, the likeliest first"),
    tags=["pages"],
)
def similar_to(slug: str) -> Answer:
    """Where there is no page: up to ten whose slugs or titles are like what was asked for."""
    return reply(Suggestions(similar.to(unquote(slug))))


@api.get(
    "/api/health",
    summary="Whether the site works",
    responses={**answers(Health, "All is well"), **answers(Health, "Something is not", 503)},
    tags=["site"],
)
def health() -> Answer:
    """200 when the databases and the cache answer, and the databases take changes, else 503."""
    database, cache = _database(), _cache()
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
    return send(responses.Response(HTTPStatus.OK, headers, representations.description()))


def _listed(listed: Listed[Any]) -> Answer:
    """The answer to a request for this page of a list, with the addresses of those around it.

    Where they are too long for a header, the cursors in the body have to do.
    """
    body = asdict(listed)
    if not listed.partial:
        del body["partial"]
    places = {"first": None, "next": listed.next, "prev": listed.prev}
    links = [
        f'<{address(api.current_event, cursor)}>; rel="{rel}"'
        for rel, cursor in places.items()
        if cursor or rel == "first"
    ]
    link = ", ".join(links)
    headers = {"link": link} if len(link) <= _LONGEST_LINK else {}
    return send(responses.json_text(body, headers=headers))


_TAKES_NO_CHANGES = select(
    func.pg_is_in_recovery(), func.current_setting("transaction_read_only") == "on"
)


def _database() -> DatabaseState:
    """The state of that shard which is worst off. They are asked: nothing is written."""
    try:
        states = scattering.rows(_TAKES_NO_CHANGES)
    except Unavailable:
        return "failing"
    recovering, read_only = map(any, zip(*states, strict=True))
    return "in recovery" if recovering else "read-only" if read_only else "ok"


def _cache() -> ServiceState:
    try:
        redis_client.connect(settings.current().cache_url).ping()
    except RedisError:
        return "failing"
    return "ok"
