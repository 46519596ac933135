"""Every sample event, replayed in three ways: it leads to what its name says."""

from collections.abc import Callable
from concurrent.futures import Future
from urllib.parse import urlsplit

import pytest
import redis

from local.gateway.functions import invoke
from local.invocation.account import Account
from local.invocation.emulator import Emulators
from local.invocation.samples import EVENTS, SAMPLES, Sample
from local.invocation.seed import seed, template
from sheaf.caching import entry
from sheaf.pages import page_cache
from tests.fixtures import Servers
from tests.sam import sam
from tests.sam.conftest import CONTAINED, Outcome
from tests.sam.samples import check

FUNCTIONS = template().functions

# A page that a function reads, and one that a function writes, are stored with its build's number.
STORING = [Sample(EVENTS / name) for name in ("pages/page.200.json", "writes/create.201.json")]

# One for each function and kind of outcome: a container for each invocation takes a while.
OF_EACH_KIND = list(
    {
        (sample.function, "4xx" if sample.outcome.startswith("4") else sample.outcome): sample
        for sample in [*SAMPLES, *STORING]
    }.values()
)

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
storing_sample = pytest.mark.parametrize("sample", STORING, ids=lambda sample: sample.name)


def test_there_is_a_sample_for_every_function() -> None:
    assert {sample.function for sample in SAMPLES} == FUNCTIONS.keys()


def test_there_is_a_sample_for_every_route() -> None:
    routes = {(route.function.name, route.key) for route in template().routes}
    not_head = {route for route in routes if not route[1].startswith("HEAD ")}
    samples = [sample for sample in SAMPLES if sample.outcome != "ok"]
    sampled = {(sample.function, sample.event["routeKey"]) for sample in samples}
    assert not_head <= sampled <= routes


@pytest.mark.usefixtures("clean", "account")
@each_sample
def test_in_process(sample: Sample, aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    seed()
    aws.reset()
    for name, value in aws.settings.items():
        monkeypatch.setenv(name, value)
    answer = invoke(FUNCTIONS[sample.function], aws.event(sample.event))
    check(sample, answer, aws.told())


@each_sample
def test_through_the_runtime_client(sample: Sample, emulators: Emulators, aws: Account) -> None:
    aws.reset()
    answer = emulators.invoke(FUNCTIONS[sample.function], aws.event(sample.event))
    check(sample, answer, aws.told())


@each_sample
def test_by_sam_local_start_lambda(sample: Sample, lambdas: Callable[[Sample], Outcome]) -> None:
    outcome = lambdas(sample)
    check(sample, outcome.answer, outcome.told)


@pytest.mark.parametrize("sample", OF_EACH_KIND, ids=lambda sample: sample.name)
def test_by_sam_local_invoke(sample: Sample, invocations: "dict[str, Future[Outcome]]") -> None:
    outcome = invocations[sample.name].result(timeout=900)
    check(sample, outcome.answer, outcome.told)


@storing_sample
def test_containers_run_what_was_built(
    sample: Sample, invocations: "dict[str, Future[Outcome]]", servers: Servers
) -> None:
    invocations[sample.name].result(timeout=900)
    key = entry.name(page_cache.key(sample.event["pathParameters"]["slug"]))
    url = urlsplit(servers.cache_url)._replace(path=f"/{CONTAINED}").geturl()
    with redis.Redis.from_url(url) as client:
        stored = client.get(key)
    assert isinstance(stored, bytes)
    assert entry.Entry.decode(stored).build == sam.NUMBER
