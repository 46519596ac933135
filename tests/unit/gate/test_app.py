"""The hook, over the protocols of CodeDeploy and Lambda."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

import gate.app
from local.gateway.functions import Context
from local.invocation.codedeploy import CodeDeploy, specification
from local.invocation.endpoint import Answer, Asked, serving
from local.invocation.samples import EVENTS, Sample
from sheaf import settings
from sheaf.aws import services
from tests.context import new_context

EVENT = Sample(EVENTS / "gate" / "before-traffic.ok.json").event
WRITES = "sheaf-dev-WritesFunction-1A2B3C4D5E6F"
THROTTLED = Answer(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})


@dataclass
class Account:
    """What the hook has to do with: the deployment, and the version, which gives these answers."""

    codedeploy: CodeDeploy
    answers: list[Answer]
    invoked: list[str]

    def __call__(self, asked: Asked) -> Answer:
        if "X-Amz-Target" in asked.headers:
            return self.codedeploy(asked)
        self.invoked.append(asked.path)
        return self.answers.pop(0)


@pytest.fixture
def deployed(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """A version of the writes function that lets nobody in, as it should."""
    monkeypatch.setenv("SHEAF_DATABASE_URLS", "postgresql://h/d")
    monkeypatch.setenv("SHEAF_CACHE_URL", "redis://h")
    settings.current.cache_clear()
    found = Account(CodeDeploy(specification(WRITES, "7")), [status(401)], [])
    with serving(found) as server:
        for service in ("LAMBDA", "CODEDEPLOY"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", server.url)
        yield found
    settings.current.cache_clear()


def status(code: int) -> Answer:
    return Answer(body={"statusCode": code})


def report(deployed: Account, context: Any = None) -> str:
    """What the hook reports to CodeDeploy."""
    gate.app.handler(EVENT, context or new_context())
    (reported,) = deployed.codedeploy.reported
    assert reported["deploymentId"] == EVENT["DeploymentId"]
    named = reported["lifecycleEventHookExecutionId"]
    assert named == EVENT["LifecycleEventHookExecutionId"]
    return str(reported["status"])


def test_the_version_that_is_deployed_is_tried(deployed: Account) -> None:
    assert report(deployed) == "Succeeded"
    assert deployed.invoked == [f"/2015-03-31/functions/{WRITES}/invocations?Qualifier=7"]


def test_a_specification_may_be_yaml_and_called_a_string(deployed: Account) -> None:
    text = yaml.safe_dump(json.loads(specification(WRITES, "7"))).replace("'7'", "7")
    deployed.codedeploy = CodeDeploy(text, "string")
    assert report(deployed) == "Succeeded"
    assert deployed.invoked[0].endswith("Qualifier=7")


def test_a_wrong_status_is_refused(deployed: Account, caplog: pytest.LogCaptureFixture) -> None:
    deployed.answers = [status(200)]
    assert report(deployed) == "Failed"
    assert "PUT /api/pages/home should be answered 401" in caplog.text


def test_a_version_that_does_not_start_is_refused(
    deployed: Account, caplog: pytest.LogCaptureFixture
) -> None:
    error = {"errorType": "Runtime.ImportModuleError", "errorMessage": "No module named 'app'"}
    deployed.answers = [Answer(200, error, {"X-Amz-Function-Error": "Unhandled"})]
    assert report(deployed) == "Failed"
    assert "Runtime.ImportModuleError: No module" in caplog.text


def test_what_lambda_refuses_is_refused(deployed: Account) -> None:
    deployed.answers = [Answer(403, {"Message": "not authorized"})]
    assert report(deployed) == "Failed"


@pytest.mark.parametrize("content", ["", "[", "{}", '{"Resources": []}', '{"Resources": [{}]}'])
def test_a_deployment_that_cannot_be_read_is_refused(deployed: Account, content: str) -> None:
    deployed.codedeploy = CodeDeploy(content)
    assert report(deployed) == "Failed"
    assert deployed.invoked == []


def test_a_database_that_wakes_up_is_waited_for(deployed: Account, pauses: list[float]) -> None:
    deployed.answers = [status(503), status(503), status(401)]
    assert report(deployed, Context("gate", 512, 120)) == "Succeeded"
    assert pauses == [3, 3]


def test_the_wait_ends_while_there_is_time_to_report(
    deployed: Account, pauses: list[float]
) -> None:
    deployed.answers = [status(503)] * 2
    assert report(deployed, Context("gate", 512, 60)) == "Failed"
    assert (pauses, len(deployed.answers)) == ([], 1)


def test_codedeploy_is_asked_again_when_it_wants_less(
    deployed: Account, pauses: list[float]
) -> None:
    deployed.codedeploy.refusals = [THROTTLED, THROTTLED]
    assert report(deployed) == "Succeeded"
    assert len(pauses) == 2


def test_a_report_that_is_throttled_is_sent_again(deployed: Account, pauses: list[float]) -> None:
    refusals = [THROTTLED, Answer(500), THROTTLED]
    services.client("codedeploy").meta.events.register(
        "before-call.codedeploy.PutLifecycleEventHookExecutionStatus",
        lambda **_: deployed.codedeploy.refusals.extend(refusals),
    )
    assert report(deployed) == "Succeeded"
    assert len(pauses) == 3


def test_a_report_that_nobody_takes_is_an_error_and_lambda_tries_again(
    deployed: Account, pauses: list[float]
) -> None:
    deployed.codedeploy.refusals = [THROTTLED] * 8
    with pytest.raises(Exception, match="ThrottlingException"):
        gate.app.handler(EVENT, new_context())
    assert deployed.codedeploy.reported == []
