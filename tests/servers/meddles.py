"""Ways to meddle with requests and replies, for the meddler."""

import json
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase

from tests.servers.meddler import Meddle, PassOn, Reply, Request

Change = Callable[[Reply], Reply]
When = Callable[[Request], bool]


def at(path: str, method: str = "*", **headers: str) -> When:
    """At this path, with this method and with these headers, whose names have underscores.

    In path and method * stands for anything.
    """

    def when(request: Request) -> bool:
        return (
            fnmatchcase(request.path, path)
            and fnmatchcase(request.method, method)
            and all(
                request.headers.get(name.replace("_", "-")) == headers[name] for name in headers
            )
        )

    return when


def once(when: When) -> When:
    """The first time only."""
    before: list[Request] = []

    def first_time(request: Request) -> bool:
        if not when(request):
            return False
        before.append(request)
        return len(before) == 1

    return first_time


def changed(when: When, change: Change) -> Meddle:
    """The site's own reply, changed."""

    def meddle(request: Request, pass_on: PassOn) -> Reply:
        reply = pass_on(request)
        return change(reply) if when(request) else reply

    return meddle


def status(code: int) -> Change:
    """With another status."""
    return lambda reply: replace(reply, status=code)


def body(change: Callable[[bytes], bytes]) -> Change:
    """With another body."""
    return lambda reply: replace(reply, body=change(reply.body))


def header(name: str, value: str) -> Change:
    """With another header."""
    return lambda reply: replace(reply, headers={**reply.headers, name: value})


def without(name: str) -> Change:
    """Without a header."""
    return lambda reply: replace(
        reply, headers={other: value for other, value in reply.headers.items() if other != name}
    )


def says(when: When, code: int, document: object = None) -> Meddle:
    """A reply, and the site is not asked."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    reply = Reply(code, {"content-type": "application/json"}, data)
    return lambda request, pass_on: reply if when(request) else pass_on(request)


def asks(when: When, change: Callable[[Request], Request]) -> Meddle:
    """The site's own reply, to another request."""
    return lambda request, pass_on: pass_on(change(request) if when(request) else request)


def sent(name: str, value: str) -> Callable[[Request], Request]:
    """With another header."""
    return lambda request: replace(request, headers={**request.headers, name: value})


def remembers(when: When) -> Meddle:
    """The first reply, for ever: a cache that nothing is removed from."""
    replies: dict[str, Reply] = {}

    def meddle(request: Request, pass_on: PassOn) -> Reply:
        if when(request):
            return replies.setdefault(request.path, pass_on(request))
        return pass_on(request)

    return meddle
