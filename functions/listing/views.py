"""The same lists as HTML, for people."""

from dataclasses import asdict
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from listing.parameters import (
    Answer,
    Cursor,
    FromVersion,
    ToVersion,
    Version,
    address,
    two_revisions,
)
from sheaf import slugs
from sheaf.http import documents, responses
from sheaf.http.resolver import send
from sheaf.pages import diffs, lists, lookups
from sheaf.pages.lists import DEFAULT_HITS, DEFAULT_LIMIT, Filters, Listing
from sheaf.paging import PageRequest
from sheaf.rendering import markdown, source, templates

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]


@router.get("/-/recent", include_in_schema=False)
def recent(cursor: Cursor = None) -> Answer:
    """The pages, the last changed first."""
    return _document("recent.html", **_page(lists.all_pages(Filters()), cursor))


@router.get("/-/tree", include_in_schema=False)
def top(cursor: Cursor = None) -> Answer:
    """The pages and folders at the top."""
    return _folder("", cursor)


@router.get("/-/tree/<slug>", include_in_schema=False)
def folder(slug: str, cursor: Cursor = None) -> Answer:
    """The pages and folders in a folder."""
    return _folder(slugs.parse_quoted_folder(slug), cursor)


def _folder(slug: str, cursor: str | None) -> Answer:
    return _document("tree.html", slug=slug, **_page(lists.below(slug), cursor))


@router.get("/-/users", include_in_schema=False)
def people(cursor: Cursor = None) -> Answer:
    """Everybody who edited."""
    return _document("users.html", **_page(lists.all_users(), cursor))


@router.get("/-/users/<handle>", include_in_schema=False)
def person(handle: str) -> Answer:
    """Somebody, and the pages last edited by them."""
    by_them = lists.all_pages(Filters(author=handle))
    items = lists.read(by_them, PageRequest(DEFAULT_LIMIT)).items
    user = lookups.find_user(handle) if items else lookups.user(handle)
    return _document("user.html", handle=handle, user=user, items=items)


@router.get("/-/search", include_in_schema=False)
def search(
    q: Annotated[str, Query(max_length=200, pattern="^[^\\x00]*$")] = "",
    cursor: Cursor = None,
) -> Answer:
    """A form, and what it found."""
    found = _page(lists.hits(q), cursor, DEFAULT_HITS)
    return _document("search.html", q=q.strip(), problem=None, **found)


@router.get("/-/history/<slug>", include_in_schema=False)
def history(slug: str, version: Version = None, cursor: Cursor = None) -> Answer:
    """The versions of a page, or one of them as it was."""
    slug = slugs.parse_quoted(slug)
    page = lookups.history(slug)
    if version is None:
        versions = _page(lists.page_revisions(slug), cursor)
        return _document("history.html", page=page, **versions)
    found = lookups.revision(slug, version)
    html = markdown.render(source.parse(found.body).text, slug).html
    return _document("revision.html", page=page, revision={**asdict(found), "html": html})


@router.get("/-/diff/<slug>", include_in_schema=False)
def difference(slug: str, from_version: FromVersion = None, to_version: ToVersion = None) -> Answer:
    """What changed between two versions of a page."""
    slug = slugs.parse_quoted(slug)
    page = lookups.history(slug)
    before, after = two_revisions(slug, from_version, to_version)
    hunks = diffs.hunks(before, after)
    return _document("diff.html", page=page, before=before, after=after, hunks=hunks)


@router.get("/-/backlinks/<slug>", include_in_schema=False)
def backlinks(slug: str, cursor: Cursor = None) -> Answer:
    """The pages that link to a page."""
    slug = slugs.parse_quoted(slug)
    return _document("backlinks.html", slug=slug, **_page(lists.backlinks(slug), cursor))


def _page(
    listing: Listing[Any], cursor: str | None, limit: int = DEFAULT_LIMIT
) -> dict[str, object]:
    listed, event = lists.read(listing, PageRequest(limit, cursor)), router.current_event
    return {
        "items": listed.items,
        "next_url": address(event, listed.next) if listed.next else None,
        "prev_url": address(event, listed.prev) if listed.prev else None,
    }


def _document(template: str, **context: object) -> Answer:
    body = templates.render(template, site=documents.site(), **context)
    return send(responses.html(body))
