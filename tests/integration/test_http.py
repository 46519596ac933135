"""What goes over the wire: nothing that httplint would correct, and little of it."""

import http.client
import re
import time
from urllib.parse import urljoin, urlsplit

import brotli
import httpx
import pytest
from httplint import HttpRequestLinter, HttpResponseLinter
from httplint.note import levels

from tests.waiting import PATIENCE

BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd", "User-Agent": "test"}
HTML = "/guide/install"


def lint(url: str, method: str, headers: dict[str, str]) -> tuple[int, list[str]]:
    """The status, and what is wrong with the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    try:
        connection.request(method, parts.path, headers=headers)
        answer = connection.getresponse()
        linter = HttpResponseLinter(start_time=time.time())
        linter.is_head_response = method == "HEAD"
        request = HttpRequestLinter()
        request.process_request_topline(method.encode(), url.encode(), b"HTTP/1.1")
        request.process_headers([(n.encode(), v.encode()) for n, v in headers.items()])
        linter.request = request
        phrase = answer.reason.encode()
        linter.process_response_topline(b"HTTP/1.1", str(answer.status).encode(), phrase)
        fields = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in answer.getheaders()]
        linter.process_headers(fields)
        linter.feed_content(answer.read())
        linter.finish_content(complete=True)
    finally:
        connection.close()
    wrong = (levels.WARN, levels.BAD)
    return answer.status, [note.summary for note in linter.notes if note.level in wrong]


def static_file(url: str) -> str:
    found = re.search(r'"(/-/static/[^"]+\.css)"', httpx.get(url + HTML, timeout=PATIENCE).text)
    assert found
    return found[1]


def first_visit(url: str) -> dict[str, int]:
    """What a browser that has never been here loads with a page: bytes by address."""
    sizes: dict[str, int] = {}
    wanted = ["/"]
    with httpx.Client(base_url=url, headers=BROWSER, timeout=PATIENCE) as client:
        while wanted:
            path = wanted.pop()
            with client.stream("GET", path) as answer:
                body = b"".join(answer.raise_for_status().iter_raw())
            assert answer.headers["Content-Encoding"] == "br"
            sizes[path] = len(body)
            text = brotli.decompress(body).decode()
            # Styles, scripts and icons of a document, and the modules that a script imports.
            named = re.findall(r'(?:src|href)="(/-/static/[^"]+)"|from "(\./[^"]+)"', text)
            found = {urljoin(path, one or other) for one, other in named}
            wanted += [each for each in found if each not in sizes and each not in wanted]
    return sizes


def test_the_first_page_of_a_visitor_is_light(site_url: str) -> None:
    sizes = first_visit(site_url)
    assert len(sizes) >= 4
    assert any(path.endswith(".css") for path in sizes)
    assert any(path.endswith(".js") for path in sizes)
    assert sum(sizes.values()) <= 30_000, sizes


@pytest.mark.parametrize("encoding", ["gzip, deflate, br, zstd", "gzip", "identity"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("what", ["page", "not modified", "missing", "static", "source"])
def test_nothing_is_to_be_corrected(site_url: str, what: str, method: str, encoding: str) -> None:
    paths = {"missing": "/no/such", "static": static_file(site_url), "source": f"{HTML}.md"}
    url = site_url + paths.get(what, HTML)
    headers = {**BROWSER, "Accept-Encoding": encoding}
    if what == "not modified":
        known = httpx.get(url, headers=headers, timeout=PATIENCE)
        headers["If-None-Match"] = known.headers["ETag"]
    status, wrong = lint(url, method, headers)
    assert status == {"not modified": 304, "missing": 404}.get(what, 200)
    assert wrong == []


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"/api/health?{'a' * 9000}", {}, 200),
        ("/api/health", {"X-Long": "a" * 9900}, 200),
        ("/api/health", {f"X-{number}": "a" for number in range(300)}, 200),
        (f"/api/health?{'a' * 11_000}", {}, 431),
        ("/api/health", {"X-Long": "a" * 10_300}, 431),
        ("/api/health", {f"X-{number}": "a" * 100 for number in range(200)}, 431),
    ],
    ids=["long line", "long header", "many headers", "line", "header", "headers"],
)
def test_heads_are_taken_as_api_gateway_takes_them(
    site_url: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = httpx.get(f"{site_url}{path}", headers=headers, timeout=PATIENCE)
    assert answer.status_code == status
    if status == 431:
        assert answer.json()["type"] == "urn:sheaf:problem:too-large"
