"""Calling a function's handler as the Lambda runtime does."""

import importlib
import json
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn

from local.gateway.config import GatewayConfig
from local.gateway.template import Function

REGION = "us-east-1"
ACCOUNT = "123456789012"
# Of what Lambda takes and gives, as JSON.
MAX_EVENT_BYTES = 6 * 1024 * 1024
MAX_ANSWER_BYTES = MAX_EVENT_BYTES + 100
Handler = Callable[[dict[str, Any], "Context"], Any]


class EventTooLarge(ValueError):
    """Lambda would not take the event."""


class AnswerTooLarge(ValueError):
    """Lambda would not hand the answer on."""


class TimedOut(RuntimeError):
    """The function has not answered in its time: Lambda would have ended it."""


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
        """Milliseconds until the function's timeout."""
        return max(0, int((self.started + self.timeout - time.monotonic()) * 1000))


def invoke(function: Function, event: dict[str, Any]) -> Any:
    """Call `function` with `event` and return what its handler returns; its errors pass on.

    Raises EventTooLarge, AnswerTooLarge, and, in the main thread, TimedOut.
    """
    if _is_larger(event, MAX_EVENT_BYTES):
        raise EventTooLarge(f"{function.name} would be given more than {MAX_EVENT_BYTES} bytes")
    context = Context(function.name, function.memory, function.timeout)
    handler = handler_of(function)
    with _ended_after(function.timeout, function.name):
        answer = handler(event, context)
    if _is_larger(answer, MAX_ANSWER_BYTES):
        raise AnswerTooLarge(f"{function.name} answers more than {MAX_ANSWER_BYTES} bytes")
    return answer


def _is_larger(value: Any, limit: int) -> bool:
    """Whether an event or an answer has more bytes of JSON: only a body can have that many."""
    body = value.get("body") if isinstance(value, dict) else None
    # No character takes more than six bytes, and all else not as many as that.
    if not isinstance(body, str) or len(body) * 6 + 100_000 < limit:
        return False
    return len(json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")) > limit


class _Ended(BaseException):
    """No handler may take it for an error of its own."""


@contextmanager
def _ended_after(seconds: float, name: str) -> Iterator[None]:
    """End the block after so long, as Lambda ends a function."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _end)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    started = time.monotonic()
    try:
        yield
    except _Ended:
        raise TimedOut(f"{name} has not answered within {seconds} s") from None
    finally:
        signal.signal(signal.SIGALRM, before)
        elapsed = time.monotonic() - started
        signal.setitimer(signal.ITIMER_REAL, max(left - elapsed, 0.001) if left else 0)


def _end(_number: int, _frame: object) -> NoReturn:
    raise _Ended


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
