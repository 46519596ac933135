"""Checks of what a reader's browser does: pages, their sources, and files.

A check returns what it saw, for people, or raises CheckFailed or CheckSkipped.
"""

import re
from html.parser import HTMLParser
from urllib.parse import quote

from sheaf.cli.smoke_visit import FIRST_OF_LIST, Answer, Visit, require

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_DAY = 24 * 60 * 60


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
