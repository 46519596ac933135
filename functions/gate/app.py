"""CodeDeploy's hook before traffic: a version that does not answer as it should gets none."""

import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import yaml
from aws_lambda_powertools.utilities.typing import LambdaContext

from sheaf import settings, telemetry
from sheaf.aws import services
from sheaf.http import origin
from sheaf.rendering import static

# Longer than a function that starts may take for a request.
_ANSWER_SECONDS = 25
# What the last answers and the report to CodeDeploy may take.
_RESERVED_MILLISECONDS = 75_000
_PAUSE_SECONDS = 3

logger = telemetry.logger()


# Asks the version that is tried, and returns what it answers.
Ask = Callable[[object], Any]


class Target(NamedTuple):
    """The version of a function to which traffic is to move."""

    function: str
    version: str


class Unfit(Exception):
    """A version does not answer as it should; the message says to what, and what it answers."""


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
        check(target.function, lambda event: _ask(target, event, context))
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


def check(function: str, ask: Ask) -> None:
    """Ask a version of the function of this name what it has to answer; raises Unfit."""
    for name, passes in _CHECKS.items():
        # CloudFormation calls it after the stack, after us, and something of its own.
        if f"-{name}-" in function:
            passes(ask)
            return
    raise Unfit(f"nobody knows what {function} should answer")


def _pages(ask: Ask) -> None:
    home = _answer(ask, "GET", "/", 200, 404, 410)  # whether there is a home page is up to editors
    kind = home.get("headers", {}).get("content-type", "")
    if not kind.startswith("text/html"):
        raise Unfit(f"GET / is answered in {kind or 'no type'}, not in HTML")
    _answer(ask, "GET", static.url("style.css"), 200)


def _listing(ask: Ask) -> None:
    _answer(ask, "GET", "/api/health", 200)
    _answer(ask, "GET", "/api/pages", 200)


def _writes(ask: Ask) -> None:
    # It starts, and lets nobody in. Neither would this change anything if it did: it says of no
    # version that it is the one to be replaced.
    _answer(ask, "PUT", "/api/pages/home", 401)


def _upkeep(ask: Ask) -> None:
    answer = ask({"dry_run": True})
    if not (isinstance(answer, dict) and {"relayed", "removed", "purge"} <= answer.keys()):
        raise Unfit(f"a dry run is answered with {answer}")


def _answer(ask: Ask, method: str, path: str, *statuses: int) -> dict[str, Any]:
    answer = ask(event(method, path))
    if not isinstance(answer, dict) or answer.get("statusCode") not in statuses:
        wanted = " or ".join(map(str, statuses))
        raise Unfit(f"{method} {path} should be answered {wanted}, not {str(answer)[:500]}")
    return answer


_CHECKS: dict[str, Callable[[Ask], None]] = {
    "PagesFunction": _pages,
    "ListingFunction": _listing,
    "WritesFunction": _writes,
    "UpkeepFunction": _upkeep,
}


def event(method: str, path: str) -> dict[str, Any]:
    """A request without claims, which has come by way of our own CDN; a PUT has a JSON body."""
    headers = {"accept": "*/*", "host": "gate.invalid", "user-agent": "sheaf-gate"}
    for key in settings.current().origin_keys[:1]:
        headers[origin.HEADER] = key
    body = {}
    if method == "PUT":
        headers["content-type"] = "application/json"
        body["body"] = "{}"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": _context(method, path),
        **body,
        "isBase64Encoded": False,
    }


def _context(method: str, path: str) -> dict[str, Any]:
    return {
        "accountId": "anonymous",
        "apiId": "gate",
        "domainName": "gate.invalid",
        "domainPrefix": "gate",
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "sheaf-gate",
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": "$default",
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
        "timeEpoch": int(time.time() * 1000),
    }
