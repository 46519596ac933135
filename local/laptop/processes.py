"""Child processes that neither outlive this one nor linger after a crash."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from local.laptop import tether

POLL_SECONDS = 0.02
TETHER = str(Path(tether.__file__).resolve())


def spawn(
    command: Sequence[str],
    *,
    prefix: Sequence[str] = (),
    end: signal.Signals = signal.SIGTERM,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    output: IO[bytes] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` and return at once; it gets `end` when the calling thread ends.

    It runs in a process group of its own, so that Ctrl-C reaches only us and we order the stop.
    `prefix` is a command that changes credentials; `output` takes both output streams.
    """
    tethered = [sys.executable, "-I", "-S", TETHER, str(os.getpid()), str(int(end)), *command]
    process = subprocess.Popen(
        [*prefix, *tethered],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=output,
        stderr=output and subprocess.STDOUT,
        pass_fds=pass_fds,
        process_group=0,
    )
    if process.stdin is not None:
        with process.stdin as pipe:
            pipe.write(stdin or b"")
    return process


def stop(
    process: subprocess.Popen[bytes], end: signal.Signals = signal.SIGTERM, patience: float = 10
) -> None:
    """Send `end` to the process and its children, wait up to `patience` seconds, then kill."""
    _signal_group(process.pid, end)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _signal_group(leader: int, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # all of them have ended
        os.killpg(leader, sign)


def stop_left_over(
    pid_file: Path, directory: Path, end: signal.Signals, patience: float = 20
) -> None:
    """Stop the process of an earlier run that `pid_file` names, if it works in `directory`.

    Its working directory tells it from a stranger that got the same number since.
    """
    try:
        left_over = psutil.Process(int(pid_file.read_text().split()[0]))
        if Path(left_over.cwd()) != directory:
            return
        left_over.send_signal(end)
        left_over.wait(patience)
    except (FileNotFoundError, psutil.NoSuchProcess, psutil.AccessDenied):
        return
    except psutil.TimeoutExpired:
        left_over.kill()
        left_over.wait(patience)


def exists(pid_file: Path) -> bool:
    """Whether any process, or a dead one nobody waited for, has the number in `pid_file`."""
    return psutil.pid_exists(int(pid_file.read_text().split()[0]))


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
        """Return once the server answers; raise ServerError if it stops or `patience` s pass."""
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
        stop(self.process, self.end)


def tail(log: Path, lines: int = 8) -> str:
    """The last `lines` of `log`."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
