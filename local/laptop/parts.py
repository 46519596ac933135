"""The programs that make up the running site: started on a stack, watched together."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import NoReturn, Protocol

from local.laptop import processes

WATCH_SECONDS = 0.25


class SiteError(RuntimeError):
    """A part of the site did not start, or ended by itself."""


class Watched(Protocol):
    """What can be watched: a server or a part."""

    @property
    def name(self) -> str:
        """What to call it in a message."""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """What must not end."""


class Part:
    """A Python program of the site, stopped when its stack closes."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        stack: ExitStack,
        environ: Mapping[str, str],
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        command = [sys.executable, *arguments]
        self.process = processes.spawn(command, env=environ, pass_fds=pass_fds)
        stack.callback(processes.stop, self.process)

    def complete(self, patience: float) -> None:
        """Wait up to *patience* seconds for a successful end; raises SiteError."""
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise SiteError(f"{self.name} took longer than {patience:.0f} s") from None
        if status:
            raise SiteError(f"{self.name} failed with exit status {status}")


def check(parts: Sequence[Watched]) -> None:
    """Raise SiteError if one of *parts* has ended."""
    for part in parts:
        if (status := part.process.poll()) is not None:
            raise SiteError(f"{part.name} ended with exit status {status}")


def watch(parts: Sequence[Watched]) -> NoReturn:
    """Wait for one of *parts* to end, which is a SiteError."""
    while True:
        check(parts)
        time.sleep(WATCH_SECONDS)
