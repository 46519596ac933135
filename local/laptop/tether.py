"""Run a command that ends when its parent does, even if the parent is killed (Linux).

Usage: python -I -S tether.py PARENT SIGNAL COMMAND…

SIGNAL ends the command even where it began ignored, as SIGINT does in a shell's background.
Other systems do not tell of a parent's end; there the next start stops what was left over.
It must come after `unshare`, because a change of credentials clears the parent-death signal.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for SIGNAL when PARENT ends, then become COMMAND."""
    parent, sign, *command = sys.argv[1:]
    signal.signal(int(sign), signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(sign), 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit("the parent ended before the command started")
    os.execvp(command[0], command)  # noqa: S606 - becoming the command is the point


if __name__ == "__main__":
    main()
