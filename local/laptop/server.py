"""A server started for the site: where it is, what it is, and when it is ready."""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from local.laptop import processes

POLL_SECONDS = 0.02


class ServerError(RuntimeError):
    """A server cannot run here, or stopped while starting; the message says what to do."""


@dataclass(frozen=True)
class Server:
    """A running server process; `url` holds its password."""

    name: str
    url: str = field(repr=False)
    process: subprocess.Popen[bytes]
    log: Path
    end: signal.Signals
    answers: Callable[[int], bool] = field(repr=False)

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self.process.pid

    def wait(self, patience: float = 60) -> None:
        """Return once the server answers; raise ServerError if it stops or *patience* s pass."""
        deadline = time.monotonic() + patience
        while not self.answers(self.pid):
            if self.process.poll() is not None:
                raise ServerError(f"{self.name} stopped while starting:\n{tail(self.log)}")
            if time.monotonic() > deadline:
                raise ServerError(
                    f"{self.name} is not ready after {patience:.0f} s; see {self.log}"
                )
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop the server and wait for its end."""
        processes.stop(self.process, self.end)


def tail(log: Path, lines: int = 8) -> str:
    """Return the last *lines* of *log*."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
