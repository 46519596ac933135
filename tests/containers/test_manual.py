"""docs/containers.md is true: its examples run, in a copy of what an image is made of."""

import base64
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.containers.conftest import project
from tests.containers.docker import ENVIRONMENT, ROOT, Compose
from tests.integration.test_docs import check, examples
from tests.waiting import PATIENCE

FILES = (
    "Dockerfile",
    ".dockerignore",
    "compose.yaml",
    "compose.laptop.yaml",
    "nginx.conf",
    "template.yaml",
)
FOLDERS = ("functions", "layers/common", "local", "requirements")


@pytest.fixture
def copied(image: str, tmp_path: Path) -> Path:
    """The image was built just now: the packages of another come from Docker's cache."""
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """A project and a port of its own; the passwords are in the file that the manual makes."""
    variables = project()
    yield ENVIRONMENT | {name: variables[name] for name in ("COMPOSE_PROJECT_NAME", "PORT")}
    Compose([ROOT / "compose.yaml"], variables)("down", "--volumes", "--timeout", "5")


def test_the_examples_run_and_the_site_of_a_laptop_can_be_written(
    copied: Path, environment: dict[str, str]
) -> None:
    given = list(examples(ROOT / "docs/containers.md", 'sh skip="run by tests/containers"'))
    assert len(given) == 4
    check(given[:-1], copied, environment)
    url = f"http://127.0.0.1:{environment['PORT']}"
    headers = {"Authorization": f"Bearer {signed_in(url)}", "If-None-Match": "*"}
    page = {"body": "# Mine\n"}
    answer = httpx.put(f"{url}/api/pages/mine", json=page, headers=headers, timeout=PATIENCE)
    assert answer.status_code == 201
    assert answer.json()["author"] == "alice"
    check(given[-1:], copied, environment)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, timeout=PATIENCE)


def signed_in(url: str) -> str:
    """The token of alice, an editor, who signs in as a browser does."""
    verifier = "a-verifier-of-at-least-forty-three-characters"
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": "sheaf",
        "redirect_uri": f"{url}/-/sign-in",
        "state": "any",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    person = {"handle": "alice", "role": "editor"}
    answer = httpx.post(f"{url}/-/local/authorize", data=asked | person, timeout=PATIENCE)
    redeemed = {
        "grant_type": "authorization_code",
        "client_id": "sheaf",
        "redirect_uri": f"{url}/-/sign-in",
        "code_verifier": verifier,
        "code": parse_qs(urlsplit(answer.headers["location"]).query)["code"][0],
    }
    answer = httpx.post(f"{url}/-/local/token", data=redeemed, timeout=PATIENCE)
    return str(answer.json()["access_token"])
