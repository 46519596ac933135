"""The API's writing half. Every route needs an editor's verified token."""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response as PowertoolsResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from sheaf import settings, slugs, telemetry
from sheaf.http import documents, identity, problems, responses
from sheaf.http.conditions import version_etag
from sheaf.http.identity import Identity, Role
from sheaf.http.representations import Drafts, PageLease, PageWithBody, Preview, answers
from sheaf.http.resolver import Api, reply, send
from sheaf.pages import drafts, edit_leases, editing
from sheaf.sharding import shards
from writes.inputs import (
    Condition,
    LeaseFence,
    LeaseInput,
    PageInput,
    PreviewInput,
    lease_fence,
    precondition,
)

logger = telemetry.logger()

_NO_STORE = {"cache-control": "no-store"}

_SAVED = {
    **answers(PageWithBody, "The page was changed"),
    **answers(PageWithBody, "The page was created", 201),
}
_DELETED: dict[int, Any] = {204: {"description": "The page was deleted"}}
_LEASED = {
    **answers(PageLease, "Your edit lease was renewed"),
    **answers(PageLease, "The edit lease is yours now", 201),
}
_GIVEN_UP: dict[int, Any] = {204: {"description": "Nobody holds the edit lease any more"}}


def _editor(event: Mapping[str, Any]) -> Identity:
    return identity.identify(event, settings.current()).require(Role.EDITOR)


api = Api(guard=_editor)


@telemetry.faults_are_logged
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The answer to one request."""
    return api.resolve(event, context)


@api.put("/api/pages/<slug>", summary="Create or change a page", responses=_SAVED, tags=["pages"])
def put_page(
    slug: str,
    page: PageInput,
    if_match: Condition = None,
    if_none_match: Condition = None,
    sheaf_lease: LeaseFence = None,
) -> PowertoolsResponse[str]:
    """Create a page (`If-None-Match: *`) or change the version you read (`If-Match: "v3"`)."""
    author = api.admitted.handle
    slug = slugs.parse_quoted(slug)
    content = editing.compose(slug, page.body, page.title, page.tags)
    saved = editing.put(
        slug,
        precondition(if_match, if_none_match),
        author,
        page.comment,
        content,
        document=documents.entry,
        lease=lease_fence(sheaf_lease),
        time_left=_time_left(),
    )
    headers = {"etag": version_etag(saved.page.version), **_NO_STORE}
    if not saved.created:
        return reply(PageWithBody.of(saved.page), HTTPStatus.OK, headers)
    headers["location"] = f"/api/pages/{quote(slug)}"
    return reply(PageWithBody.of(saved.page), HTTPStatus.CREATED, headers)


@api.delete("/api/pages/<slug>", summary="Delete a page", responses=_DELETED, tags=["pages"])
def delete_page(
    slug: str, if_match: Condition = None, sheaf_lease: LeaseFence = None
) -> PowertoolsResponse[str]:
    """Delete the version you read; its history stays, and a later page goes on counting."""
    author = api.admitted.handle
    slug = slugs.parse_quoted(slug)
    saved = editing.remove(
        slug,
        precondition(if_match, None),
        author,
        document=documents.entry,
        lease=lease_fence(sheaf_lease),
        time_left=_time_left(),
    )
    headers = {"etag": version_etag(saved.page.version), **_NO_STORE}
    return send(responses.Response(HTTPStatus.NO_CONTENT, headers))


def _time_left() -> float:
    """Seconds until this invocation ends."""
    return float(api.lambda_context.get_remaining_time_in_millis()) / 1000


@api.post(
    "/api/previews",
    summary="Render a text without saving it",
    responses=answers(Preview, "What it would look like"),
    tags=["pages"],
)
def preview(text: PreviewInput) -> PowertoolsResponse[str]:
    """The HTML, title and tags that a page with this text would have."""
    content = editing.compose(slugs.parse(text.slug), text.body)
    return reply(Preview(content.html, content.title, list(content.tags)), headers=_NO_STORE)


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
    "/api/drafts/<slug>",
    summary="Your texts that could not be saved",
    responses=answers(Drafts, "Your drafts of the page"),
    tags=["leases"],
)
def list_drafts(slug: str) -> PowertoolsResponse[str]:
    """What you wanted to save when your edit lease had been taken over, the newest first."""
    author = api.admitted.handle
    slug = slugs.parse_quoted(slug)
    return reply(Drafts(shards.read(slug, drafts.of_page, author)), headers=_NO_STORE)
