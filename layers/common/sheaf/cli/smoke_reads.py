"""Checks that need no token: what browsers and programs read, and what nobody may do.

A check returns what it saw, for people, or raises CheckFailed or CheckSkipped.
"""

import re
import time
from html.parser import HTMLParser
from http import HTTPStatus
from urllib.parse import parse_qs, quote, urlencode, urlsplit

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

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_DAY = 24 * 60 * 60
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


def home(visit: Visit) -> str:
    """The first thing that a reader sees. A new site has no page there yet."""
    answer = visit.get("/").expect(200, 404).expect_type("text/html")
    require("</html>" in answer.text, "the document has no end")
    return f"{answer.status}, {len(answer.body):,} bytes"


def security_headers(visit: Visit) -> str:
    """What keeps a page from being turned against its reader."""
    answer = visit.get("/")
    policy = answer.header("content-security-policy")
    require("default-src 'none'" in policy, "no Content-Security-Policy that starts from 'none'")
    require("unsafe-" not in policy, f"Content-Security-Policy: {policy}")
    options = answer.header("x-content-type-options")
    require(options == "nosniff", "no X-Content-Type-Options: nosniff")
    age = re.findall(r"max-age=([1-9]\d*)", answer.header("strict-transport-security"))
    require(age, "no Strict-Transport-Security")
    return f"CSP, nosniff, HSTS for {int(age[0]) // _DAY} days"


def conditional_request(visit: Visit) -> str:
    """A client that has the page is not sent it again, and one with something else is."""
    path = _article(visit)
    etag = visit.get(path).expect(200).header("etag")
    require(etag, f"GET {path} has no ETag")
    again = visit.get(path, If_None_Match=etag)
    require(again.status == 304, f"with its own ETag GET {path} is answered {again.status}")
    other = visit.get(path, If_None_Match='"something-else"')
    require(other.status == 200, f"with a foreign ETag GET {path} is answered {other.status}")
    return f"304 for {etag}"


def compression(visit: Visit) -> str:
    """The same text in each encoding, and caches are told that there are several."""
    # Not at the page's own address: there a CDN may have its encodings from different times.
    path = f"{_article(visit)}?v={visit.word}"
    plain = visit.get(path, Accept_Encoding="identity").expect(200)
    require(not plain.header("content-encoding"), "it is encoded though nobody asked for it")
    require("accept-encoding" in plain.header("vary").lower(), "Vary lacks Accept-Encoding")
    sizes = [f"{_encoded(visit, path, plain, each):,} as {each}" for each in ("br", "gzip")]
    return f"{plain.size:,} bytes, {', '.join(sizes)}"


def _encoded(visit: Visit, path: str, plain: Answer, encoding: str) -> int:
    answer = visit.get(path, Accept_Encoding=encoding).expect(200)
    used = answer.header("content-encoding") or "no encoding"
    require(used == encoding, f"a client that takes {encoding} is sent {used}")
    require(answer.body == plain.body, f"the text in {encoding} is another one")
    return answer.size


def head(visit: Visit) -> str:
    """HEAD is GET without the body; API Gateway has routes of their own for it."""
    seen = []
    for path in ("/", FIRST_OF_LIST):
        got, headed = visit.get(path), visit.head(path)
        headed.expect(got.status).expect_type(got.media_type)
        same = headed.header("etag") == got.header("etag")
        require(same, f"HEAD {path} has another ETag than GET")
        seen.append(f"{headed.status} {headed.media_type}")
    return ", ".join(seen)


def source(visit: Visit) -> str:
    """The Markdown of a page, the same as the API has it."""
    path = f"{_article(visit)}.md"
    answer = visit.get(path).expect(200).expect_type("text/markdown")
    require(answer.text == visit.article.body, f"{path} is not the text that the API has")
    return f"{path}, {len(answer.body):,} bytes"


def static_files(visit: Visit) -> str:
    """What a document is shown with. Browsers may keep it for ever."""
    paths = _references(visit)
    require(paths, "the document names no style sheet and no script")
    for path in paths:
        file = visit.get(path).expect(200)
        file.expect_type(_MEDIA_TYPES.get(path[path.rfind(".") :], file.media_type))
        kept = file.header("cache-control")
        require("immutable" in kept, f"{path} may not be kept for ever: {kept or 'nothing said'}")
    return f"{len(paths)} files"


class _References(HTMLParser):
    """Collects the style sheets, icons and scripts that a document names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each start tag."""
        given = dict(attrs)
        is_file = tag == "link" and given.get("rel") in ("stylesheet", "icon")
        reference = given.get("href") if is_file else tag == "script" and given.get("src")
        if reference:
            self.found.add(reference)


def _references(visit: Visit) -> list[str]:
    parser = _References()
    parser.feed(visit.get("/").text)
    parser.close()
    return sorted(map(visit.path, parser.found))


def _article(visit: Visit) -> str:
    return f"/{quote(visit.article.slug)}"


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
    """400, as a problem for programs, and for people a document that offers another."""
    _expect_problem(visit.get("/api/pages/a%20b").expect(400), "bad-slug")
    offered = visit.get("/a%20b").expect(404).expect_type("text/html")
    require('href="/a-b"' in offered.text, f"{offered.request} does not offer /a-b")
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
