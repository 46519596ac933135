"""The processes of PostgreSQL that serve connections."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

PID = text("SELECT pg_backend_pid()")


@contextmanager
def stopped(engine: Engine) -> Iterator[int]:
    """The process that serves the engine's connection stands still."""
    with engine.connect() as connection:
        pid: int = connection.execute(PID).scalar_one()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)
