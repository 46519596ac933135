"""Signals that stop the site: noted whenever they come, obeyed where nothing is half done.

A handler that raises does so between any two steps, of libraries too. Popen's lock would stay taken
for ever, what was just started would be known to nobody, and a destructor would lose the signal.
"""

import signal
import sys
import time
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_noted = set[int]()


def note_signals() -> None:
    """Have SIGINT, SIGTERM and SIGHUP noted from now on, unless they began ignored."""
    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, _note)


def _note(number: int, _frame: FrameType | None) -> None:
    _noted.add(number)


def pause(seconds: float) -> None:
    """Sleep; if a signal was noted by then, raise SystemExit. Whatever waits, waits here."""
    time.sleep(seconds)
    if _noted:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)  # stopping takes a moment, and happens once
        sys.exit(0)
