"""In a new process: import a handler, then call it many times, and say what it took.

    python -S -P warm_calls.py HANDLER ORDER RESULT

ORDER is a file with the events by the status that they must get, each a page's, and the number of
calls, by turns. Nothing is imported before the clock runs that the handler might need, too.
"""

import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

Handler = Callable[[dict[str, Any], "Context"], dict[str, Any]]


class Context:
    """The context of an invocation."""

    function_name = "bench"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"
    aws_request_id = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        """There is always a second."""
        return 1000


def main() -> None:
    """Import, call, write the result."""
    path, order_path, result_path = sys.argv[1:]
    module, _, name = path.rpartition(".")
    begun = time.perf_counter()
    handler: Handler = getattr(import_module(module), name)
    result: dict[str, Any] = {"import_milliseconds": (time.perf_counter() - begun) * 1000}
    import json  # noqa: PLC0415 - not before the handler
    from pathlib import Path  # noqa: PLC0415

    order = json.loads(Path(order_path).read_text())
    for status, events in order["events"].items():
        result[status] = _microseconds(handler, events, int(status), order["calls"])
    result["without_bytecode"] = _without_bytecode(Path)
    Path(result_path).write_text(json.dumps(result))


def _microseconds(handler: Handler, events: list[dict[str, Any]], status: int, calls: int) -> float:
    """Processor time of a call, once each page was asked for."""
    context = Context()
    for event in events * (1 if len(events) > 20 else 20):
        answer = handler(event, context)
        if answer["statusCode"] != status:
            raise RuntimeError(f"wanted {status}, got {answer['statusCode']}: {answer['body']}")
    by_turns = (events * (calls // len(events) + 1))[:calls]
    begun = time.process_time()
    for event in by_turns:
        handler(event, context)
    return (time.process_time() - begun) / calls * 1e6


def _without_bytecode(path: Callable[[str], Any]) -> list[str]:
    """The modules that had to be compiled."""
    specs = [getattr(module, "__spec__", None) for module in sys.modules.values()]
    files = [spec.cached for spec in specs if spec is not None and spec.cached]
    return [file for file in files if not path(file).exists()]


if __name__ == "__main__":
    main()
