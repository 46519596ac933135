"""What goes over the wire: nothing that httplint would correct, and little of it."""

import http.client
import json
import re
import secrets
import socket
import time
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import brotli
import httpx
import pytest
from httplint import HttpRequestLinter, HttpResponseLinter
from httplint.note import levels

from tests.conftest import Mint
from tests.fixtures import Servers, running_site
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
        (f"/guide/install?{'a' * 9000}", {}, 200),
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


def speak(site_url: str, request: bytes) -> tuple[int, httpx.Headers, bytes]:
    """What is answered to these bytes by somebody who then says no more."""
    parts = urlsplit(site_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, httpx.Headers(answer.getheaders()), answer.read()


def saving(slug: str, token: str, *headers: str) -> bytes:
    """The head of a request that saves a page."""
    lines = [
        *(f"PUT /api/pages/{slug} HTTP/1.1", "Host: localhost", "If-None-Match: *"),
        *(f"Authorization: Bearer {token}", "Content-Type: application/json", *headers, "", ""),
    ]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    ("header", "body", "status"),
    [
        ("Content-Length: 12", b'{"body":"x"}', 201),
        ("Content-Length: 13", b'{"body":"x"}', 400),
        ("Content-Length: 999999", b'{"body":"x"}', 400),
        ("Content-Length: 12", b"", 400),
        ("Transfer-Encoding: chunked", b'c\r\n{"body":"x"}\r\n0\r\n\r\n', 201),
        ("Transfer-Encoding: chunked", b'c\r\n{"body":"x"}\r\n', 400),
        ("Transfer-Encoding: chunked", b'f\r\n{"body":"x"}', 400),
        ("Transfer-Encoding: chunked", b'c\r\n{"body":"x"}XX0\r\n\r\n', 400),
        ("Transfer-Encoding: chunked", b'zz\r\n{"body":"x"}\r\n0\r\n\r\n', 400),
        ("Transfer-Encoding: chunked", b'-1\r\n{"body":"x"}\r\n0\r\n\r\n', 400),
        ("Transfer-Encoding: chunked", b"", 400),
    ],
)
def test_a_body_that_did_not_come_whole_is_not_saved(
    site_url: str, mint_token: Mint, header: str, body: bytes, status: int
) -> None:
    slug = f"whole/{secrets.token_hex(4)}"
    request = saving(slug, mint_token("alice", "editor"), header) + body
    found, headers, answer = speak(site_url, request)
    assert found == status
    if status == 400:
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(answer)["type"] == "urn:sheaf:problem:bad-request"
    page = httpx.get(f"{site_url}/api/pages/{slug}", timeout=PATIENCE)
    assert page.status_code == (200 if status == 201 else 404)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"no HTTP\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 10_300 + b"\r\n\r\n", 431),
        (b"PUT /api/pages/home HTTP/1.1\r\nHost: a\r\n\r\n", 401),
    ],
    ids=["line", "name", "length", "coding", "expectation", "long line", "longer", "long", "token"],
)
def test_what_the_gateway_refuses_is_a_problem_too(
    site_url: str, request_: bytes, status: int
) -> None:
    found, headers, answer = speak(site_url, request_)
    problem = json.loads(answer)
    assert (found, problem["status"]) == (status, status)
    assert problem["type"].startswith("urn:sheaf:problem:")
    assert problem["detail"]
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" in headers


def test_a_request_that_is_refused_is_no_fault_in_the_log(
    servers: Servers, home: Path, mint_token: Mint, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    chunked = saving("x", mint_token("alice", "editor"), "Transfer-Encoding: chunked")
    with log.open("wb") as output, running_site(servers, home, output) as url:
        assert speak(url, chunked + b"zz\r\n")[0] == 400
        assert speak(url, chunked + b'c\r\n{"body":"x"}\r\n')[0] == 400
        assert speak(url, b"no HTTP\r\n\r\n")[0] == 400
    assert "Traceback" not in log.read_text()
