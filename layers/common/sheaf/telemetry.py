"""Telemetry: structured log lines and metrics, in the schemas of Powertools for AWS Lambda.

Imported for every cached page, so what only others need is imported when it is used.
"""

from __future__ import annotations

# `signal` makes enumerations of all its names, at each start.
import _signal as signal  # type: ignore[import-not-found]
import json
import os
import sys
import time
from functools import cache, lru_cache, wraps

TYPE_CHECKING = False  # typing itself takes 4 ms to load
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aws_lambda_powertools import Logger

    Handler = Callable[[Any, Any], Any]

# Of a traceback this much is kept, from its beginning and its end.
_TRACEBACK_LENGTH = 2000
_REASON_LENGTH = 200
# Before Lambda ends a function; enough to write a line.
_LAST_SECONDS = 0.25
_LEAST_SECONDS = 0.001  # none would be no timer at all
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
_cold = True


@cache
def logger() -> Logger:
    """The logger of this process; off the hot path only, since importing it takes a while."""
    from aws_lambda_powertools import Logger  # noqa: PLC0415
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter  # noqa: PLC0415

    class Formatter(LambdaPowertoolsFormatter):
        def formatException(self, ei: Any) -> str:  # noqa: N802 - the name of the standard library
            return _bounded(super().formatException(ei))

    formatter = Formatter(utc=True, use_rfc3339=True, serialize_stacktrace=False)
    return Logger(service=_service(), logger_formatter=formatter, version=_version())


def reason(error: BaseException) -> str:
    """Why something expected has failed, in a line: for a warning, which has no traceback."""
    cause = error.__cause__ or error
    text = str(cause).strip().partition("\n")[0]
    return f"{type(cause).__name__}: {text}"[:_REASON_LENGTH]


def faults_are_logged(handler: Handler) -> Handler:
    """A handler of which each fault is a line of our own: alarms count lines, by their version.

    Lambda's own lines about a function that has ended, or ran out of time, do not say which version
    of the function it was.
    """

    @wraps(handler)
    def logging(event: Any, context: Any) -> Any:
        seconds = context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS
        try:
            alarm = _Alarm(max(seconds, _LEAST_SECONDS))
        except ValueError:  # only the main thread, which is Lambda's, can be told the time
            return handler(event, context)
        try:
            return handler(event, context)
        except Exception:
            _write(_encode(_line("ERROR", "ended", {})))  # the runtime's own line has the traceback
            raise
        finally:
            alarm.cancel()

    return logging


class _Alarm:
    """Writes, after so many seconds, that there is no time left. A timer of before goes on."""

    __slots__ = ("_before", "_is_over", "_left", "_started")

    def __init__(self, seconds: float) -> None:
        self._before = signal.signal(signal.SIGALRM, self._sound)
        self._started, self._is_over = time.monotonic(), False
        self._left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)

    def _sound(self, _number: int, _frame: object) -> None:
        log("ERROR", "out of time")
        self.cancel()

    def cancel(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        left = self._left - (time.monotonic() - self._started)
        signal.signal(signal.SIGALRM, self._before)
        signal.setitimer(signal.ITIMER_REAL, max(left, _LEAST_SECONDS) if self._left else 0)


def log(level: str, message: str, **fields: object) -> None:
    """One log line without Powertools; an error inside an `except` carries its traceback."""
    line = _line(level, message, fields)
    if level == "ERROR" and sys.exc_info()[0] is not None:
        import traceback  # noqa: PLC0415

        line["exception"] = _bounded(traceback.format_exc())
    _write(_encode(line))


def _line(level: str, message: str, fields: dict[str, object]) -> dict[str, object]:
    caller = sys._getframe(2)
    return {
        "level": level,
        "location": f"{caller.f_code.co_name}:{caller.f_lineno}",
        "message": message,
        "timestamp": _timestamp(time.time()),
        "service": _service(),
        "version": _version(),
        **fields,
    }


def _bounded(traceback: str) -> str:
    if len(traceback) <= 2 * _TRACEBACK_LENGTH:
        return traceback
    return f"{traceback[:_TRACEBACK_LENGTH]}\n…\n{traceback[-_TRACEBACK_LENGTH:]}"


def request(context: Any, now: float, metrics: tuple[str, ...], **fields: object) -> None:
    """The one line of a request: what was answered, and each of these metrics counted once.

    It is a log line and, in CloudWatch's embedded metric format, the metrics at the same time.
    `now` is Unix time. Nothing is written where POWERTOOLS_LOG_LEVEL asks for warnings only.
    """
    global _cold  # noqa: PLW0603 - Powertools reports the same, in the same way
    if not _requests_are_logged():
        return
    changing = {
        "timestamp": _timestamp(now),
        "cold_start": _cold,
        "function_request_id": context.aws_request_id,
        **fields,
    }
    trace = os.environ.get("_X_AMZN_TRACE_ID")
    if trace:
        changing["xray_trace_id"] = trace.partition(";")[0].removeprefix("Root=")
    _cold = False
    size = int(context.memory_limit_in_mb)
    always = _always(metrics, context.function_name, size, context.invoked_function_arn)
    _write(f'{{"_aws":{{"Timestamp":{int(now * 1000)},{always},{_encode(changing)[1:]}')


def measure(**metrics: float) -> None:
    """Write these metrics in one line, in the same format; off the hot path only.

    One whose name ends in Seconds is in seconds, any other one a count. Alarms depend on them,
    so they are written at every log level, unless POWERTOOLS_METRICS_DISABLED says otherwise.
    """
    from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit  # noqa: PLC0415

    line = EphemeralMetrics(namespace=_namespace(), service=_service())
    for name, value in metrics.items():
        unit = MetricUnit.Seconds if name.endswith("Seconds") else MetricUnit.Count
        line.add_metric(name, unit, value)
    line.flush_metrics()


@cache
def _always(metrics: tuple[str, ...], name: str, size: int, arn: str) -> str:
    """What is the same in all lines with these metrics, as a part of their JSON."""
    described = [{"Name": metric, "Unit": "Count"} for metric in metrics]
    directive = {"Namespace": _namespace(), "Dimensions": [["service"]], "Metrics": described}
    members = {
        "level": "INFO",
        "location": "request",
        "message": "request",
        "service": _service(),
        "function_name": name,
        "function_memory_size": size,
        "function_arn": arn,
        **dict.fromkeys(metrics, (1.0,)),
    }
    return f'"CloudWatchMetrics":[{_encode(directive)}]}},{_encode(members)[1:-1]}'


def _timestamp(now: float) -> str:
    return f"{_second(int(now))}.{int(now * 1000) % 1000:03d}+00:00"


@lru_cache(maxsize=1)
def _second(now: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@cache
def _service() -> str:
    return os.environ.get("POWERTOOLS_SERVICE_NAME", "sheaf")


@cache
def _version() -> str:
    """The version of the function, as its alias has it: a number, or $LATEST."""
    return os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")


@cache
def _namespace() -> str:
    return os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Sheaf")


@cache
def _requests_are_logged() -> bool:
    return os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO").upper() in ("DEBUG", "INFO")
