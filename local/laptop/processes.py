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

from local.laptop import state, stopping, tether
from local.laptop.state import StateError

POLL_SECONDS = 0.02
LASTING_SECONDS = 10  # a server that has run so long after it was started again is well
LONGEST_PAUSE = 60.0
_PROCESSES = range(1, 2**31)
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


def wait(process: subprocess.Popen[bytes], patience: float) -> int | None:
    """Wait up to `patience` seconds for the end; returns the exit status, or None if it still runs.

    Unlike Popen.wait() it ends with SystemExit on a signal that was noted.
    """
    deadline = time.monotonic() + patience
    while (status := process.poll()) is None and time.monotonic() < deadline:
        stopping.pause(POLL_SECONDS)
    return status


def stop(
    process: subprocess.Popen[bytes], end: signal.Signals = signal.SIGTERM, patience: float = 10
) -> None:
    """Send `end` to the process and its children, wait up to `patience` seconds, then kill.

    Raises TimeoutExpired if that takes as long again, so that the others are stopped all the same.
    """
    _signal_group(process.pid, end)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        _signal_group(process.pid, signal.SIGKILL)
        process.wait(patience)


def _signal_group(leader: int, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # all of them have ended
        os.killpg(leader, sign)


def stop_left_over(
    pid_file: Path, directory: Path, end: signal.Signals, patience: float = 20
) -> None:
    """Stop the process of an earlier run that `pid_file` names, if it works in `directory`.

    Its working directory tells it from a stranger that got the same number since. Raises StateError
    if the file holds no number.
    """
    number = state.number(pid_file, _PROCESSES)
    if number is None:
        return
    try:
        left_over = psutil.Process(number)
        if Path(left_over.cwd()) != directory:
            return
        left_over.send_signal(end)
        left_over.wait(patience)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return
    except psutil.TimeoutExpired:
        left_over.kill()
        left_over.wait(patience)


def exists(pid_file: Path) -> bool:
    """Whether any process, or a dead one nobody waited for, has the number in `pid_file`.

    Raises StateError if the file holds no number.
    """
    number = state.number(pid_file, _PROCESSES)
    return number is not None and psutil.pid_exists(number)


class ServerError(RuntimeError):
    """A server cannot run here, or stopped while starting; the message says what to do."""


@dataclass
class Server:
    """A running server process; `url` holds its password, and `launch` starts one there."""

    name: str
    url: str = field(repr=False)
    launch: Callable[[], subprocess.Popen[bytes]] = field(repr=False)
    log: Path
    end: signal.Signals
    answers: Callable[[int], bool] = field(repr=False)
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.process = self.launch()

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
            stopping.pause(POLL_SECONDS)

    def stop(self) -> None:
        """Stop the server and wait for its end."""
        stop(self.process, self.end)


class Keeper:
    """Starts a server again when it has ended: at once, and later if it does not last."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._pause = 0.0
        self._starts_at: float | None = None  # when it has ended
        self._started = 0.0
        self._said = ""

    def look(self, now: float) -> str | None:
        """Do what is due by time.monotonic(); returns a line that people should read, once."""
        if self._starts_at is None:
            if self.server.process.poll() is None:
                return self._it_runs(now)
            self._starts_at = now + self._pause
            return self._say_once(f"{self.server.name} {_ending(self.server)}")
        if now < self._starts_at:
            return None
        self._starts_at, self._started = None, now
        self._pause = min(max(1.0, 2 * self._pause), LONGEST_PAUSE)
        try:
            self.server.process = self.server.launch()
        except (OSError, ServerError, StateError) as error:
            self._starts_at = now + self._pause
            return self._say_once(f"{self.server.name} does not start: {error}")
        return None

    def _it_runs(self, now: float) -> str | None:
        if not self._said or now - self._started < LASTING_SECONDS:
            return None
        self._pause, self._said = 0.0, ""
        return f"{self.server.name} runs again"

    def _say_once(self, reason: str) -> str | None:
        if reason == self._said:
            return None
        self._said = reason
        return f"{reason}; it is started again"


def _ending(server: Server) -> str:
    """How a server has ended, with its last words unless somebody has killed it."""
    status = server.process.returncode
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with exit status {status}: {tail(server.log, 1)}"


def tail(log: Path, lines: int = 8) -> str:
    """The last `lines` of `log`."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
