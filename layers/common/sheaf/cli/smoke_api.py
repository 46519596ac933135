"""Checks of what programs do, and of what nobody may do.

A check returns what it saw, for people, or raises CheckFailed or CheckSkipped.
"""

import re
import time
from http import HTTPStatus
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import BaseModel

from sheaf.cli.client import Pages, Problem
from sheaf.cli.connection import Connection, Unreachable
from sheaf.cli.smoke_visit import (
    FIRST_OF_LIST,
    Answer,
    CheckFailed,
    CheckSkipped,
    Visit,
    ask,
    require,
)

_LINK = re.compile(r'<([^>]*)>; *rel="(\w+)"')
_REDIRECTS = (301, 302, 307, 308)
# How servers refuse clients that come without TLS.
_REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UPGRADE_REQUIRED)


class Health(BaseModel):
    """What the site says of what it stands on."""

    database: str
    cache: str


class Hit(BaseModel):
    """A page that was found."""

    slug: str


class Hits(BaseModel):
    """What was found."""

    items: list[Hit]


def health(visit: Visit) -> str:
    """The database and the cache. A database that was asleep is given time to wake."""
    deadline = time.monotonic() + visit.seconds
    answer = visit.get("/api/health")
    while answer.status == HTTPStatus.SERVICE_UNAVAILABLE and time.monotonic() < deadline:
        time.sleep(1)
        answer = visit.get("/api/health")
    found = answer.expect(200, 503).read(Health)
    seen = f"database {found.database}, cache {found.cache}"
    require(answer.status == 200, f"{seen}, for {visit.seconds:g} s")
    return seen


def listing(visit: Visit) -> str:
    """The list of pages, followed from its first page to its second."""
    answer = visit.get(FIRST_OF_LIST).expect(200).expect_type("application/json")
    first, links = answer.read(Pages), _links(answer)
    require("first" in links, "the list has no Link to its first page")
    if first.next is None:
        return f"{len(first.items)} page in all"
    require("next" in links, "the list has no Link to its next page")
    cursor = parse_qs(urlsplit(links["next"]).query).get("cursor")
    require(cursor == [first.next], "the Link has not the cursor that the list has")
    second = visit.get(visit.path(links["next"])).expect(200).read(Pages)
    require(second.items, "the second page is empty")
    require(second.items != first.items, "the second page is the first one again")
    return f"{first.items[0].slug}, then {second.items[0].slug}"


def _links(answer: Answer) -> dict[str, str]:
    return {rel: target for target, rel in _LINK.findall(answer.header("link"))}


def search(visit: Visit) -> str:
    """A page is found by a word of its title."""
    words = re.findall(r"[^\W\d_]{3,}", visit.article.title)
    if not words:
        raise CheckSkipped(f"the title of {visit.article.slug} has no word")
    found = hits(visit, words[0])
    require(found, f"{words[0]} is in a title and is not found")
    return f"{len(found)} for {words[0]}"


def hits(visit: Visit, query: str) -> list[str]:
    """The pages that are found."""
    answer = visit.get(f"/api/search?{urlencode({'q': query})}").expect(200)
    return [hit.slug for hit in answer.read(Hits).items]


def bad_queries(visit: Visit) -> str:
    """Nonsense is the client's fault, and not an error of the site's."""
    hits(visit, "\"'(:*&|!<->\\")  # operators, if they got as far as the database
    for query in ("search?q=", f"search?q={'x' * 201}", "pages?cursor=nonsense"):
        answer = visit.get(f"/api/{query}")
        require(answer.status == 400, f"/api/{query:.30} is answered {answer.status}, not 400")
        answer.expect_type("application/problem+json")
    return "400"


def unknown_address(visit: Visit) -> str:
    """404, as a problem for programs and as a document for people."""
    _expect_problem(visit.get("/api/nowhere").expect(404), "not-found")
    visit.get(f"/smoke/no-{visit.word}").expect(404).expect_type("text/html")
    return "404"


def malformed_name(visit: Visit) -> str:
    """400, as a problem for programs and as a document for people."""
    _expect_problem(visit.get("/api/pages/a%20b").expect(400), "bad-slug")
    visit.get("/a%20b").expect(400).expect_type("text/html")
    return "400"


def _expect_problem(answer: Answer, name: str) -> None:
    problem = answer.expect_type("application/problem+json").read(Problem)
    expected = f"urn:sheaf:problem:{name}"
    require(problem.type == expected, f"{answer.request} is {problem.type}, not {expected}")


def no_token(visit: Visit) -> str:
    """Nobody writes without having signed in."""
    for token in (None, "not.a.token"):
        stranger = visit.connect(token)
        for method in ("PUT", "DELETE"):
            # Should it be let through, then there is no such version to replace.
            condition = {"If-Match": '"v1"'}
            answer = ask(stranger, method, visit.page, condition, visit.word)
            whose = "without a token" if token is None else "with a false token"
            require(answer.status == 401, f"{method} {whose} is answered {answer.status}, not 401")
    return "401"


def plain_http(visit: Visit) -> str:
    """Nothing is read or written without TLS."""
    if not visit.url.startswith("https://"):
        raise CheckSkipped("the address is not https://")
    plain = Connection(f"http{visit.url.removeprefix('https')}", seconds=visit.seconds)
    return ", ".join(_without_tls(plain, path) for path in ("/", "/api/health"))


def _without_tls(plain: Connection, path: str) -> str:
    try:
        answer = ask(plain, "GET", path)
    except Unreachable:
        return "refused"
    if answer.status in _REDIRECTS and answer.header("location").startswith("https://"):
        return f"{answer.status} to https"
    if answer.status in _REFUSALS:
        return f"refused with {answer.status}"
    raise CheckFailed(f"{plain.url}{path} is answered {answer.status}")
