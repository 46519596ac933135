"""Upkeep beside an attacked site: more often than once a minute, with a line for each run.

python -m tests.faults.upkeep --every 5 --left 20 --log upkeep.log
"""

import argparse
import json
import logging
import os
import time
from pathlib import Path

import upkeep.app
from local.gateway.config import GatewayConfig
from local.gateway.functions import invoke
from local.gateway.template import Function
from sheaf import telemetry
from tests.faults import batch_mutations, witness


class Warnings(logging.Handler):
    """Counts warnings: a run that has any may have left something undone.

    That a part of a batch was ended is counted apart.
    """

    count = recovered = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        if record.msg == "batch ended":
            self.recovered += 1
        else:
            self.count += 1


def run(function: Function, warnings: Warnings) -> dict[str, float | bool]:
    """One run: when it was (time.monotonic), and whether all of it was done."""
    before, begun, well = warnings.count, time.monotonic(), True
    recovered = warnings.recovered
    try:
        invoke(function, {"source": "aws.events", "detail-type": "Scheduled Event"})
    except Exception:  # noqa: BLE001 - what it needs may be down, so it comes again
        well = False
    well = well and warnings.count == before
    recovered = warnings.recovered - recovered
    return {"begun": begun, "ended": time.monotonic(), "well": well, "recovered": recovered}


def main() -> None:
    """Run again and again, until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=float, required=True, metavar="SECONDS")
    parser.add_argument("--left", type=float, required=True, metavar="SECONDS")
    parser.add_argument("--log", type=Path, required=True)
    options = parser.parse_args()
    upkeep.app._LEFT_SECONDS = options.left
    # No database here is asleep; one that is down is back when it is back.
    upkeep.app._WAKING_PAUSE_SECONDS = options.every
    batch_mutations.apply(os.environ.get(witness.MUTATION))
    function = GatewayConfig.read(os.environ).load().functions["UpkeepFunction"]
    warnings = Warnings(logging.WARNING)
    telemetry.logger().addHandler(warnings)
    while True:
        with options.log.open("a") as log:
            log.write(f"{json.dumps(run(function, warnings))}\n")
        time.sleep(options.every)


if __name__ == "__main__":
    main()
