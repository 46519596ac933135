"""Problems: errors that a client can act on, as RFC 9457 problem details."""

from collections.abc import Mapping
from http import HTTPStatus


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
    """403: the request did not come by way of the site's own CDN."""
    detail = "Ask for this at the site's own address."
    return Problem(HTTPStatus.FORBIDDEN, "wrong-door", detail)


def not_found(what: str) -> Problem:
    """404: there is no such thing."""
    return Problem(HTTPStatus.NOT_FOUND, "not-found", f"There is no {what}.")


def gone(slug: str, version: int) -> Problem:
    """410: the page was deleted; its version tells which delete it was."""
    detail = f"The page {slug} was deleted."
    return Problem(HTTPStatus.GONE, "gone", detail, slug=slug, version=version)


def method_not_allowed(allowed: str) -> Problem:
    """405: the address exists, the method does not; `allowed` fills the Allow header."""
    detail = f"This address answers {allowed} only."
    return Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", detail, {"allow": allowed})


def busy(retry_after: int, detail: str) -> Problem:
    """409: someone else holds the page for a moment; `retry_after` is in seconds."""
    return Problem(HTTPStatus.CONFLICT, "busy", detail, {"retry-after": str(retry_after)})


def lease_lost(slug: str, holder: str | None, draft: object = None) -> Problem:
    """409: the edit lease that a write named is not the sender's any more.

    `holder` took it; `draft` is the id under which the text was kept for its author.
    """
    taken = (
        f"{holder} has taken over the editing of {slug}"
        if holder
        else f"The lease on {slug} is gone"
    )
    kept = "it was kept as a draft of yours." if draft else "nothing of it was stored."
    detail = f"{taken}. Your change was not saved: {kept}"
    return Problem(
        HTTPStatus.CONFLICT, "lease-lost", detail, holder=holder, draft=draft and str(draft)
    )


def locked(slug: str, holder: str, seconds_left: int) -> Problem:
    """423: somebody else holds the edit lease of the page for so many seconds more."""
    detail = f"{holder} is editing {slug}."
    headers = {"retry-after": str(seconds_left)}
    return Problem(
        HTTPStatus.LOCKED, "locked", detail, headers, holder=holder, seconds_left=seconds_left
    )


def precondition_failed(current: Mapping[str, object] | None) -> Problem:
    """412: the page is not in the state that the request named; `current` says which it is in."""
    detail = "The page has changed since you read it." if current else "There is no such page."
    return Problem(HTTPStatus.PRECONDITION_FAILED, "precondition-failed", detail, current=current)


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
