import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from local import processes


@pytest.fixture
def background() -> Iterator[None]:
    """This process ignores SIGINT, and so does what it starts, as in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_process_ends_by_its_signal_wherever_it_was_started(
    background: None, end: signal.Signals
) -> None:
    process = processes.spawn(["sleep", "600"], end=end)
    try:
        deadline = time.monotonic() + 60
        while psutil.Process(process.pid).name() != "sleep":
            assert time.monotonic() < deadline, "the command was not started"
            time.sleep(0.02)
    finally:
        processes.stop(process, end, patience=60)
    assert process.returncode == -end
