"""Moves slots to and fro between two and three shards, beside a site under attack.

    python -m tests.faults.resharder

SIGTERM: bring what is on its way back, or to its end, and end. Prints how often slots went.
"""

import signal
import sys
import time
from collections.abc import Callable
from itertools import cycle

from sheaf.database.outages import DRIVER_ERRORS, Unavailable
from sheaf.locks import LockError
from sheaf.sharding import resharding, shards

_PAUSE_SECONDS = 0.2
# Who always finds slots on their way gets nothing done.
_BETWEEN_SECONDS = 1.0
_EXPECTED = (*DRIVER_ERRORS, Unavailable, LockError, resharding.ReshardError)


class Stopped(Exception):
    """It is enough."""


class _State:
    stopped = False
    moved = 0


def _stop(*_: object) -> None:
    _State.stopped = True


def _report(batch: resharding.Batch) -> None:
    if _State.stopped:
        raise Stopped
    _State.moved += batch.step == resharding.STEPS[-1]
    if batch.step == resharding.STEPS[0]:
        time.sleep(_BETWEEN_SECONDS)


def _insist(act: Callable[[], object]) -> None:
    """Do it again until nothing is in its way."""
    while True:
        try:
            act()
        except _EXPECTED:
            shards.dispose()
            time.sleep(_PAUSE_SECONDS)
            if _State.stopped and act != resharding.abort:
                raise Stopped from None
        else:
            return


def main() -> None:
    """Move until told to stop."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        for count in cycle((2, 3)):
            _insist(lambda: resharding.run(count, _report))  # noqa: B023
    except Stopped:
        _insist(resharding.abort)
    sys.stdout.write(f"{_State.moved}\n")


if __name__ == "__main__":
    main()
