"""The same lists as HTML, for people."""

from dataclasses import asdict
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from listing import diffs, lists, lookups
from listing.answering import Answer, address
from listing.lists import DEFAULT_HITS, DEFAULT_LIMIT, Filters
from listing.parameters import Cursor, FromVersion, ToVersion, Version
from sheaf import slugs
from sheaf.http import documents, problems, responses
from sheaf.http.representations import Listed
from sheaf.http.resolver import send
from sheaf.paging import Part
from sheaf.rendering import markdown, source, templates

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]


@router.get("/-/recent", include_in_schema=False)
def recent(cursor: Cursor = None) -> Answer:
    """The pages, the last changed first."""
    listed = lists.all_pages(Filters(), "updated", None, Part(DEFAULT_LIMIT, cursor))
    return _document("recent.html", **_around(listed))


@router.get("/-/tree", include_in_schema=False)
def top(cursor: Cursor = None) -> Answer:
    """The pages and folders at the top."""
    return _folder("", cursor)


@router.get("/-/tree/<slug>", include_in_schema=False)
def folder(slug: str, cursor: Cursor = None) -> Answer:
    """The pages and folders in a folder."""
    return _folder(slugs.parse_quoted_folder(slug), cursor)


def _folder(slug: str, cursor: str | None) -> Answer:
    listed = lists.below(slug, Part(DEFAULT_LIMIT, cursor))
    return _document("tree.html", slug=slug, **_around(listed))


@router.get("/-/users", include_in_schema=False)
def people(cursor: Cursor = None) -> Answer:
    """Everybody who edited."""
    listed = lists.all_users("handle", Part(DEFAULT_LIMIT, cursor))
    return _document("users.html", **_around(listed))


@router.get("/-/users/<handle>", include_in_schema=False)
def person(handle: str) -> Answer:
    """Somebody, and the pages last edited by them."""
    user = lookups.find_user(handle)
    by_them = Filters(author=handle)
    items = lists.all_pages(by_them, "updated", None, Part(DEFAULT_LIMIT)).items
    if user is None and not items:
        raise problems.not_found("edit by such a user")
    return _document("user.html", handle=handle, user=user, items=items)


@router.get("/-/search", include_in_schema=False)
def search(
    q: Annotated[str, Query(max_length=200, pattern="^[^\\x00]*$")] = "", cursor: Cursor = None
) -> Answer:
    """A form, and what it found."""
    found = lists.hits(q, Part(DEFAULT_HITS, cursor))
    return _document("search.html", q=q.strip(), problem=None, **_around(found))


@router.get("/-/history/<slug>", include_in_schema=False)
def history(slug: str, version: Version = None, cursor: Cursor = None) -> Answer:
    """The versions of a page, or one of them as it was."""
    slug = slugs.parse_quoted(slug)
    page = lookups.history(slug)
    if version is None:
        listed = lists.page_revisions(slug, Part(DEFAULT_LIMIT, cursor))
        return _document("history.html", page=page, **_around(listed))
    found = lookups.revision(slug, version)
    html = markdown.render(source.parse(found.body).text, slug).html
    return _document("revision.html", page=page, revision={**asdict(found), "html": html})


@router.get("/-/diff/<slug>", include_in_schema=False)
def difference(slug: str, from_version: FromVersion = None, to_version: ToVersion = None) -> Answer:
    """What changed between two versions of a page."""
    slug = slugs.parse_quoted(slug)
    page = lookups.history(slug)
    before, after = lookups.two_revisions(slug, from_version, to_version)
    hunks = diffs.hunks(before, after)
    return _document("diff.html", page=page, before=before, after=after, hunks=hunks)


@router.get("/-/backlinks/<slug>", include_in_schema=False)
def backlinks(slug: str, cursor: Cursor = None) -> Answer:
    """The pages that link to a page."""
    slug = slugs.parse_quoted(slug)
    listed = lists.backlinks(slug, Part(DEFAULT_LIMIT, cursor))
    return _document("backlinks.html", slug=slug, **_around(listed))


def _around(listed: Listed[Any]) -> dict[str, object]:
    event = router.current_event
    return {
        "items": listed.items,
        "next_url": address(event, listed.next) if listed.next else None,
        "prev_url": address(event, listed.prev) if listed.prev else None,
    }


def _document(template: str, **context: object) -> Answer:
    body = templates.render(template, site=documents.site(), **context)
    return send(responses.html(body))
