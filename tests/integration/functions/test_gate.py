"""The gate before real versions: what it asks them is what they take, and what they answer will do.

Lambda is an HTTP server that calls the handlers; they use PostgreSQL and Redis as they always do.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import gate.app
from local.gateway.functions import invoke
from local.gateway.template import Function
from local.invocation.codedeploy import CodeDeploy, specification
from local.invocation.endpoint import Answer, Asked, serving
from local.invocation.samples import EVENTS, Sample
from sheaf import settings
from sheaf.sharding import shards
from tests.context import new_context
from tests.fixtures import Servers
from tests.site import Site

SetAnew = Callable[[str, str], None]
FUNCTIONS = ("PagesFunction", "ListingFunction", "WritesFunction", "UpkeepFunction")
INVOCATION = re.compile(r"/2015-03-31/functions/sheaf-dev-(\w+)-1A2B3C/invocations\?Qualifier=7")


class Account:
    """CodeDeploy, and Lambda with the real functions."""

    def __init__(self) -> None:
        self.codedeploy = CodeDeploy("")
        self.answers: list[Any] = []

    def __call__(self, asked: Asked) -> Answer:
        if "X-Amz-Target" in asked.headers:
            return self.codedeploy(asked)
        found = INVOCATION.fullmatch(asked.path)
        assert found, asked.path
        try:
            self.answers.append(invoke(function(found[1]), asked.document))
        except Exception as error:  # noqa: BLE001 - as Lambda does
            failure = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return Answer(200, failure, {"X-Amz-Function-Error": "Unhandled"})
        return Answer(body=self.answers[-1])

    def report(self, name: str) -> str:
        """What the gate reports of a new version of a function."""
        self.codedeploy = CodeDeploy(specification(f"sheaf-dev-{name}-1A2B3C", "7"))
        event = Sample(EVENTS / "gate" / "before-traffic.ok.json").event
        gate.app.handler(event, new_context())
        (reported,) = self.codedeploy.reported
        return str(reported["status"])


def function(name: str) -> Function:
    package = name.removesuffix("Function").lower()
    return Function(name, f"{package}.app.handler", 25, 512)


@pytest.fixture
def deployed(clean: Servers, account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    deployed = Account()
    with serving(deployed) as server:
        for service in ("LAMBDA", "CODEDEPLOY"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", server.url)
        yield deployed


@pytest.fixture
def set_anew(deployed: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[SetAnew]:
    """Changes a setting of all functions, for one test."""

    def set_anew(variable: str, value: str) -> None:
        monkeypatch.setenv(variable, value)
        forget_settings()

    yield set_anew
    monkeypatch.undo()
    forget_settings()


def forget_settings() -> None:
    settings.current.cache_clear()
    shards.forget_map()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_fit_on_an_empty_site(deployed: Account, name: str) -> None:
    assert deployed.report(name) == "Succeeded"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_fit_on_a_site_with_pages(
    deployed: Account, site: Site, name: str
) -> None:
    site.create("home", "# Home")
    assert deployed.report(name) == "Succeeded"
    assert site.get("/api/pages/home").json["version"] == 1


def test_pages_are_fit_whose_home_page_was_deleted(deployed: Account, site: Site) -> None:
    site.create("home", "# Home")
    site.delete("home", 1)
    assert deployed.report("PagesFunction") == "Succeeded"
    assert [answer["statusCode"] for answer in deployed.answers] == [410, 200]


@pytest.mark.parametrize("name", ["PagesFunction", "ListingFunction", "UpkeepFunction"])
def test_a_function_that_reads_is_not_fit_without_its_database(
    deployed: Account, set_anew: SetAnew, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    set_anew("SHEAF_DATABASE_URLS", "postgresql://nobody@127.0.0.1:1/none")
    assert deployed.report(name) == "Failed"
    assert "'statusCode': 503" in caplog.text or "Unavailable: the database" in caplog.text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_fit_that_wants_requests_to_come_from_the_cdn(
    deployed: Account, set_anew: SetAnew, name: str
) -> None:
    set_anew("SHEAF_ORIGIN_KEYS", f"{'new' * 7},{'old' * 7}")
    assert deployed.report(name) == "Succeeded"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_raises_is_not_fit(
    deployed: Account, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def broken(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'brotli'")

    monkeypatch.setattr("tests.integration.functions.test_gate.invoke", broken)
    assert deployed.report(name) == "Failed"


def test_the_gate_knows_every_function_that_gets_traffic() -> None:
    assert set(gate.app._CHECKS) == set(FUNCTIONS)
