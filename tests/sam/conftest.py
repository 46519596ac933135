"""What the SAM tests share: one build, one seeded site for each way of replaying events."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.conftest import Servers
from tests.needs import needs
from tests.sam import sam
from tests.sam.emulator import Emulators, binary
from tests.sam.forwarder import forwarding
from tests.sam.samples import Sample


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts of `sam build`."""
    return sam.build(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="session")
def emulators(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulators]:
    """Emulators of the functions, with a seeded site of their own."""
    needs(binary().exists(), "the Lambda runtime interface emulator")
    environment = {**os.environ, **seeded(servers, "emulated", 2)}
    with ExitStack() as running:
        yield Emulators(environment, tmp_path_factory.mktemp("emulators"), running)


@pytest.fixture(scope="session")
def container(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[sam.Container]:
    """The built functions in `sam local`, with a seeded site of their own."""
    needs(sam.has_image(), f"Docker with the image {sam.IMAGE} (.ci/images)")
    folder = tmp_path_factory.mktemp("containers")
    built = request.getfixturevalue("built")
    settings = seeded(servers, "contained", 3)
    with ExitStack() as running:
        for name in settings:
            url = urlsplit(settings[name])
            port = running.enter_context(forwarding(sam.gateway(), int(url.port or 0)))
            location = f"{url.netloc.rpartition('@')[0]}@{sam.gateway()}:{port}"
            settings[name] = url._replace(netloc=location).geturl()
        settings |= {"SHEAF_AUTH": "password", "SHEAF_CACHE_CLUSTER": "false"}
        variables = folder / "variables.json"
        variables.write_text(json.dumps({"Parameters": settings}))
        yield sam.Container(built, variables, folder / "layers")


@pytest.fixture(scope="session")
def invocations(
    container: sam.Container, request: pytest.FixtureRequest
) -> Iterator[dict[str, "Future[Any]"]]:
    """What `sam local invoke` answers to each sample, several at a time."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        yield {
            sample.name: pool.submit(container.invoke, sample.function, sample.path)
            for sample in selected(request.session)
        }
        pool.shutdown(cancel_futures=True)


def selected(session: pytest.Session) -> list[Sample]:
    """The samples that this run wants replayed in containers."""
    items = [item for item in session.items if isinstance(item, pytest.Function)]
    wanted = [item.callspec for item in items if "invocations" in item.fixturenames]
    return [sample for call in wanted if isinstance(sample := call.params["sample"], Sample)]


def seeded(servers: Servers, name: str, cache: int) -> dict[str, str]:
    """The settings of a new site with the pages that the samples assume."""
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    settings = {
        "SHEAF_DATABASE_URLS": urlsplit(servers.database_url)._replace(path=f"/{name}").geturl(),
        "SHEAF_CACHE_URL": urlsplit(servers.cache_url)._replace(path=f"/{cache}").geturl(),
    }
    command = [sys.executable, "-m", "tests.sam.seed"]
    subprocess.run(command, cwd=sam.ROOT, env={**os.environ, **settings}, check=True, timeout=60)
    return settings
