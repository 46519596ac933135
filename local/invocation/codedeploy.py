"""CodeDeploy's part in a hook, over HTTP: what is deployed, and where the hook reports to."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from local.invocation.endpoint import Answer, Asked

APPLICATION = "sheaf-dev-ServerlessDeploymentApplication-1A2B3C"


def specification(function: str, version: str) -> str:
    """The AppSpec file that CloudFormation writes for an alias."""
    properties = {
        "Name": function,
        "Alias": "live",
        "CurrentVersion": "6",
        "TargetVersion": version,
    }
    resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
    hooks = [{"BeforeAllowTraffic": "CodeDeployHook_sheaf_dev"}]
    return json.dumps({"version": 0.0, "Resources": [{function: resource}], "Hooks": hooks})


class CodeDeploy:
    """One deployment, and what was reported of it."""

    def __init__(self, content: str, kind: str = "appSpecContent") -> None:
        self.content, self.kind = content, kind
        self.reported: list[dict[str, Any]] = []
        # Sent in their order, one in the place of each answer.
        self.refusals: list[Answer] = []

    def __call__(self, asked: Asked) -> Answer:
        """The answer to a call in AWS's protocol."""
        if self.refusals:
            return self.refusals.pop(0)
        operation = asked.headers["X-Amz-Target"].removeprefix("CodeDeploy_20141006.")
        operations: dict[str, Callable[[dict[str, Any]], Answer]] = {
            "GetDeployment": self._deployment,
            "GetApplicationRevision": self._revision,
            "PutLifecycleEventHookExecutionStatus": self._status,
        }
        return operations[operation](asked.document)

    def _location(self, content: str | None) -> dict[str, Any]:
        name = self.kind[0].upper() + self.kind[1:]
        digest = hashlib.sha256(self.content.encode()).hexdigest()
        return {"revisionType": name, self.kind: {"content": content, "sha256": digest}}

    def _deployment(self, asked: dict[str, Any]) -> Answer:
        # The content is always null here: one has to ask for the revision by its digest.
        info = {"applicationName": APPLICATION, "revision": self._location(None)}
        return Answer(body={"deploymentInfo": {"deploymentId": asked["deploymentId"], **info}})

    def _revision(self, asked: dict[str, Any]) -> Answer:
        digest = {"sha256": self._location(None)[self.kind]["sha256"]}
        if asked["applicationName"] != APPLICATION or asked["revision"][self.kind] != digest:
            return Answer(400, {"__type": "RevisionDoesNotExistException", "message": "unknown"})
        found = {"applicationName": APPLICATION, "revision": self._location(self.content)}
        return Answer(body=found)

    def _status(self, asked: dict[str, Any]) -> Answer:
        self.reported.append(asked)
        identity = asked["lifecycleEventHookExecutionId"]
        return Answer(body={"lifecycleEventHookExecutionId": identity})
