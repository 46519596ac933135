"""CodeDeploy's hook before traffic: a version that does not answer as it should gets none."""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from gate import deployments, trials
from gate.deployments import Target
from sheaf import telemetry
from sheaf.aws import services

# Longer than a function that starts may take for a request.
_ANSWER_SECONDS = 25
# What the last answers and the report to CodeDeploy may take.
_RESERVED_MILLISECONDS = 75_000
_PAUSE_SECONDS = 3

logger = telemetry.logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, str], context: LambdaContext) -> None:
    """Try the version that is deployed, and tell CodeDeploy in any case: it would wait an hour."""
    fit = _is_fit(event["DeploymentId"], context)
    deployments.report(event["DeploymentId"], event["LifecycleEventHookExecutionId"], fit=fit)


def _is_fit(deployment: str, context: LambdaContext) -> bool:
    try:
        target = deployments.target(deployment)
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
