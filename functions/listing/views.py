"""The same lists as HTML, for people."""

import time
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Any
from urllib.parse import quote, unquote, urlencode

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from listing import days, feeds, versions
from listing.parameters import (
    Answer,
    Cursor,
    Folder,
    FromVersion,
    Imports,
    Name,
    Text,
    ToVersion,
    Version,
    View,
    address,
    folder_of,
)
from sheaf import slugs, texts
from sheaf.http import documents, responses
from sheaf.http.requests import Request
from sheaf.http.resolver import send
from sheaf.pages import addresses, lists, lookups, proposals, searches, similar, tags, tree
from sheaf.pages.errors import Deleted, NotFound, Redirected, Unaddressed
from sheaf.pages.lists import DEFAULT_HITS, DEFAULT_LIMIT, Listed, Listing
from sheaf.pages.lists import Filters as PageFilters
from sheaf.paging import PageRequest
from sheaf.rendering import templates
from sheaf.search import queries
from sheaf.search.queries import Filters
from sheaf.search.statements import MOST_RANKED
from sheaf.slugs import BadSlug

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]

# A folder of no more is shown whole, by title.
_MOST_BY_TITLE = 1000


@router.get("/-/recent", include_in_schema=False)
def recent(
    author: Name = None, folder: Folder = None, imports: Imports = False, cursor: Cursor = None
) -> Answer:
    """What happened to pages, the newest first."""
    author, folder = author or "", folder_of(folder)
    page = _page(lists.changes(folder, author or None, imports=imports), cursor)
    wanted = {"author": author, "folder": folder, "imports": imports}
    return _document("recent.html", **wanted, feed=_feed(folder), **_by_day(page))


@router.get("/-/tree", include_in_schema=False)
def top(cursor: Cursor = None) -> Answer:
    """The pages and folders at the top."""
    return _folder("", cursor)


@router.get("/-/tree/<slug>", include_in_schema=False)
def folder(slug: str, cursor: Cursor = None) -> Answer:
    """The pages and folders in a folder."""
    return _folder(slugs.parse_quoted_folder(slug), cursor)


def _folder(slug: str, cursor: str | None) -> Answer:
    # Of very many the titles cannot be put into an order each time: they come by their names.
    found = None if cursor else tree.look(slug, _MOST_BY_TITLE + 1)
    if found and len(found.entries) <= _MOST_BY_TITLE:
        page = {"path": found.path, "items": found.entries, "next_url": None, "prev_url": None}
    else:
        page = {"path": tree.path(slug), **_page(lists.below(slug), cursor)}
    shown = {"slug": slug, "feed": _feed(slug), "most": _MOST_BY_TITLE}
    return _document("tree.html", **shown, **page)


@router.get("/-/tags", include_in_schema=False)
def tagged(tag: Name = None, cursor: Cursor = None) -> Answer:
    """All tags, or the pages that have one of them."""
    if not tag:
        return _document("tags.html", tags=tags.everything(), most=tags.MOST_COUNTED)
    return _document("tag.html", tag=tag, **_page(lists.all_pages(PageFilters(tag=tag)), cursor))


@router.get("/-/users", include_in_schema=False)
def people(cursor: Cursor = None) -> Answer:
    """Everybody who edited."""
    return _document("users.html", **_page(lists.all_users(), cursor))


@router.get("/-/users/<handle>", include_in_schema=False)
def person(handle: str, imports: Imports = False, cursor: Cursor = None) -> Answer:
    """Somebody, and what they have done."""
    page = _page(lists.changes(author=handle, imports=imports), cursor)
    if not page["items"] and lookups.find_user(handle) is None:
        # Perhaps of an import that was not counted yet.
        everything = lists.changes(author=handle, imports=True)
        if not lists.read(everything, PageRequest(1)).items:
            raise NotFound("edit by such a person")
    return _document("user.html", handle=handle, imports=imports, **_by_day(page))


@router.get("/-/drafts", include_in_schema=False)
def drafts() -> Answer:
    """Where people find their own drafts; its script asks for them."""
    return _document("drafts.html")


@router.get("/-/search", include_in_schema=False)
def search(
    q: Annotated[str, Query(max_length=200, pattern="^[^\\x00]*$")] = "",
    cursor: Cursor = None,
) -> Answer:
    """A form, and what it found."""
    found = searches.find(q, Filters(), PageRequest(DEFAULT_HITS, cursor))
    has_words = not queries.parse(q, operators=False).is_empty
    around = _around(found)
    said = {"meant": found.meant, "optional": found.optional, "ends_early": found.ends_early}
    kinds = groupby(around.pop("items"), attrgetter("matched"))
    parts = [(matched, [*hits]) for matched, hits in kinds]
    shown = {"q": q.strip(), "has_words": has_words, "parts": parts, **said, "most": MOST_RANKED}
    return _document("search.html", **shown, **around)


@router.get("/-/history/<slug>", include_in_schema=False)
def history(slug: str, version: Version = None, cursor: Cursor = None) -> Answer:
    """The versions of a page, or one of them as it was."""
    slug = slugs.parse_quoted(slug)
    if version is not None:
        return versions.version_document(router.current_event, slug, version)
    page = lookups.titled(slug)
    return _document("history.html", page=page, **_page(lists.page_revisions(slug), cursor))


@router.get("/-/current/<slug>", include_in_schema=False)
def current(slug: str) -> Answer:
    """From what is of a version, and never changes, to what is there now: never to a dead end."""
    slug = slugs.parse_quoted(slug)
    is_deleted = lookups.is_deleted(slug)
    there = f"/-/history/{quote(slug)}" if is_deleted else templates.page_path(slug)
    return send(responses.see_other(there, responses.REVALIDATE))


@router.get("/-/source/<slug>", include_in_schema=False)
def source(slug: str, version: Version = None) -> Answer:
    """The Markdown of a version, or of the page as it is."""
    slug = slugs.parse_quoted(slug)
    if version is None:
        lookups.history(slug)
        return send(responses.see_other(f"/{quote(slug)}.md", responses.REVALIDATE))
    return versions.version_source(router.current_event, slug, version)


@router.get("/-/diff/<slug>", include_in_schema=False)
def difference(
    slug: str,
    from_version: FromVersion = None,
    to_version: ToVersion = None,
    view: View = None,
) -> Answer:
    """What changed between two versions of a page; its history, where they are chosen, without."""
    slug = slugs.parse_quoted(slug)
    if from_version is None or to_version is None:
        lookups.history(slug)
        return send(responses.see_other(f"/-/history/{quote(slug)}", responses.REVALIDATE))
    event = router.current_event
    return versions.difference_document(event, slug, from_version, to_version, view)


@router.get("/-/backlinks/<slug>", include_in_schema=False)
def backlinks(slug: str, cursor: Cursor = None) -> Answer:
    """The pages that link to a page."""
    slug = slugs.parse_quoted(slug)
    linking, page = _page(lists.backlinks(slug), cursor), None
    with suppress(NotFound):
        page = lookups.titled(slug)
    return _document("backlinks.html", slug=slug, page=page, **linking)


@router.get("/-/new", include_in_schema=False)
def new(title: Text = None, folder: Text = None) -> Answer:
    """A form for the title of a new page; once it makes a name that is free, the editor."""
    proposal, problem = None, "Give the page a title." if title == "" else None
    try:
        proposal = proposals.propose(title, folder or "") if title else None
    except BadSlug as error:
        problem = str(error)
    if proposal and not proposal.taken and not proposal.alike:
        written = urlencode({"title": title})
        return send(responses.see_other(f"/-/edit/{quote(proposal.slug)}?{written}"))
    shown = {"title": title or "", "folder": folder or ""}
    return _document("new.html", **shown, proposal=proposal, problem=problem)


@router.get("/-/move/<slug>", include_in_schema=False)
def move(slug: str, name: Text = None, folder: Text = None) -> Answer:
    """A form for the new name of a page, and what will come of it; a script does it."""
    slug = slugs.parse_quoted(slug)
    try:
        page = lookups.page(slug)
    except Redirected as moved:
        return send(responses.see_other(f"/-/move/{quote(moved.moved_to)}"))
    except Deleted:
        deleted = documents.deleted(lookups.history(slug))
        return send(responses.of(deleted, Request(router.current_event.raw_event), time.time()))
    linking = lists.read(lists.backlinks(slug), PageRequest(DEFAULT_LIMIT))
    above, _, last = slug.rpartition("/")
    fields = {
        "name": last if name is None else name,
        "folder": above if folder is None else folder,
    }
    links = {"links": len(linking.items), "more": linking.next is not None}
    return _document("move.html", page=page, **fields, **links)


@router.get("/-/similar/<slug>", include_in_schema=False)
def likes(slug: str) -> Answer:
    """The pages that may have been meant by an address where there is none."""
    path = texts.line(unquote(slug), slugs.MAX_LENGTH)
    return _document("similar.html", path=path, words=slugs.words(path), items=similar.to(path))


def _feed(folder: str) -> str | None:
    """The address of a folder's feed, if the site has feeds."""
    try:
        addresses.base()
    except Unaddressed:
        return None
    return feeds.address_of(folder)


def _by_day(page: dict[str, Any]) -> dict[str, object]:
    """A page of a list of events with its days in place of its items."""
    events = page.pop("items")
    return {**page, "days": days.of(events)}


def _page(listing: Listing[Any], cursor: str | None, limit: int = DEFAULT_LIMIT) -> dict[str, Any]:
    return _around(lists.read(listing, PageRequest(limit, cursor)))


def _around(listed: Listed[Any]) -> dict[str, Any]:
    event = router.current_event
    return {
        "items": listed.items,
        "next_url": address(event, listed.next) if listed.next else None,
        "prev_url": address(event, listed.prev) if listed.prev else None,
    }


def _document(template: str, **context: object) -> Answer:
    body = templates.render(template, site=documents.site(), **context)
    return send(responses.html(body))
