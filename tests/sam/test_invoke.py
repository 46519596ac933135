"""`make invoke`: a sample event by one command, in a container and without any."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.invocation import containers, emulator
from tests.needs import needs
from tests.sam import sam

EVENTS = ("pages/page.200", "writes/create.201", "listing/pages.200")
OUTSIDE = ("release/create.ok", "gate/before-traffic.ok", "purge/changed.ok")
NO_DOCKER = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


def invoke(name: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["make", "--silent", "invoke", f"EVENT=events/{name}.json"],
        cwd=sam.ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        check=False,
        text=True,
        timeout=600,
    )


def check(name: str, done: "subprocess.CompletedProcess[str]") -> None:
    """A status comes first, and what is no answer to a request is JSON."""
    assert done.returncode == 0, done.stderr
    outcome = name.rpartition(".")[2]
    if outcome == "ok":
        assert json.loads(done.stdout) is None
    else:
        assert done.stdout.splitlines()[0] == outcome


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.mark.parametrize("name", [*EVENTS, *OUTSIDE])
def test_without_docker_it_is_the_working_tree(name: str, home: Path) -> None:
    needs(emulator.binary().exists(), "the Lambda runtime interface emulator")
    done = invoke(name, SHEAF_HOME=str(home), **NO_DOCKER)
    check(name, done)
    assert "Docker does not run here" in done.stderr


@pytest.fixture(scope="module")
def servers_of_docker() -> Iterator[None]:
    """Servers of before go on; those that the tests start are removed."""
    needs(sam.has_image() and containers.are_there(), f"Docker with the image {sam.IMAGE}")
    compose = ["docker", "compose", "--project-name", containers.SERVERS]
    listed = subprocess.run(
        ["docker", "ps", "--quiet", "--filter", f"name={containers.SERVERS}-"],
        check=True,
        capture_output=True,
    )
    yield
    if not listed.stdout:
        down = [*compose, "down", "--volumes"]
        environment = {**os.environ, **containers.PASSWORDS}
        subprocess.run(down, cwd=sam.ROOT, env=environment, check=True, timeout=120)


@pytest.mark.usefixtures("servers_of_docker")
def test_after_one_make_invoke_sam_local_works_by_itself() -> None:
    check("pages/page.200", invoke("pages/page.200"))
    plain = subprocess.run(
        [sam.BIN / "sam", "local", "invoke", "PagesFunction", "-e", "events/pages/page.200.json"],
        cwd=sam.ROOT,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        check=True,
        text=True,
        timeout=300,
    )
    assert json.loads(plain.stdout.splitlines()[-1])["statusCode"] == 200


@pytest.mark.usefixtures("servers_of_docker")
@pytest.mark.parametrize("name", OUTSIDE)
def test_functions_outside_the_network_find_an_account(name: str) -> None:
    check(name, invoke(name))


@pytest.mark.parametrize(
    ("name", "reason"),
    [("pages/none.200", "none.200.json"), ("nothing/x.200", "which are gate, listing")],
)
def test_what_is_no_sample_is_refused_in_a_line(name: str, reason: str) -> None:
    done = invoke(name)
    assert done.returncode != 0
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
