"""`python -m local` with one part, and SIGTERM at the moment that the command line names.

Says at the end which of what it has started still runs.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import psutil

from local.gateway.config import RunConfig
from local.laptop import processes, run


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


class Lock:
    """The lock of a Popen, with a signal whenever it has just been taken."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.lock = vars(process)["_waitpid_lock"]

    def acquire(self, *how: bool) -> bool:
        taken = bool(self.lock.acquire(*how))
        interrupt()
        return taken

    def release(self) -> None:
        self.lock.release()

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()


class Dropped:
    """What nobody holds; Python prints what its destructor raises, and goes on."""

    def __del__(self) -> None:
        interrupt()


def waiting(process: "subprocess.Popen[bytes]") -> None:
    vars(process)["_waitpid_lock"] = Lock(process)


def starting(_: "subprocess.Popen[bytes]") -> None:
    interrupt()


def dropping(_: "subprocess.Popen[bytes]") -> None:
    Dropped()


MOMENTS: dict[str, Callable[["subprocess.Popen[bytes]"], None]] = {
    each.__name__: each for each in (waiting, starting, dropping)
}


def main() -> None:
    started = list[int]()
    spawn = processes.spawn

    def interrupted(*command: Any, **options: Any) -> "subprocess.Popen[bytes]":
        process = spawn(*command, **options)
        started.append(process.pid)
        MOMENTS[sys.argv[1]](process)
        return process

    def start(_: RunConfig, stack: ExitStack) -> None:
        program = ["-c", "import time; time.sleep(600)"]
        run.Part("the part", program, stack, os.environ).complete(600)

    vars(processes)["spawn"], vars(run)["run"] = interrupted, start
    try:
        sys.exit(run.main())
    finally:
        left = [pid for pid in started if psutil.pid_exists(pid)]
        sys.stdout.write(f"left: {left}\n")


if __name__ == "__main__":
    main()
