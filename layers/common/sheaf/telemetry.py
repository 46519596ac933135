"""Telemetry: structured log lines and metrics, in the schemas of Powertools for AWS Lambda.

Imported for every cached page, so what only others need is imported when it is used.
"""

from __future__ import annotations

import json
import os
import sys
import time
from functools import cache

TYPE_CHECKING = False  # typing itself takes 4 ms to load
if TYPE_CHECKING:
    from typing import Any

    from aws_lambda_powertools import Logger

_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
_cold = True


@cache
def logger() -> Logger:
    """The logger of this process; off the hot path only, since importing it takes a while."""
    from aws_lambda_powertools import Logger  # noqa: PLC0415

    return Logger(service=_service(), utc=True)


def log(level: str, message: str, **fields: object) -> None:
    """One log line without Powertools; inside an `except` it carries the traceback."""
    line: dict[str, object] = {**_head(level, message, time.time()), **fields}
    if sys.exc_info()[0] is not None:
        import traceback  # noqa: PLC0415

        line["exception"] = traceback.format_exc()
    _write(line)


def request(context: Any, now: float, metrics: tuple[str, ...], **fields: object) -> None:
    """The one line of a request: what was answered, and each of these metrics counted once.

    It is a log line and, in CloudWatch's embedded metric format, the metrics at the same time.
    `now` is Unix time. Nothing is written where POWERTOOLS_LOG_LEVEL asks for warnings only.
    """
    global _cold  # noqa: PLW0603 - Powertools reports the same, in the same way
    if not _requests_are_logged():
        return
    line = {
        "_aws": _metrics(metrics, now),
        **_head("INFO", "request", now),
        "cold_start": _cold,
        "function_name": context.function_name,
        "function_memory_size": int(context.memory_limit_in_mb),
        "function_arn": context.invoked_function_arn,
        "function_request_id": context.aws_request_id,
        **dict.fromkeys(metrics, (1.0,)),
        **fields,
    }
    trace = os.environ.get("_X_AMZN_TRACE_ID", "")
    if trace:
        line["xray_trace_id"] = trace.partition(";")[0].removeprefix("Root=")
    _cold = False
    _write(line)


def _metrics(names: tuple[str, ...], now: float) -> dict[str, object]:
    described = [{"Name": name, "Unit": "Count"} for name in names]
    directive = {"Namespace": _namespace(), "Dimensions": [["service"]], "Metrics": described}
    return {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]}


def _head(level: str, message: str, now: float) -> dict[str, object]:
    caller = sys._getframe(2)
    return {
        "level": level,
        "location": f"{caller.f_code.co_name}:{caller.f_lineno}",
        "message": message,
        "timestamp": _timestamp(now),
        "service": _service(),
    }


def _timestamp(now: float) -> str:
    milliseconds = int(now * 1000) % 1000
    return time.strftime(f"%Y-%m-%d %H:%M:%S,{milliseconds:03d}+0000", time.gmtime(now))


def _write(line: dict[str, object]) -> None:
    sys.stdout.write(_encode(line) + "\n")
    sys.stdout.flush()


@cache
def _service() -> str:
    return os.environ.get("POWERTOOLS_SERVICE_NAME", "sheaf")


@cache
def _namespace() -> str:
    return os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Sheaf")


@cache
def _requests_are_logged() -> bool:
    return os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO").upper() in ("DEBUG", "INFO")
