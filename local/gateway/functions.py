"""Calling a function's handler as the Lambda runtime does."""

import importlib
import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from local.gateway.config import GatewayConfig
from local.gateway.template import Function

REGION = "us-east-1"
ACCOUNT = "123456789012"
Handler = Callable[[dict[str, Any], "Context"], Any]


@dataclass(frozen=True)
class Context:
    """The context object of one invocation."""

    function_name: str
    memory_limit_in_mb: int
    timeout: float = field(repr=False)
    function_version: str = "$LATEST"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=time.monotonic, repr=False)

    @property
    def invoked_function_arn(self) -> str:
        """The ARN that a real function of this name would have."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout; nothing here enforces it."""
        return max(0, int((self.started + self.timeout - time.monotonic()) * 1000))


def invoke(function: Function, event: dict[str, Any]) -> Any:
    """Call `function` with `event` and return what its handler returns; its errors pass on."""
    context = Context(function.name, function.memory, function.timeout)
    return handler_of(function)(event, context)


@cache
def handler_of(function: Function) -> Handler:
    """What `function` calls, imported at the first call."""
    module, _, name = function.handler.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), name)
    return handler


def main() -> None:
    """Call the function that the template names NAME and print what it returns."""
    function = GatewayConfig.read(os.environ).load().functions[sys.argv[1]]
    print(json.dumps(invoke(function, {})))


if __name__ == "__main__":
    main()
