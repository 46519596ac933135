"""EventBridge's schedules: call functions at the rates that the template gives them."""

import logging
import os
import time
from collections.abc import Iterable

from local.gateway.config import GatewayConfig
from local.gateway.functions import invoke
from local.gateway.template import Schedule

logger = logging.getLogger(__name__)


def run(schedules: Iterable[Schedule]) -> None:
    """Call each function at once and then whenever it is due, one at a time, for ever.

    After a failure it waits for the next time.
    """
    due = dict.fromkeys(schedules, time.monotonic())
    while due:
        schedule = min(due, key=due.__getitem__)
        time.sleep(max(0, due[schedule] - time.monotonic()))
        try:
            invoke(schedule.function, {"source": "aws.events", "detail-type": "Scheduled Event"})
        except Exception:
            logger.exception("%s failed", schedule.function.name)
        due[schedule] = time.monotonic() + schedule.every.total_seconds()


if __name__ == "__main__":
    run(GatewayConfig.read(os.environ).load().schedules)
