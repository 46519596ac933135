"""Waiting for what will happen. That it does is tested; how soon is up to the machine."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

# In seconds, for what takes a few on an idle machine. Only a test that fails waits this long.
PATIENCE = 120
# Asks PostgreSQL for a row of each lock that somebody wants and we have.
WAITING_FOR_US = "SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"


def wait_until(true: Callable[[], object], failure: str) -> None:
    """Return once it is so; fail with the message if it is not in a long time."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, failure
        time.sleep(0.02)


@contextmanager
def killed_if_late(process: "subprocess.Popen[Any]") -> Iterator[None]:
    """Kill the process if the block takes too long: a reader of its output then reads the end."""
    watch = Timer(PATIENCE, process.kill)
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
