import signal
from collections.abc import Iterator

import psutil
import pytest

from local.laptop import processes
from tests.waiting import wait_until


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
        wait_until(
            lambda: psutil.Process(process.pid).name() == "sleep", "the command was not started"
        )
    finally:
        processes.stop(process, end, patience=60)
    assert process.returncode == -end
