"""Problems: errors that a client can act on, as RFC 9457 problem details."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from redis import RedisError

from sheaf.caching.versioned import NotYet
from sheaf.database.outages import Held, NoRoom, Unavailable, translated
from sheaf.http import responses
from sheaf.http.conditions import version_etag
from sheaf.locks import LockError
from sheaf.pages import errors
from sheaf.pages.edit_leases import LeaseHeld
from sheaf.pages.idempotency import KeyReused
from sheaf.pages.users import HANDLE_RULE
from sheaf.paging import BadCursor, BadPage
from sheaf.slugs import BadSlug


class Problem(Exception):
    """An answer other than success. `name` is stable; `detail` is for people."""

    def __init__(
        self,
        status: HTTPStatus,
        name: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        **members: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def document(self) -> dict[str, object]:
        """The problem details object, extension members included."""
        return {
            "type": f"urn:sheaf:problem:{self.name}",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
            **self.members,
        }


def bad_request(detail: str, name: str = "bad-request") -> Problem:
    """400: the request is malformed."""
    return Problem(HTTPStatus.BAD_REQUEST, name, detail)


def unauthenticated() -> Problem:
    """401: no verified identity came with the request."""
    headers = {"www-authenticate": "Bearer"}
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthenticated", "Sign in to do this.", headers)


def forbidden(role: str) -> Problem:
    """403: the identity is known and its role is too low."""
    return Problem(HTTPStatus.FORBIDDEN, "forbidden", f"This needs the role {role}.")


def bad_handle(claim: str) -> Problem:
    """403: the identity is known and has no name here, so that signing in again does not help."""
    detail = f"The claim {claim} of your token must hold your handle: {HANDLE_RULE}."
    return Problem(HTTPStatus.FORBIDDEN, "bad-handle", detail)


def wrong_door() -> Problem:
    """403: direct access to the origin, and not by way of the site's own CDN."""
    detail = "Ask for this at the site's own address."
    return Problem(HTTPStatus.FORBIDDEN, "wrong-door", detail)


def not_found(what: str) -> Problem:
    """404: there is no such thing."""
    return Problem(HTTPStatus.NOT_FOUND, "not-found", f"There is no {what}.")


def method_not_allowed(allowed: str) -> Problem:
    """405: the address exists, the method does not; `allowed` fills the Allow header."""
    detail = f"This address answers {allowed} only."
    return Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", detail, {"allow": allowed})


def too_large(detail: str) -> Problem:
    """413: what was sent is more than is taken."""
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)


def answer_too_large(limit: int) -> Problem:
    """406: as it was asked for, the answer has more bytes than can be sent."""
    detail = f"This has more than {limit} bytes. Ask for it compressed: Accept-Encoding: br, gzip."
    return Problem(HTTPStatus.NOT_ACCEPTABLE, "answer-too-large", detail)


def precondition_required(if_match: str, if_none_match: str) -> Problem:
    """428: a write must say which state it builds on, by one of two that are named so there."""
    detail = f'Send {if_match}: "v<version>" to change a page, or {if_none_match}: * to create one.'
    return Problem(HTTPStatus.PRECONDITION_REQUIRED, "precondition-required", detail)


def unavailable(why: str, retry_after: int = 1, name: str = "unavailable") -> Problem:
    """503: a service that is needed cannot serve; `retry_after` is in seconds."""
    headers = {"retry-after": str(retry_after)}
    detail = f"{why[0].upper()}{why[1:]}. Try again in a moment."
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, name, detail, headers)


def not_yet() -> Problem:
    """503: something newer may be there, or is being made; nobody is kept waiting for it."""
    detail = "This is not ready yet. Try again in a moment."
    headers = {"retry-after": "1"}
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, headers)


def internal() -> Problem:
    """500: a fault of ours. Its text stays in the log and is never sent."""
    detail = "Something went wrong on our side. It has been logged."
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail)


def _conflict(name: str, detail: str) -> Problem:
    """409: somebody else was faster; it may be tried again in a second."""
    return Problem(HTTPStatus.CONFLICT, name, detail, {"retry-after": "1"})


def _gone(error: errors.Deleted) -> Problem:
    """410: the page was deleted; its version tells which delete it was."""
    return Problem(HTTPStatus.GONE, "gone", str(error), slug=error.slug, version=error.version)


def moved(error: errors.Redirected, collection: str = "/api/pages") -> Problem:
    """308: the page is at another address of the API."""
    headers = {
        "location": f"{collection}/{quote(error.moved_to)}",
        "cache-control": responses.MOVED["cache-control"],
    }
    return Problem(HTTPStatus.PERMANENT_REDIRECT, "moved", str(error), headers)


def _moved_away(error: errors.MovedAway) -> Problem:
    """409: the page that an import would make has moved: it is not made a second time."""
    detail = f"{error} An import does not make it again at its old name."
    return Problem(HTTPStatus.CONFLICT, "moved", detail, slug=error.slug, moved_to=error.moved_to)


def _outdated(error: errors.Outdated) -> Problem:
    """412: the page is not in the state that the request named, but in `current`."""
    found = error.found
    if not found.version:
        detail, current = "There is no such page.", None
    else:
        detail = "The page has changed since you read it."
        if isinstance(error, errors.Taken):
            detail = f"There is a page {found.slug} already."
        current = {
            "version": found.version,
            "etag": version_etag(found.version),
            "state": found.state,
            "author": found.author,
            "updated_at": found.updated_at,
            "write_id": found.write_id,
            "blob": found.blob,
        }
    status, name = HTTPStatus.PRECONDITION_FAILED, "precondition-failed"
    return Problem(status, name, detail, slug=found.slug, current=current)


def _lease_lost(error: errors.LeaseLost) -> Problem:
    """409: the edit lease that a write named is not the sender's any more."""
    holder, draft = error.holder, error.draft
    taken = (
        f"{holder} has taken over the editing of {error.slug}"
        if holder
        else f"The edit lease on {error.slug} is gone"
    )
    kept = "it was kept as a draft of yours." if draft else "nothing of it was stored."
    detail = f"{taken}. Your change was not saved: {kept}"
    return Problem(
        HTTPStatus.CONFLICT, "lease-lost", detail, holder=holder, draft=draft and str(draft)
    )


def _locked(error: LeaseHeld) -> Problem:
    """423: somebody else holds the edit lease of the page for `seconds_left` more."""
    holder, seconds_left = error.lease.holder, error.lease.seconds_left
    detail, headers = f"{holder} is editing {error.slug}.", {"retry-after": str(seconds_left)}
    return Problem(
        HTTPStatus.LOCKED, "locked", detail, headers, holder=holder, seconds_left=seconds_left
    )


def _refused(error: errors.Refused) -> Problem:
    """412, or what it is for each: which changes of a batch cannot be done, and why not."""
    found = [(number, as_problem(reason)) for number, reason in error.reasons]
    statuses = {problem.status for _, problem in found}
    status = statuses.pop() if len(statuses) == 1 else HTTPStatus.PRECONDITION_FAILED
    told = [{"change": number, **problem.document()} for number, problem in found]
    waits = [int(problem.headers.get("retry-after", 0)) for _, problem in found]
    headers = {"retry-after": str(max(waits))} if all(waits) else {}
    first, more = found[0][1].detail, len(found) - 1
    detail = f"Nothing was changed. {first}" + (f" (And {more} more.)" if more else "")
    return Problem(status, "batch-refused", detail, headers, refused=told)


# What an error of the logic is to a client, for all functions.
_PROBLEMS: dict[type[Exception], Callable[[Any], Problem]] = {
    BadSlug: lambda error: bad_request(str(error), "bad-slug"),
    BadCursor: lambda error: bad_request(str(error), "bad-cursor"),
    BadPage: lambda error: bad_request(str(error), "bad-page"),
    errors.NotOffered: lambda error: bad_request(str(error)),
    errors.NotFound: lambda error: not_found(error.what),
    errors.Deleted: _gone,
    errors.Redirected: moved,
    errors.MovedAway: _moved_away,
    errors.Unaddressed: lambda _error: Problem(
        HTTPStatus.NOT_FOUND,
        "unaddressed",
        "Feeds and sitemaps say where the site is, and this site does not know. Whoever runs it can"
        " set SHEAF_SITE_URL.",
    ),
    errors.TooLarge: lambda error: too_large(str(error)),
    errors.TooManyDrafts: lambda error: Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "too-many-drafts", str(error)
    ),
    errors.TooComplex: lambda error: Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "too-complex", str(error), line=error.line
    ),
    errors.Busy: lambda error: _conflict(
        "busy", f"Somebody else is saving {error} at this moment."
    ),
    errors.Overtaken: lambda error: _conflict(
        "lock-lost", f"Somebody else saved {error} first. Nothing of this change was stored."
    ),
    errors.Refused: _refused,
    errors.Outdated: _outdated,
    KeyReused: lambda _error: Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "idempotency-key-reused",
        "You sent another request with this Idempotency-Key. Take a new one for each.",
    ),
    errors.LeaseLost: _lease_lost,
    LeaseHeld: _locked,
    NotYet: lambda _error: not_yet(),
    NoRoom: lambda error: unavailable(str(error), error.retry_after, "no-room"),
    Held: lambda error: unavailable(str(error), error.retry_after, "held"),
    Unavailable: lambda error: unavailable(str(error), error.retry_after),
    RedisError: lambda _error: unavailable("the cache does not answer"),
    LockError: lambda _error: unavailable("the lock service does not answer"),
}


def as_problem(error: Exception) -> Problem:
    """The problem that an exception stands for; 500 for one that nobody foresaw."""
    if isinstance(error, Problem):
        return error
    error = translated(error)
    for kind in type(error).__mro__:
        if kind in _PROBLEMS:
            return _PROBLEMS[kind](error)
    return internal()
