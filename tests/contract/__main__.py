"""Holds the running site against its description, and this and its documents against their rules.

    python -m tests.contract [SEED]

A real PostgreSQL and a real Valkey are behind the site. schemathesis makes requests out of the
description, right ones and wrong ones, signed in and not, and checks every answer; redocly and
spectral read the description, and the Nu checker every kind of document. What schemathesis may find
is in schemathesis.toml, with the reason.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from local.laptop import services
from local.laptop.issuer import mint
from sheaf.http.representations import DESCRIPTION
from tests import documents
from tests.browser.api import Api
from tests.conftest import ISSUER
from tests.fixtures import Servers, running_site, seed
from tests.waiting import PATIENCE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCHEMATHESIS = ROOT / ".contract/bin/schemathesis"
NPM = ROOT / ".contract/node_modules/.bin"
PAGES = ["home", "guide/install"]


def main() -> None:
    """Check all, and end with status 1 if something is to be corrected."""
    number = sys.argv[1] if len(sys.argv) > 1 else "1"
    failed = [name for name, command in _readers().items() if _run(command)]
    with _site() as (url, token):
        askers = {"signed in": (f"Authorization: Bearer {token}",), "not signed in": ()}
        failed += [who for who, headers in askers.items() if _run(_requests(url, number, headers))]
        with _documents(url, token) as folder:
            failed += ["Nu"] if _run(_nu(folder)) else []
    _say(f"{5 - len(failed)} passed, {len(failed)} failed")
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def _readers() -> dict[str, list[str]]:
    """What reads the description."""
    spectral = ["--ruleset", str(HERE / "spectral.yaml"), "--fail-severity", "hint"]
    return {
        "redocly": [
            str(NPM / "redocly"),
            "lint",
            "--config",
            str(HERE / "redocly.yaml"),
            str(DESCRIPTION),
        ],
        "spectral": [str(NPM / "spectral"), "lint", *spectral, str(DESCRIPTION)],
    }


def _requests(url: str, number: str, headers: tuple[str, ...]) -> list[str]:
    """What asks the site."""
    configured = [str(SCHEMATHESIS), "--config-file", str(HERE / "schemathesis.toml"), "run"]
    options = ["--url", url, "--seed", number, "--checks", "all"]
    return [*configured, str(DESCRIPTION), *options, *(f"--header={each}" for each in headers)]


@contextmanager
def _documents(url: str, token: str) -> Iterator[Path]:
    """A folder with every kind of document of the site."""
    with Api(url, token) as api:
        documents.prepare(api, "contract/page")
    with tempfile.TemporaryDirectory(prefix="sheaf-documents-") as name:
        folder = Path(name)
        _fetch(url, folder)
        yield folder


def _fetch(url: str, folder: Path) -> None:
    for number, address in enumerate(documents.addresses("contract/page"), 1):
        answer = httpx.get(f"{url}{address}", timeout=PATIENCE, follow_redirects=True)
        comment = f"<!-- {address} -->"
        (folder / f"{number}.html").write_text(f"{answer.text}{comment}", "utf-8")


def _nu(folder: Path) -> list[str]:
    """What reads documents."""
    jar = ROOT / ".contract/node_modules/vnu-jar/build/dist/vnu.jar"
    return ["java", "-Xss4m", "-jar", str(jar), "--errors-only", "--format", "gnu", str(folder)]


@contextmanager
def _site() -> Iterator[tuple[str, str]]:
    """The address of a running site with some pages, and an editor's token."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        with services.postgres(state) as database, services.redis(state) as cache:
            servers = Servers(database.url, cache.url)
            token = mint(state, ISSUER, "alice", "editor")
            with running_site(servers, state) as url:
                seed(url, token, PAGES)
                yield url, token


def _run(command: list[str]) -> int:
    _say(f"== {Path(command[0]).name}")
    # redocly would ask whether there is a newer one.
    environment = {**os.environ, "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=600)
    return done.returncode


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
