"""What the SAM tests share: one build, one seeded site for each way of replaying events."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from local.invocation import containers
from local.invocation.account import Account, account, moto_server
from local.invocation.emulator import Emulators, binary
from local.invocation.samples import Sample
from tests.conftest import NOBODY
from tests.fixtures import Servers, database
from tests.needs import needs
from tests.sam import sam
from tests.sam.forwarder import forwarding
from tests.waiting import PATIENCE

CONTAINED, WARM = 3, 7  # the numbers of the containers' Redis databases


class Outcome(NamedTuple):
    """What came of an event."""

    answer: Any
    told: dict[str, Any]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts of `make build`."""
    return sam.build(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="session")
def aws() -> Iterator[Account]:
    """An account of AWS."""
    with moto_server() as url, account(url) as made:
        yield made


@pytest.fixture(scope="session")
def emulators(
    servers: Servers, aws: Account, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Emulators]:
    """Emulators of the functions, with a seeded site of their own."""
    needs(binary().exists(), "the Lambda runtime interface emulator")
    with ExitStack() as running:
        settings = running.enter_context(seeded(servers, "emulated", 2))
        environment = {**os.environ, **NOBODY, **settings, **aws.settings}
        yield Emulators(environment, tmp_path_factory.mktemp("emulators"), running)


@pytest.fixture(scope="session")
def declared(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> sam.Container:
    """The built functions for `sam local`, with a layer that it takes for published."""
    needs(sam.has_image(), f"Docker with the image {sam.IMAGE} (.ci/images)")
    folder = tmp_path_factory.mktemp("containers")
    built = shutil.copytree(request.getfixturevalue("built"), folder / "build")
    containers.write_template(built, folder / "layers")
    return sam.Container(built, folder / "layers", {})


@pytest.fixture(scope="session")
def container(servers: Servers, declared: sam.Container) -> Iterator[sam.Container]:
    """The functions in `sam local`, with a seeded site of their own."""
    with reachable(servers, "contained", CONTAINED) as settings:
        yield replace(declared, settings=settings)


@contextmanager
def reachable(servers: Servers, name: str, cache: int) -> Iterator[dict[str, str]]:
    """The settings of a new site that containers reach."""
    with ExitStack() as running:
        settings = running.enter_context(seeded(servers, name, cache))
        for variable in settings:
            url = urlsplit(settings[variable])
            port = running.enter_context(forwarding(sam.gateway(), int(url.port or 0)))
            location = f"{url.netloc.rpartition('@')[0]}@{sam.gateway()}:{port}"
            settings[variable] = url._replace(netloc=location).geturl()
        settings |= {"SHEAF_AUTH": "password", "SHEAF_CACHE_CLUSTER": "false"}
        settings["SHEAF_ORIGIN_KEYS"] = ""  # the samples have not come by way of a CDN
        yield settings


@pytest.fixture(scope="session")
def lambdas(
    servers: Servers, declared: sam.Container, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Sample], Outcome]]:
    """Invokes the function of a sample by `sam local start-lambda`, in containers that stay."""
    log = tmp_path_factory.mktemp("start-lambda") / "log"
    with ExitStack() as running:
        settings = running.enter_context(reachable(servers, "warm", WARM))
        url = running.enter_context(moto_server(sam.gateway()))
        aws = running.enter_context(account(url, sam.gateway()))
        container = replace(declared, settings={**settings, **aws.settings})
        site = running.enter_context(container.serve("start-lambda", log))

        def invoke(sample: Sample) -> Outcome:
            aws.reset()
            answer = httpx.post(
                f"{site}/2015-03-31/functions/{sample.function}/invocations",
                json=aws.event(sample.event),
                timeout=PATIENCE,
            )
            assert answer.status_code == 200, f"{answer.text}\n{log.read_text()}"
            return Outcome(json.loads(answer.text or "null"), aws.told())

        yield invoke


@pytest.fixture(scope="session")
def invocations(
    container: sam.Container, request: pytest.FixtureRequest
) -> Iterator[dict[str, "Future[Outcome]"]]:
    """What comes of each sample by `sam local invoke`, several at a time."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool, moto_server(sam.gateway()) as url:
        yield {
            sample.name: pool.submit(contained, sample, container, url)
            for sample in selected(request.session)
        }
        pool.shutdown(cancel_futures=True)


def contained(sample: Sample, container: sam.Container, moto: str) -> Outcome:
    """What comes of a sample in a container and in an account of its own."""
    with account(moto, sam.gateway()) as made:
        settings = {**container.settings, **made.settings}
        answer = replace(container, settings=settings).invoke(
            sample.function, made.event(sample.event)
        )
        return Outcome(answer, made.told())


def selected(session: pytest.Session) -> list[Sample]:
    """The samples that this run wants replayed in containers."""
    items = [item for item in session.items if isinstance(item, pytest.Function)]
    wanted = [item.callspec for item in items if "invocations" in item.fixturenames]
    samples = [sample for call in wanted if isinstance(sample := call.params["sample"], Sample)]
    return list(dict.fromkeys(samples))


@contextmanager
def seeded(servers: Servers, name: str, cache: int) -> Iterator[dict[str, str]]:
    """The settings of a new site with the pages that the samples assume."""
    with database(servers, name) as url:
        settings = {"SHEAF_DATABASE_URLS": url, "SHEAF_CACHE_URL": servers.cache(cache)}
        command = [sys.executable, "-m", "local.invocation.seed"]
        environment = {**os.environ, **settings}
        subprocess.run(command, cwd=sam.ROOT, env=environment, check=True, timeout=60)
        yield settings
