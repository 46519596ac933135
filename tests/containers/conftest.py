"""The image, built once, and a site that compose.yaml makes of it, with an issuer beside it."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.containers import docker
from tests.containers.docker import ROOT, Compose
from tests.needs import needs
from tests.sam import sam
from tests.servers.issuer import Issuer, running
from tests.servers.ports import free_ports


@dataclass(frozen=True)
class Contained:
    """A site in containers: its address, its parts, and the issuer of the tokens that it takes."""

    url: str
    compose: Compose
    issuer: Issuer


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of the image, as compose.yaml has it; with -laptop it is the other one."""
    lacking = docker.missing()
    needs(not lacking, f"`{lacking}` to succeed (.ci/images, or docker pull)")
    folder = tmp_path_factory.mktemp("secrets")
    docker.build("site", "sheaf", folder)
    docker.build("laptop", "sheaf-laptop", folder)
    return "sheaf"


def project() -> dict[str, str]:
    """The variables of a project beside all others."""
    return {
        "COMPOSE_PROJECT_NAME": f"sheaf-test-{secrets.token_hex(4)}",
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "CACHE_PASSWORD": secrets.token_hex(16),
        "PORT": str(free_ports(1)[0]),
    }


@pytest.fixture(scope="module")
def contained(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contained]:
    variables = project()
    files = [ROOT / "compose.yaml", ROOT / "tests/containers/issuer.yaml"]
    with running(tmp_path_factory.mktemp("issuer"), sam.gateway()) as issuer:
        told = {"SHEAF_ISSUER": issuer.url, "AUTHORITY": str(issuer.authority)}
        compose = Compose(files, variables | told)
        with compose.up():
            yield Contained(f"http://127.0.0.1:{variables['PORT']}", compose, issuer)
