"""Deployments, as CodeDeploy knows them: which version of which function, and whether it is fit."""

from typing import Any, NamedTuple

import yaml

from sheaf.aws import services


class Target(NamedTuple):
    """The version of a function to which traffic is to move."""

    function: str
    version: str


class UnreadableDeployment(ValueError):
    """A deployment does not say which version of a function it is about."""


def target(deployment_id: str) -> Target:
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


def report(deployment_id: str, execution_id: str, *, fit: bool) -> None:
    """Let the traffic move, or have everything moved back."""
    services.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=deployment_id,
        lifecycleEventHookExecutionId=execution_id,
        status="Succeeded" if fit else "Failed",
    )
