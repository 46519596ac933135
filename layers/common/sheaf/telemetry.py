"""Telemetry: one structured log line per event, in the schema of Powertools for AWS Lambda."""

import json
import os
import sys
import traceback
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


@cache
def logger() -> "Logger":
    """The logger of this process; off the hot path only, since importing it takes a while."""
    from aws_lambda_powertools import Logger  # noqa: PLC0415

    return Logger(service=_service(), utc=True)


def log(level: str, message: str, **fields: object) -> None:
    """One log line without Powertools; inside an `except` it carries the traceback."""
    line: dict[str, object] = {
        "level": level,
        "message": message,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "service": _service(),
        **fields,
    }
    if sys.exc_info()[0] is not None:
        line["exception"] = traceback.format_exc()
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def _service() -> str:
    return os.environ.get("POWERTOOLS_SERVICE_NAME", "sheaf")
