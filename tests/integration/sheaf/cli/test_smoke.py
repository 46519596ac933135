"""`sheaf smoke` on sites that work, that do not answer, and that are left in the middle."""

import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
import trustme
import urllib3
from werkzeug.serving import make_server

from local.invocation.endpoint import in_thread
from local.laptop.app import create_app
from sheaf.cli import smoke, smoke_writes
from sheaf.cli.client import Client
from sheaf.cli.connection import Unreachable
from sheaf.cli.jobs import FAILED
from sheaf.cli.smoke import PASSED, SKIPPED
from tests.conftest import Mint
from tests.fixtures import Servers
from tests.integration.sheaf.cli.walking import failed, walk
from tests.servers.meddler import Meddler, PassOn, Reply, Request, meddling
from tests.servers.meddles import at, changed, once, says, status
from tests.waiting import PATIENCE

NAMES = [check.name for check in smoke.CHECKS]
WRITES = [check.name for check in smoke.CHECKS if check.look.__module__ == smoke_writes.__name__]
DOWN = {"database": "failing", "cache": "ok"}


def begin(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Start the command."""
    return subprocess.Popen(
        [sys.executable, "-m", "ops", "smoke", *arguments],
        env={**os.environ, "SHEAF_TOKEN": "", "PYTHONIOENCODING": "utf-8", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def sheaf_smoke(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """The command's exit status and what it printed."""
    with begin(*arguments, **environment) as process:
        output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


@pytest.fixture
def token(mint_token: Mint) -> str:
    return mint_token("alice", "editor")


@pytest.fixture
def meddler(site_url: str) -> Iterator[Meddler]:
    with meddling(site_url) as meddler:
        yield meddler


@pytest.fixture
def secure(site_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Meddler]:
    """The site over TLS, with a certificate that is trusted; it takes plain HTTP as well."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with meddling(site_url, context) as meddler:
        yield meddler


@pytest.fixture
def empty_url(clean: Servers) -> Iterator[str]:
    """A running site without a page."""
    with in_thread(make_server("127.0.0.1", 0, create_app())) as server:
        yield f"http://127.0.0.1:{server.port}"


def statuses(url: str, slug: str) -> tuple[int, int]:
    """Of a page, and of its history."""
    paths = (f"/api/pages/{slug}", f"/api/revisions/{slug}")
    page, history = (urllib3.request("GET", url + path, timeout=PATIENCE).status for path in paths)
    return page, history


# ---- Sites that work ---------------------------------------------------------------------------


def test_an_editor_sees_that_everything_works(site_url: str, token: str) -> None:
    code, output, errors = sheaf_smoke(site_url, "--token", token)
    *lines, clean_up, summary = output.splitlines()
    assert (code, errors) == (0, "")
    assert summary == f"passed {len(NAMES)}, skipped 1, failed 0"
    for line, name in zip(lines, NAMES, strict=True):
        if name != "plain HTTP":
            assert re.fullmatch(rf"✓ {name} +\S.* \([\d,]+ ms\)", line)
    assert re.fullmatch(r"✓ clean up +nothing was left \([\d,]+ ms\)", clean_up)
    assert token not in output
    slug = re.findall(r"smoke/[a-z]{12}", output)[0]
    assert statuses(site_url, slug) == (410, 200)


def test_a_reader_is_told_what_was_left_out(site_url: str) -> None:
    code, output, errors = sheaf_smoke(SHEAF_URL=site_url)
    *lines, summary = output.splitlines()
    assert (code, errors) == (0, "")
    assert summary == f"passed {len(NAMES) - len(WRITES) - 1}, skipped {len(WRITES) + 1}, failed 0"
    skipped = [line for line in lines if line.startswith("-")]
    assert skipped[0].endswith("skipped: the address is not https://")
    assert [line.split("skipped: ") for line in skipped[1:]] == [
        [f"- {name:22} ", "needs a token"] for name in WRITES
    ]


def test_an_empty_site_works_too(empty_url: str, token: str) -> None:
    outcomes = walk(empty_url, token)
    assert failed(outcomes) == set()
    assert outcomes["home page"].seen.startswith("404, ")
    for name in ("conditional request", "compression", "Markdown source", "search"):
        assert (outcomes[name].result, outcomes[name].seen) == (SKIPPED, "the site has no pages")
    assert {outcomes[name].result for name in WRITES} == {PASSED}


def test_a_site_without_a_home_page_has_others(meddler: Meddler) -> None:
    meddler.meddle = says(once(at("/api/pages/home")), 404)
    seen = walk(meddler.url, None)["Markdown source"].seen
    assert seen.startswith("/home.md, ")  # it is the oldest one, too


def test_a_database_may_need_a_moment_to_wake(meddler: Meddler) -> None:
    meddler.meddle = says(once(at("/api/health")), 503, DOWN)
    health = walk(meddler.url, None)["health"]
    assert (health.result, health.seen) == (PASSED, "database ok, cache ok")
    assert health.milliseconds >= 1000


@pytest.mark.parametrize("code", [301, 308])
def test_with_tls_plain_http_is_redirected(secure: Meddler, code: int) -> None:
    def redirect(request: Request, pass_on: PassOn) -> Reply:
        return pass_on(request) if request.secure else Reply(code, {"location": secure.url})

    secure.meddle = redirect
    outcomes = walk(secure.url, None)
    assert failed(outcomes) == set()
    assert outcomes["plain HTTP"].seen == f"{code} to https, {code} to https"


@pytest.mark.parametrize("code", [None, 400, 403])
def test_with_tls_plain_http_is_refused(secure: Meddler, code: int | None) -> None:
    def refuse(request: Request, pass_on: PassOn) -> Reply | None:
        return pass_on(request) if request.secure else Reply(code, {}) if code else None

    secure.meddle = refuse
    outcomes = walk(secure.url, None)
    assert failed(outcomes) == set()
    assert outcomes["plain HTTP"].seen.startswith(
        "refused" if code is None else f"refused with {code}"
    )


# ---- Sites that do not -------------------------------------------------------------------------


def test_with_tls_plain_http_is_not_served(secure: Meddler) -> None:
    assert failed(walk(secure.url, None)) == {"plain HTTP"}


def test_with_tls_a_redirect_leads_to_tls(secure: Meddler) -> None:
    elsewhere = Reply(301, {"location": "http://127.0.0.1/"})
    secure.meddle = lambda it, pass_on: pass_on(it) if it.secure else elsewhere
    assert failed(walk(secure.url, None)) == {"plain HTTP"}


def test_a_certificate_that_nobody_trusts_is_one_message(
    secure: Meddler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Unreachable, match="certificate"):
        walk(secure.url, None)


def test_what_failed_has_a_cross_and_a_reason(meddler: Meddler) -> None:
    meddler.meddle = changed(at("/home.md"), status(500))
    code, output, _ = sheaf_smoke(meddler.url)
    assert code == 1
    (line,) = [line for line in output.splitlines() if line.startswith("✗")]
    reason = "FAILED: GET /home.md is answered 500, not 200"
    assert re.fullmatch(rf"✗ Markdown source +{reason} \([\d,]+ ms\)", line)
    assert output.endswith(", failed 1\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_may_know_no_crosses(meddler: Meddler, encoding: str) -> None:
    meddler.meddle = changed(at("/home.md"), status(500))
    code, output, errors = sheaf_smoke(meddler.url, PYTHONIOENCODING=encoding)
    assert (code, errors) == (1, "")
    assert re.search(r"\? Markdown source +FAILED: GET /home.md", output)


def test_a_database_that_does_not_wake_is_down(meddler: Meddler) -> None:
    meddler.meddle = says(at("/api/health"), 503, DOWN)
    health = walk(meddler.url, None, seconds=2)["health"]
    assert (health.result, health.seen) == (FAILED, "database failing, cache ok, for 2 s")


def test_a_site_that_is_not_there_is_one_message() -> None:
    code, output, errors = sheaf_smoke("http://127.0.0.1:1")
    assert (code, output) == (1, "")
    assert errors == "Error: cannot reach http://127.0.0.1:1: [Errno 111] Connection refused\n"


def test_a_site_that_does_not_answer_is_one_message(meddler: Meddler) -> None:
    asleep = Event()

    def sleep(_request: Request, _pass_on: PassOn) -> None:
        asleep.wait(PATIENCE)

    meddler.meddle = sleep
    code, output, errors = sheaf_smoke(meddler.url, "--timeout", "0.5", SHEAF_TOKEN="t")
    asleep.set()
    assert (code, output) == (1, "")
    assert errors == f"Error: cannot reach {meddler.url}: Read timed out. (read timeout=0.5)\n"


def test_one_answer_that_does_not_come_is_one_failure(meddler: Meddler) -> None:
    asleep = Event()

    def sleep(request: Request, pass_on: PassOn) -> Reply:
        if request.path.startswith("/api/search?q=About"):
            asleep.wait(PATIENCE)
        return pass_on(request)

    meddler.meddle = sleep
    outcomes = walk(meddler.url, None, seconds=10)
    asleep.set()
    assert failed(outcomes) == {"search"}
    assert "Read timed out" in outcomes["search"].seen


@pytest.mark.parametrize(
    "arguments",
    [
        ("ftp://127.0.0.1",),
        ("127.0.0.1:3000",),
        ("http://127.0.0.1:1", "http://127.0.0.1:2"),
        ("http://127.0.0.1:1", "--timeout", "0"),
        ("http://127.0.0.1:1", "--token", "a b"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    code, output, errors = sheaf_smoke(*arguments)
    assert (code, output) == (2, "")
    assert "Traceback" not in errors


# ---- The page that is written ------------------------------------------------------------------


def test_a_page_that_stays_is_named(meddler: Meddler, site_url: str, token: str) -> None:
    meddler.meddle = says(at("/api/pages/*", "DELETE", if_match='"v2"'), 500)
    outcomes = walk(meddler.url, token)
    assert failed(outcomes) == {"delete", "clean up"}
    said = re.match("(smoke/[a-z]{12}) may be left behind: ", outcomes["clean up"].seen)
    assert said
    assert statuses(site_url, said[1]) == (200, 200)
    Client(site_url, token).delete(said[1], 2)


def test_a_reader_is_told_that_it_may_not_write(site_url: str, mint_token: Mint) -> None:
    outcomes = walk(site_url, mint_token("bob", "reader"))
    assert failed(outcomes) == {"create"}
    assert outcomes["create"].seen.endswith("is answered 403, not 201")
    assert {outcomes[name].seen for name in WRITES[1:]} == {"the page was not created"}
    assert outcomes["clean up"].seen == "nothing was left"


def test_an_interrupted_smoke_test_leaves_nothing(
    meddler: Meddler, site_url: str, token: str
) -> None:
    arrived, released = Event(), Event()

    def hold(request: Request, pass_on: PassOn) -> Reply:
        if request.path.startswith("/api/revisions/"):
            arrived.set()
            released.wait(PATIENCE)
        return pass_on(request)

    meddler.meddle = hold
    with begin(meddler.url, SHEAF_TOKEN=token) as process:
        assert arrived.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE)
    released.set()
    assert (process.returncode, errors.strip()) == (1, "Aborted!")
    last = output.splitlines()[-1]
    assert last.startswith("✓ clean up")
    slug = re.findall(r"smoke/[a-z]{12}", last)[0]
    assert statuses(site_url, slug) == (410, 200)
