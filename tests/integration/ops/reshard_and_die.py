"""Moves slots, and ends without a word before the step of a number: python … SHARDS NUMBER."""

import os
import signal
import sys

from ops import resharding


def main() -> None:
    """Count steps down."""
    shard_count, left = map(int, sys.argv[1:])

    def report(_batch: resharding.Batch) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    resharding.run(shard_count, report)


if __name__ == "__main__":
    main()
