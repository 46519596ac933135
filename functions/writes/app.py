"""The API's writing half. Every route needs an editor's verified token."""

import time
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from aws_lambda_powertools.event_handler import Response as PowertoolsResponse
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from sheaf import settings, slugs, telemetry
from sheaf.http import documents, identity, problems, responses
from sheaf.http.conditions import version_etag
from sheaf.http.identity import Identity, Role
from sheaf.http.problems import Problem
from sheaf.http.representations import (
    DraftItems,
    Drafts,
    PageLease,
    Preview,
    SavedItem,
    SavedItems,
    SavedPage,
    answers,
    refusals,
)
from sheaf.http.resolver import Api, reply, send
from sheaf.pages import (
    aliases,
    batches,
    destinations,
    drafts,
    edit_leases,
    editing,
    lookups,
    merging,
    presence,
    restoring,
)
from sheaf.pages.drafts import DraftItem
from sheaf.pages.errors import OtherFile, Redirected
from sheaf.pages.idempotency import Key
from sheaf.pages.merging import Merge
from sheaf.pages.presence import Presence
from sheaf.pages.saves import Content
from sheaf.rendering import articles, source
from sheaf.sharding import shards
from sheaf.slugs import BadSlug
from writes.inputs import (
    BatchInput,
    DraftInput,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    LeaseFence,
    LeaseInput,
    MergeInput,
    MoveInput,
    NextVersion,
    PageInput,
    PresenceInput,
    PreviewInput,
    RestoreInput,
    TabName,
    file_of,
    key_of,
    lease_fence,
    precondition,
)

logger = telemetry.logger()

_NO_STORE = {"cache-control": "no-store"}

_SAVED = {
    **answers(SavedPage, "The page was changed"),
    **answers(SavedPage, "The page was created", 201),
    **refusals(404, 409, 412, 423, 428),
}
_DELETED: dict[int, Any] = {
    204: {"description": "The page was deleted"},
    **refusals(404, 409, 410, 412, 423, 428),
}
_MOVED = {
    **answers(SavedPage, "The page is at its new slug", 201),
    **refusals(404, 409, 410, 412, 423),
}
_CHANGED = {
    **answers(SavedItems, "All changes were made", 201),
    **refusals(404, 409, 410, 412, 423, 428),
}
_LEASED = {
    **answers(PageLease, "Your edit lease was renewed"),
    **answers(PageLease, "The edit lease is yours now", 201),
    **refusals(423),
}
_GIVEN_UP: dict[int, Any] = {
    204: {"description": "You do not hold the edit lease any more"},
    **refusals(404),
}

_FORGOTTEN: dict[int, Any] = {204: {"description": "They are not there any more"}}
_LEFT: dict[int, Any] = {204: {"description": "Your mark is not there any more"}}


def _editor(event: Mapping[str, Any]) -> Identity:
    return identity.identify(event, settings.current()).require(Role.EDITOR)


api = Api(guard=_editor)


@telemetry.faults_are_logged
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The answer to one request, with how long it took: programs that send many pages go by it."""
    begun = time.perf_counter()
    answer = api.resolve(event, context)
    milliseconds = (time.perf_counter() - begun) * 1000
    answer["headers"]["server-timing"] = f"work;dur={milliseconds:.1f}"
    return answer


@api.put("/api/pages/<slug>", summary="Create or change a page", responses=_SAVED, tags=["pages"])
def put_page(
    slug: str,
    page: NextVersion,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
    sheaf_lease: LeaseFence = None,
    idempotency_key: IdempotencyKey = None,
) -> PowertoolsResponse[str]:
    """Create a page (`If-None-Match: *`) or change the version you read (`If-Match: "v3"`).

    What it is to hold is sent along, or named as a version that there was, to be restored.
    """
    key = _key(idempotency_key, "PUT", page, if_match, if_none_match, sheaf_lease)
    author = api.admitted.handle
    slug = slugs.parse_quoted(slug)
    if if_none_match is not None:
        slugs.check_new(slug)
    condition, lease = precondition(if_match, if_none_match), lease_fence(sheaf_lease)
    file = file_of(slug, page.file)
    saved = editing.repeated(slug, key) if key else None
    if not saved:
        if lease is None:  # or the text is to be kept
            editing.refuse_early(slug, condition)
        put = partial(
            editing.put,
            slug,
            condition,
            author,
            page.comment,
            document=documents.saved,
            origin=page.origin or "",
            file=file,
            lease=lease,
            key=key,
        )
        try:
            saved = put(_content(slug, page, file), time_left=_time_left())
        except OtherFile as other:
            saved = put(_content(slug, page, other.file), time_left=_time_left())
    headers = {"etag": version_etag(saved.page.version), **_NO_STORE}
    answer = SavedPage.with_warnings(saved.page, saved.warnings)
    if not saved.is_new:
        return reply(answer, HTTPStatus.OK, headers)
    headers["location"] = f"/api/pages/{quote(slug)}"
    return reply(answer, HTTPStatus.CREATED, headers)


def _content(slug: str, page: PageInput | RestoreInput, file: str | None) -> Content:
    if not isinstance(page, RestoreInput):
        content = editing.compose(slug, page.body, page.title, page.tags, file)
    else:
        kept = page.restore
        kept_at = slug if kept.slug is None else slugs.parse(kept.slug)
        content = restoring.content(slug, kept_at, kept.version, file)
    return aliases.warned(slug, content, file)


@api.delete("/api/pages/<slug>", summary="Delete a page", responses=_DELETED, tags=["pages"])
def delete_page(
    slug: str,
    if_match: IfMatch = None,
    sheaf_lease: LeaseFence = None,
    idempotency_key: IdempotencyKey = None,
) -> PowertoolsResponse[str]:
    """Delete the version you read; its history stays, and a later page goes on counting."""
    key = _key(idempotency_key, "DELETE", if_match, sheaf_lease)
    author = api.admitted.handle
    slug = slugs.parse_quoted(slug)
    condition, lease = precondition(if_match, None), lease_fence(sheaf_lease)
    saved = editing.repeated(slug, key) if key else None
    saved = saved or editing.remove(
        slug,
        condition,
        author,
        document=documents.saved,
        lease=lease,
        key=key,
        time_left=_time_left(),
    )
    headers = {"etag": version_etag(saved.page.version), **_NO_STORE}
    return send(responses.Response(HTTPStatus.NO_CONTENT, headers))


def _key(header: str | None, method: str, *request: str | BaseModel | None) -> Key | None:
    return None if header is None else key_of(header, api.admitted.handle, method, *request)


def _time_left() -> float:
    """Seconds until this invocation ends."""
    return float(api.lambda_context.get_remaining_time_in_millis()) / 1000


@api.post("/api/moves", summary="Move a page", responses=_MOVED, tags=["pages"])
def post_move(wanted: MoveInput, idempotency_key: IdempotencyKey = None) -> PowertoolsResponse[str]:
    """Move a page with its id, tags and drafts to another slug. The old slug leads there."""
    saved = batches.move(
        wanted.change(),
        api.admitted.handle,
        document=documents.saved_at,
        key=_key(idempotency_key, "POST /api/moves", wanted),
        time_left=_time_left(),
    )
    answer = SavedPage.with_warnings(saved.page, saved.warnings)
    headers = {"etag": version_etag(saved.page.version), **_NO_STORE}
    headers["location"] = f"/api/pages/{quote(saved.page.slug)}"
    return reply(answer, HTTPStatus.CREATED, headers)


@api.post(
    "/api/batches",
    summary="Change several pages, all or none",
    responses=_CHANGED,
    tags=["pages"],
)
def post_batch(
    wanted: BatchInput, idempotency_key: IdempotencyKey = None
) -> PowertoolsResponse[str]:
    """Create, change, delete and move up to 100 pages. Either all of it is done or nothing."""
    changes = batches.each(lambda each: each.change(), wanted.changes, BadSlug, Problem)
    done = batches.carry_out(
        changes,
        api.admitted.handle,
        document=documents.saved_at,
        key=_key(idempotency_key, "POST /api/batches", wanted),
        time_left=_time_left(),
    )
    items = [SavedItem.of(saved.page, saved.warnings) for saved in done]
    return reply(SavedItems(items), HTTPStatus.CREATED, _NO_STORE)


@api.post(
    "/api/previews",
    summary="Render a text without saving it",
    responses=answers(Preview, "What it would look like"),
    tags=["pages"],
)
def preview(text: PreviewInput) -> PowertoolsResponse[str]:
    """The HTML, title, tags and language that a page with this text would have, and warnings.

    Links that lead to no page have the class `missing`.
    """
    slug = slugs.parse(text.slug)
    file = file_of(slug, text.file)
    content = editing.compose(slug, text.body, file=file)
    article = articles.of_stored(content.html, content.body, content.title)
    html = destinations.shown(article, slug, file or "")
    said = source.parse(content.body).metadata
    names = content.title, list(content.tags)
    lang = said.lang or settings.current().lang or None
    seen = Preview(html, *names, lang, said.direction, list(content.warnings))
    return reply(seen, headers=_NO_STORE)


@api.post(
    "/api/merges/<slug>",
    summary="Merge a text into a page without saving it",
    responses={**answers(Merge, "Both changes as one text"), **refusals(308, 404, 410)},
    tags=["pages"],
)
def merge(slug: str, text: MergeInput) -> PowertoolsResponse[str]:
    """What you made of an old version, with what others have made of the page since.

    To save it, send the answer's entity tag along. Where a conflict is you have to decide.
    """
    slug = slugs.parse_quoted(slug)
    try:
        merged = merging.merge(slug, text.base, text.body)
    except Redirected as error:
        raise problems.moved(error, "/api/merges") from None
    return reply(merged, headers={"etag": version_etag(merged.version), **_NO_STORE})


@api.put(
    "/api/leases/<slug>",
    summary="Take or renew an edit lease",
    responses=_LEASED,
    tags=["leases"],
)
def put_lease(slug: str, wanted: LeaseInput | None = None) -> PowertoolsResponse[str]:
    """Say that you are editing a page: others cannot save it until your time is up."""
    holder = api.admitted.handle
    slug, wanted = slugs.parse_quoted(slug), wanted or LeaseInput()
    length = timedelta(seconds=wanted.seconds)
    lease, is_new = shards.write(slug, edit_leases.take, holder, length, take_over=wanted.take_over)
    held = PageLease.of(slug, lease)
    if not is_new:
        return reply(held, HTTPStatus.OK, _NO_STORE)
    headers = {**_NO_STORE, "location": f"/api/leases/{quote(slug)}"}
    return reply(held, HTTPStatus.CREATED, headers)


@api.delete(
    "/api/leases/<slug>",
    summary="Give up an edit lease",
    responses=_GIVEN_UP,
    tags=["leases"],
)
def delete_lease(slug: str) -> PowertoolsResponse[str]:
    """Say that you are not editing the page any more."""
    holder = api.admitted.handle
    slug = slugs.parse_quoted(slug)
    if not shards.write(slug, edit_leases.give_up, holder):
        raise problems.not_found(f"edit lease on {slug}")
    return send(responses.Response(HTTPStatus.NO_CONTENT, _NO_STORE))


@api.get(
    "/api/drafts",
    summary="Your texts that are not saved",
    responses=answers(DraftItems, "Your drafts"),
    tags=["drafts"],
)
def list_all_drafts() -> PowertoolsResponse[str]:
    """Your newest drafts of all pages, without their texts."""
    return reply(DraftItems(drafts.of_author(api.admitted.handle)), headers=_NO_STORE)


@api.get(
    "/api/drafts/<slug>",
    summary="Your texts of a page that are not saved",
    responses=answers(Drafts, "Your drafts of the page"),
    tags=["drafts"],
)
def list_drafts(slug: str) -> PowertoolsResponse[str]:
    """What you have typed, and what you wanted to save when your edit lease had been taken over.

    The newest is the first.
    """
    author = api.admitted.handle
    slug = _where_it_is(slug)
    return reply(Drafts(shards.read(slug, drafts.of_page, author)), headers=_NO_STORE)


@api.put(
    "/api/drafts/<slug>",
    summary="Keep a text while you type it",
    responses=answers(DraftItem, "Your draft"),
    tags=["drafts"],
)
def put_draft(slug: str, typed: DraftInput) -> PowertoolsResponse[str]:
    """Keep what you have typed, in the place of the draft that you name. Other drafts stay.

    That of a page which has moved is kept where the page is now, as the answer says.
    """
    author = api.admitted.handle
    slug = _where_it_is(slug)
    kept = shards.write(slug, drafts.autosave, author, typed.typed())
    return reply(kept, headers=_NO_STORE)


@api.delete(
    "/api/drafts/<slug>", summary="Discard your drafts", responses=_FORGOTTEN, tags=["drafts"]
)
def delete_drafts(
    slug: str,
    id: Annotated[UUID | None, Query()] = None,  # noqa: A002 - as the answers call it
) -> PowertoolsResponse[str]:
    """Discard your drafts of a page, or with `id` one of them."""
    author = api.admitted.handle
    shards.write(_where_it_is(slug), drafts.forget, author, id)
    return send(responses.Response(HTTPStatus.NO_CONTENT, _NO_STORE))


def _where_it_is(slug: str) -> str:
    """The slug of a page that may have moved: its drafts went along."""
    return lookups.destination(slugs.parse_quoted(slug))


@api.put(
    "/api/presence/<slug>",
    summary="Say that you are editing, and hear who else is",
    responses=answers(Presence, "Who else is"),
    tags=["presence"],
)
def put_presence(slug: str, here: PresenceInput) -> PowertoolsResponse[str]:
    """Mark yourself as editing a page, for a minute. It keeps nobody from anything."""
    slug = slugs.parse_quoted(slug)
    found = presence.mark(slug, api.admitted.handle, here.tab)
    return reply(found, headers=_NO_STORE)


@api.delete(
    "/api/presence/<slug>",
    summary="Say that you have stopped editing",
    responses=_LEFT,
    tags=["presence"],
)
def delete_presence(slug: str, tab: Annotated[TabName, Query()]) -> PowertoolsResponse[str]:
    """Take your mark away, in this tab."""
    presence.unmark(slugs.parse_quoted(slug), api.admitted.handle, tab)
    return send(responses.Response(HTTPStatus.NO_CONTENT, _NO_STORE))
