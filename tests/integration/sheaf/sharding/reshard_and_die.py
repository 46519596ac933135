"""Moves slots, and ends without a word before the next step of a name: python … SHARDS STEP."""

import os
import signal
import sys

from sheaf.sharding import resharding


def main() -> None:
    """Die as a machine does that loses its power."""
    shard_count, step = sys.argv[1:]

    def report(batch: resharding.Batch) -> None:
        if batch.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    resharding.run(int(shard_count), report)


if __name__ == "__main__":
    main()
