"""What alarms count: lines that functions really write, put to the template's filter patterns."""

import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.invocation.emulator import Emulators, binary, free_port
from local.invocation.samples import EVENTS, Sample
from local.invocation.seed import template
from tests.conftest import NOBODY
from tests.fixtures import Servers
from tests.needs import needs
from tests.sam.conftest import seeded
from tests.sam.deployed import EVERYTHING, deployed, parameters

VERSION = "41"
SAMPLES = {
    "Pages": Sample(EVENTS / "pages/page-unknown.404.json"),  # which no cache has
    "Listing": Sample(EVENTS / "listing/pages.200.json"),
    "Writes": Sample(EVENTS / "writes/create.201.json"),
    "Upkeep": Sample(EVENTS / "upkeep/schedule.ok.json"),
}
RESOURCES = deployed(parameters("prod") | EVERYTHING)["Resources"]

Line = dict[str, Any]
# Invokes a function on its sample in an environment with these differences: its answer and its log.
Try = Callable[..., tuple[Any, list[Line]]]


@pytest.fixture
def attempt(servers: Servers, tmp_path: Path) -> Iterator[Try]:
    needs(binary().exists(), "the Lambda runtime interface emulator")
    with ExitStack() as running:
        settings = running.enter_context(seeded(servers, "alarms", 6))

        def invoke(name: str, timeout: int = 60, **different: str) -> tuple[Any, list[Line]]:
            environment = {**os.environ, **NOBODY, **settings, **different}
            environment |= {"AWS_LAMBDA_FUNCTION_VERSION": VERSION, "POWERTOOLS_LOG_LEVEL": "INFO"}
            sample = SAMPLES[name]
            function = replace(template().functions[sample.function], timeout=timeout)
            emulators = Emulators(environment, tmp_path, running)
            answer = emulators.invoke(function, sample.event)
            return answer, lines(tmp_path / f"{function.name}.log")

        yield invoke


def lines(log: Path) -> list[Line]:
    """The JSON in a log; the emulator's own lines are none."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def counted(name: str, found: list[Line]) -> list[str]:
    """The versions of which a rollout's alarm is told that there was a fault, one for each."""
    alarm = RESOURCES[f"{name}Alarm"]["Properties"]
    (of_version,) = alarm["Dimensions"]
    (metric,) = [
        one["Properties"]
        for one in RESOURCES.values()
        if one["Type"] == "AWS::Logs::MetricFilter"
        and one["Properties"]["MetricTransformations"][0]["MetricName"] == alarm["MetricName"]
    ]
    (dimension,) = metric["MetricTransformations"][0]["Dimensions"]
    assert dimension == {"Key": of_version["Name"], "Value": "$.version"}
    matching = [line for line in found if matches(metric["FilterPattern"], line)]
    # A line without the field, such as the runtime's own, counts for no version.
    return [line["version"] for line in matching if "version" in line]


def matches(pattern: str, line: Line) -> bool:
    """Whether a filter pattern of CloudWatch of the kind that the template has matches a line."""
    inner = re.fullmatch(r"\{ (.+) \}", pattern)
    assert inner
    terms = [re.fullmatch(r'\$\.(\w+) = "(\w+)"', term) for term in inner[1].split(" || ")]
    assert all(terms)
    return any(line.get(term[1]) == term[2] for term in terms if term)


def warnings(found: list[Line]) -> list[Line]:
    return [line for line in found if line.get("level") == "WARNING"]


@pytest.fixture
def nobody() -> str:
    """A server that is down."""
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("name", ["Pages", "Listing", "Writes"])
def test_a_database_that_is_down_is_a_warning_of_one_line(
    attempt: Try, nobody: str, name: str
) -> None:
    answer, found = attempt(name, SHEAF_DATABASE_URLS=f"postgresql://sheaf@{nobody}/sheaf")
    assert answer["statusCode"] == 503
    assert counted(name, found) == []
    (warning,) = warnings(found)
    assert "exception" not in warning
    assert len(json.dumps(warning)) < 1000


def test_upkeep_of_a_database_that_is_down_is_a_warning(attempt: Try, nobody: str) -> None:
    answer, found = attempt(
        "Upkeep", timeout=20, SHEAF_DATABASE_URLS=f"postgresql://sheaf@{nobody}/sheaf"
    )
    assert answer == {"relayed": 0, "removed": 0, "purge": []}
    assert counted("Upkeep", found) == []
    assert warnings(found)
    assert all("exception" not in line for line in found)


@pytest.mark.parametrize(("name", "status"), [("Pages", 404), ("Listing", 200), ("Writes", 503)])
def test_a_cache_that_is_down_is_no_fault(
    attempt: Try, nobody: str, name: str, status: int
) -> None:
    answer, found = attempt(name, SHEAF_CACHE_URL=f"redis://{nobody}/0")
    assert answer["statusCode"] == status
    assert counted(name, found) == []
    assert all("exception" not in line for line in found)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_function_that_answers_500_or_ends_is_a_fault_of_its_version(
    attempt: Try, name: str
) -> None:
    answer, found = attempt(name, SHEAF_BUILD="no number")
    assert answer.get("statusCode", 500) == 500
    assert set(counted(name, found)) == {VERSION}
    told = "".join(str(line.get("exception", "")) for line in found)
    assert told.count("SHEAF_BUILD must be a whole number") <= 1


@pytest.mark.parametrize("name", ["Pages", "Listing", "Writes"])
def test_a_function_that_runs_out_of_time_is_a_fault_of_its_version(
    attempt: Try, silent: str, name: str
) -> None:
    url = f"postgresql://sheaf@{silent}/sheaf?connect_timeout=30"
    # While others are at work its start may take all of the time: then it says nothing.
    for _ in range(10):
        _, found = attempt(name, timeout=2, SHEAF_DATABASE_URLS=url)
        if counted(name, found):
            break
    assert counted(name, found) == [VERSION]
    assert [line["message"] for line in found if line.get("level") == "ERROR"] == ["out of time"]


def test_timestamps_are_those_of_rfc_3339(attempt: Try, nobody: str) -> None:
    _, found = attempt("Listing", SHEAF_DATABASE_URLS=f"postgresql://sheaf@{nobody}/sheaf")
    stamps = [line["timestamp"] for line in found if "level" in line]
    assert stamps
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"
    assert all(re.fullmatch(form, stamp) for stamp in stamps), stamps
