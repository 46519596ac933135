"""Lets each test stand still before one of its lines, as on a busy machine: `-p tests.stalls`.

All threads of the test's process stand; its servers go on. The line is drawn anew by each
`--stall-seed`.
"""

import inspect
import os
import random
import signal
import sys
from collections.abc import Generator
from types import CodeType, FrameType
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the line and the time be told."""
    group = parser.getgroup("stalls")
    group.addoption("--stall-seed", default="1", help="another one draws other lines")
    group.addoption("--stall-seconds", type=float, default=2.5, help="for how long a test stands")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Stand still before one line of the test, if that is run."""
    test = pyfuncitem.obj
    if hasattr(test, "hypothesis"):  # which runs it often, and alike each time
        return (yield)
    code, seconds = inspect.unwrap(test).__code__, pyfuncitem.config.getoption("stall_seconds")
    lines = sorted({line for *_, line in code.co_lines() if line} - {code.co_firstlineno})
    draw = random.Random(pyfuncitem.config.getoption("stall_seed") + pyfuncitem.nodeid)
    chosen = draw.choice(lines)
    sys.settrace(_Tracer(code, chosen, seconds))
    try:
        return (yield)
    finally:
        sys.settrace(None)
        pyfuncitem.add_report_section("call", "stall", f"before line {chosen}")


class _Tracer:
    """Looks for one line of one function, and is gone once it was there."""

    def __init__(self, code: CodeType, line: int, seconds: float) -> None:
        self._code = code
        self._line = line
        self._seconds = seconds

    def __call__(self, frame: FrameType, event: str, _: Any) -> "_Tracer | None":
        if frame.f_code is not self._code:
            return None
        if event == "line" and frame.f_lineno == self._line:
            sys.settrace(None)
            _stand_still(self._seconds)
            return None
        return self


def _stand_still(seconds: float) -> None:
    # Again and again: the first time may come before we stand.
    # Who we are is asked of the system: a test may have put something in place of os.getpid.
    waker = f"sleep {seconds}; while kill -CONT $PPID; do sleep 0.1; done"
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", waker], os.environ)
    signal.raise_signal(signal.SIGSTOP)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
