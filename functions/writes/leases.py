"""Edit leases: taking them, giving them up, and what they mean for a write."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import Connection

from sheaf.http import problems, representations, responses
from sheaf.http.responses import Response
from sheaf.pages import drafts, edit_leases
from sheaf.pages.claims import Claim, ClaimRefused
from sheaf.pages.drafts import Draft
from sheaf.pages.edit_leases import Lease, LeaseHeld
from sheaf.pages.saves import LockLost, Write
from sheaf.sharding import shards
from writes.models import LeaseInput

_FENCE = re.compile(r"[1-9][0-9]{0,17}")
_NO_STORE = {"cache-control": "no-store"}


class LeaseLost(Exception):
    """The lease that a write named is not its author's: `holder` has it, or had it last."""

    def __init__(self, holder: str | None) -> None:
        super().__init__(holder)
        self.holder = holder


def presented(header: str | None) -> int | None:
    """The fence in a `Sheaf-Lease` header, None without one; raises a 400 Problem."""
    if header is None:
        return None
    if not _FENCE.fullmatch(header.strip()):
        raise problems.bad_request("Sheaf-Lease holds the fence of a lease: a number.")
    return int(header)


def check(claim: Claim, author: str, presented: int | None) -> None:
    """Let a write pass that no lease stands against.

    With a lease presented it passes as long as nobody else took that lease, expired or not: then
    LeaseLost is raised. Without one, a live lease of somebody else is a 423 Problem.
    """
    _judge(claim.slug, claim.lease, author, presented)


def _judge(slug: str, lease: Lease | None, author: str, presented: int | None) -> None:
    if presented is not None:
        if lease is None or (lease.holder, lease.fence) != (author, presented):
            raise LeaseLost(lease.holder if lease else None)
    elif lease and lease.seconds_left and lease.holder != author:
        raise _locked(slug, lease)


@contextmanager
def respected(
    connection: Connection, slug: str, write: Write, based_on: int | None, presented: int | None
) -> Iterator[None]:
    """Around a write from claim to save: answers for what a lease did to it.

    A claim that was lost may have been lost to somebody who took the lease meanwhile: that is
    asked once more. A lost lease becomes a 409 Problem, and the text a draft of its author's.
    """
    try:
        try:
            yield
        except (ClaimRefused, LockLost):
            _judge(slug, edit_leases.find(connection, slug), write.author, presented)
            raise
    except LeaseLost as lost:
        draft = _keep(connection, slug, write, based_on)
        raise problems.lease_lost(slug, lost.holder, draft) from lost


@shards.following_moves
def drafts_of(author: str, slug: str) -> list[Draft]:
    """What the author wanted to save when the lease was lost, the newest first."""
    with shards.reading(slug) as connection:
        return drafts.of_author(connection, author, slug)


def _keep(connection: Connection, slug: str, write: Write, based_on: int | None) -> UUID | None:
    if write.state != "live":
        return None
    return drafts.keep(connection, slug, write.author, based_on, write.content, write.comment)


def take(slug: str, holder: str, wanted: LeaseInput) -> Response:
    """Take or renew the lease: 201 or 200; raises the 423 Problem that names another holder."""
    length = timedelta(seconds=wanted.seconds)
    try:
        lease, is_new = _take(slug, holder, length, wanted.take_over)
    except LeaseHeld as held:
        raise _locked(slug, held.lease) from None
    body = representations.lease(slug, lease)
    if not is_new:
        return responses.json_text(body, HTTPStatus.OK, _NO_STORE)
    headers = {**_NO_STORE, "location": f"/api/leases/{quote(slug)}"}
    return responses.json_text(body, HTTPStatus.CREATED, headers)


@shards.following_moves
def _take(slug: str, holder: str, length: timedelta, take_over: bool) -> tuple[Lease, bool]:
    with shards.owning(slug).connect() as connection:
        return edit_leases.take(connection, slug, holder, length, take_over=take_over)


def give_up(slug: str, holder: str) -> Response:
    """End one's own lease: 204; raises a 404 Problem when there is none, or 423."""
    try:
        if not _give_up(slug, holder):
            raise problems.not_found(f"lease on {slug}")
    except LeaseHeld as held:
        raise _locked(slug, held.lease) from None
    return Response(HTTPStatus.NO_CONTENT, _NO_STORE)


@shards.following_moves
def _give_up(slug: str, holder: str) -> bool:
    with shards.owning(slug).connect() as connection:
        return edit_leases.give_up(connection, slug, holder)


def _locked(slug: str, lease: Lease) -> problems.Problem:
    return problems.locked(slug, lease.holder, lease.seconds_left)
