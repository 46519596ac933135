"""Lambda handlers for tests."""

from typing import Any

ANSWERS: list[Any] = []


def echo(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return the event and parts of the context, as JSON."""
    return {
        "event": event,
        "function": context.function_name,
        "memory": context.memory_limit_in_mb,
        "arn": context.invoked_function_arn,
        "remaining": context.get_remaining_time_in_millis(),
    }


def answer(event: dict[str, Any], context: Any) -> Any:
    """Return what the test put into ANSWERS, or raise it."""
    given = ANSWERS.pop()
    if isinstance(given, BaseException):
        raise given
    return given
