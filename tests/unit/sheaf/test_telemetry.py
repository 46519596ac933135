"""The line of a request has the schemas of Powertools' Logger and Metrics, both at once."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from sheaf import telemetry
from tests.context import new_context

ENVIRONMENT = {
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_SERVICE_NAME": "sheaf",
    "POWERTOOLS_METRICS_NAMESPACE": "Sheaf",
    "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
}
CACHED = (telemetry._always, telemetry._service, telemetry._namespace)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    _forget()
    yield
    _forget()


def _forget() -> None:
    for function in (*CACHED, telemetry._requests_are_logged):
        function.cache_clear()


def _ours(capsys: pytest.CaptureFixture[str], *metrics: str) -> dict[str, Any]:
    telemetry.request(new_context(), time.time(), metrics, path="/x", status=200)
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line


def _powertools(capsys: pytest.CaptureFixture[str], *metrics: str) -> list[dict[str, Any]]:
    logger, counted = Logger(utc=True, use_rfc3339=True), Metrics()

    @counted.log_metrics
    @logger.inject_lambda_context
    def handler(_event: object, _context: object) -> None:
        logger.info("request", path="/x", status=200)
        for metric in metrics:
            counted.add_metric(metric, MetricUnit.Count, 1)

    handler({}, new_context())
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def _shape(value: object) -> object:
    """Names, types and texts with their digits hidden."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value]
    return re.sub(r"[0-9a-f]", "0", value) if isinstance(value, str) else type(value)


def test_it_is_what_powertools_writes(capsys: pytest.CaptureFixture[str]) -> None:
    theirs_of_log, theirs_of_metrics = _powertools(capsys, "CacheHit", "MemoryHit")
    ours = _ours(capsys, "CacheHit", "MemoryHit")
    # Where in the code a line comes from is said by the name of the function, without a number.
    theirs_of_log["location"] = ours["location"]
    assert _shape(ours) == _shape({**theirs_of_log, **theirs_of_metrics})


def test_only_the_first_request_of_a_process_is_a_cold_start() -> None:
    code = (
        "import time; from sheaf import telemetry; from tests.context import new_context\n"
        "for _ in range(2): telemetry.request(new_context(), time.time(), (), status=200)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["cold_start"] for line in lines] == [True, False]


def test_nothing_is_written_where_only_warnings_are_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "WARNING")
    telemetry._requests_are_logged.cache_clear()
    telemetry.request(new_context(), time.time(), (), status=200)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("disabled", ["true", "false"])
def test_metrics_are_written_whatever_the_log_level_unless_disabled(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, disabled: str
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "CRITICAL")
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", disabled)
    telemetry.measure(Relayed=2, OutboxSeconds=0.5)
    written = capsys.readouterr().out
    assert (written == "") == (disabled == "true")
    if written:
        line = json.loads(written)
        assert (line["Relayed"], line["OutboxSeconds"]) == ([2.0], [0.5])


def test_a_line_about_an_error_carries_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        int("what went wrong")
    except ValueError:
        telemetry.log("ERROR", "unhandled", path="/x")
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["message"], line["path"]) == ("ERROR", "unhandled", "/x")
    assert "what went wrong" in line["exception"]
    assert line["location"].startswith("test_a_line_about_an_error")
