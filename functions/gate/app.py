"""CodeDeploy's hook before traffic: a version that does not answer as it should gets none."""

import time
from typing import Any, NamedTuple

import yaml
from aws_lambda_powertools.utilities.typing import LambdaContext

from gate import trials
from sheaf import telemetry
from sheaf.aws import services

# Longer than a function that starts may take for a request.
_ANSWER_SECONDS = 25
# What the last answers and the report to CodeDeploy may take.
_RESERVED_MILLISECONDS = 75_000
_PAUSE_SECONDS = 3

logger = telemetry.logger()


class Target(NamedTuple):
    """The version of a function to which traffic is to move."""

    function: str
    version: str


class UnreadableDeployment(ValueError):
    """A deployment does not say which version of a function it is about."""


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, str], context: LambdaContext) -> None:
    """Try the version that is deployed, and tell CodeDeploy in any case: it would wait an hour."""
    fit = _is_fit(event["DeploymentId"], context)
    _report(event["DeploymentId"], event["LifecycleEventHookExecutionId"], fit=fit)


def _is_fit(deployment: str, context: LambdaContext) -> bool:
    try:
        target = _target(deployment)
        logger.append_keys(function=target.function, version=target.version)
        trials.hold(target.function, lambda event: _ask(target, event, context))
    except Exception as failure:
        logger.exception("refused", reason=str(failure))
        return False
    logger.info("fit for traffic")
    return True


def _ask(target: Target, event: object, context: LambdaContext) -> Any:
    """What the version answers. 503 may be a database that wakes up: then it is asked again."""
    while True:
        answer = services.invoke(target.function, event, _ANSWER_SECONDS, target.version)
        busy = isinstance(answer, dict) and answer.get("statusCode") == 503
        if not busy or context.get_remaining_time_in_millis() < _RESERVED_MILLISECONDS:
            return answer
        time.sleep(_PAUSE_SECONDS)


def _target(deployment_id: str) -> Target:
    """What a deployment is about; raises UnreadableDeployment."""
    try:
        (resource,) = _specification(deployment_id)["Resources"]
        ((_, described),) = resource.items()
        properties = described["Properties"]
        return Target(str(properties["Name"]), str(properties["TargetVersion"]))
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as failure:
        raise UnreadableDeployment(f"{deployment_id}: {failure!r}") from failure


def _specification(deployment_id: str) -> Any:
    """The AppSpec file. The deployment itself knows only its digest."""
    codedeploy = services.client("codedeploy")
    deployment = codedeploy.get_deployment(deploymentId=deployment_id)["deploymentInfo"]
    found = codedeploy.get_application_revision(
        applicationName=deployment["applicationName"], revision=deployment["revision"]
    )
    revision = found["revision"]
    # "string" is how it was called before.
    content = (revision.get("appSpecContent") or revision["string"])["content"]
    return yaml.safe_load(content)  # JSON is YAML, too


def _report(deployment_id: str, execution_id: str, *, fit: bool) -> None:
    """Let the traffic move, or have everything moved back."""
    services.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=deployment_id,
        lifecycleEventHookExecutionId=execution_id,
        status="Succeeded" if fit else "Failed",
    )
