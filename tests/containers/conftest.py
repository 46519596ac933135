"""The image, built once, and a site that compose.yaml makes of it, with an issuer beside it."""

import os
import secrets
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.containers import docker
from tests.containers.docker import ROOT, Compose
from tests.integration.test_docs import check, examples
from tests.needs import needs
from tests.sam import sam
from tests.servers.issuer import Issuer, running
from tests.servers.ports import free_ports


@dataclass(frozen=True)
class Contained:
    """A site in containers: its address, its parts, and the issuer of the tokens that it takes.

    `certificate` is what the proxy has, with its key beside it; on `http_port` it has no TLS.
    """

    url: str
    compose: Compose
    issuer: Issuer
    certificate: Path
    http_port: int

    @property
    def trust(self) -> ssl.SSLContext:
        """For clients, who have no other authority."""
        return ssl.create_default_context(cafile=str(self.certificate))


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
    port, http_port = free_ports(2)
    return {
        "COMPOSE_PROJECT_NAME": f"sheaf-test-{secrets.token_hex(4)}",
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "CACHE_PASSWORD": secrets.token_hex(16),
        "PORT": str(port),
        "HTTP_PORT": str(http_port),
    }


def make_certificate(folder: Path) -> Path:
    """A certificate in `folder`/tls, with its key beside it, as the manual has it made."""
    label = 'sh skip="tests/containers has its certificate from here"'
    check(list(examples(ROOT / "docs/containers.md", label)), folder, dict(os.environ))
    return folder / "tls/cert.pem"


@pytest.fixture(scope="module")
def contained(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contained]:
    variables = project()
    files = [ROOT / "compose.yaml", ROOT / "tests/containers/issuer.yaml"]
    with running(tmp_path_factory.mktemp("issuer"), sam.gateway()) as issuer:
        certificate = make_certificate(tmp_path_factory.mktemp("proxy"))
        told = {
            "SHEAF_ISSUER": issuer.url,
            "AUTHORITY": str(issuer.authority),
            "SHEAF_TLS": str(certificate.parent),
        }
        compose = Compose(files, variables | told)
        url, http_port = f"https://127.0.0.1:{variables['PORT']}", int(variables["HTTP_PORT"])
        with compose.up():
            yield Contained(url, compose, issuer, certificate, http_port)
