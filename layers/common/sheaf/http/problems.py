"""Problems: errors that a client can act on, as RFC 9457 problem details."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from redis import RedisError

from sheaf.database.outages import Unavailable, translated
from sheaf.http.conditions import version_etag
from sheaf.locks import LockError
from sheaf.pages import errors
from sheaf.pages.claims import Claim
from sheaf.pages.edit_leases import LeaseHeld
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


def answer_too_large(limit: int) -> Problem:
    """406: as it was asked for, the answer has more bytes than can be sent."""
    detail = f"This has more than {limit} bytes. Ask for it compressed: Accept-Encoding: br, gzip."
    return Problem(HTTPStatus.NOT_ACCEPTABLE, "answer-too-large", detail)


def precondition_required() -> Problem:
    """428: a write must say which state it builds on."""
    detail = 'Send If-Match: "v<version>" to change a page, or If-None-Match: * to create one.'
    return Problem(HTTPStatus.PRECONDITION_REQUIRED, "precondition-required", detail)


def unavailable(what: str, retry_after: int = 1) -> Problem:
    """503: a service that is needed does not answer; `retry_after` is in seconds."""
    headers = {"retry-after": str(retry_after)}
    detail = f"The {what} does not answer. Try again in a moment."
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


def _outdated(found: Claim) -> Problem:
    """412: the page is not in the state that the request named, but in `current`."""
    if not found.version:
        detail, current = "There is no such page.", None
    else:
        detail = "The page has changed since you read it."
        current = {
            "version": found.version,
            "etag": version_etag(found.version),
            "state": found.state,
            "author": found.author,
            "updated_at": found.updated_at,
        }
    return Problem(HTTPStatus.PRECONDITION_FAILED, "precondition-failed", detail, current=current)


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


# What an error of the logic is to a client, for all functions.
_PROBLEMS: dict[type[Exception], Callable[[Any], Problem]] = {
    BadSlug: lambda error: bad_request(str(error), "bad-slug"),
    BadCursor: lambda error: bad_request(str(error), "bad-cursor"),
    BadPage: lambda error: bad_request(str(error), "bad-page"),
    errors.NotOffered: lambda error: bad_request(str(error)),
    errors.NotFound: lambda error: not_found(error.what),
    errors.Deleted: _gone,
    errors.TooLong: lambda error: Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "too-long-to-compare", str(error)
    ),
    errors.Busy: lambda error: _conflict(
        "busy", f"Somebody else is saving {error} at this moment."
    ),
    errors.Overtaken: lambda error: _conflict(
        "lock-lost", f"Somebody else saved {error} first. Nothing of this change was stored."
    ),
    errors.Outdated: lambda error: _outdated(error.found),
    errors.LeaseLost: _lease_lost,
    LeaseHeld: _locked,
    Unavailable: lambda error: unavailable("database", error.retry_after),
    RedisError: lambda _error: unavailable("cache"),
    LockError: lambda _error: unavailable("lock service"),
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
