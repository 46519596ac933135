"""The whole site by `sam local start-api`, in containers, as it was built: `sheaf smoke` walks it.

It drops the JWT authorizer: no claims arrive, whatever token was sent, so that nobody can write.
What editors do is left to tests/integration.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from sheaf.cli import smoke, smoke_writes
from tests.sam import sam

LEFT_OUT = {check.name for check in smoke.CHECKS if check.look.__module__ == smoke_writes.__name__}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `sam` and the functions say."""
    return tmp_path_factory.mktemp("start-api") / "log"


@pytest.fixture(scope="module")
def url(container: sam.Container, log: Path) -> Iterator[str]:
    with container.serve("start-api", log) as url:
        yield url


def test_all_works_that_needs_no_token(url: str, container: sam.Container, log: Path) -> None:
    command = [sys.executable, "-m", "ops", "smoke", url]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), f"{done.stdout}\n{log.read_text()}"
    *lines, _ = done.stdout.splitlines()
    skipped = {line[2:].partition("  ")[0] for line in lines if "skipped: " in line}
    assert skipped == LEFT_OUT | {"plain HTTP"}
    for function in ("Listing", "Pages", "Writes"):
        assert f"Mounting {container.built}/{function}Function as /var/task" in log.read_text()


def test_a_token_without_an_authorizer_is_worth_nothing(url: str) -> None:
    page, headers = f"{url}/api/pages/start/api", {"Authorization": "Bearer any.to.ken"}
    creation = {**headers, "If-None-Match": "*"}
    answer = urllib3.request("PUT", page, headers=creation, json={"body": "# A"}, timeout=30)
    assert (answer.status, answer.json()["type"]) == (401, "urn:sheaf:problem:unauthenticated")
    assert urllib3.request("GET", page, timeout=30).status == 404
