import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise
from math import inf
from pathlib import Path

import psutil
import pytest

from local.laptop import processes
from local.laptop.processes import Keeper, Server
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


class Launcher:
    """Starts a program that may end, and counts how often."""

    def __init__(self, tmp_path: Path, program: str) -> None:
        self.log, self.program, self.launched = tmp_path / "log", program, 0

    def launch(self) -> "subprocess.Popen[bytes]":
        self.launched += 1
        with self.log.open("wb") as output:
            return processes.spawn(["sh", "-c", self.program], output=output)

    def server(self) -> Server:
        end = signal.SIGTERM
        return Server("A server", "", self.launch, self.log, end, answers=lambda _: True)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(processes, "LASTING_SECONDS", 0)


def said_by(keeper: Keeper) -> str:
    """The next line that it has for people."""
    found = ""

    def is_said() -> bool:
        nonlocal found
        found = keeper.look(time.monotonic()) or ""
        return bool(found)

    wait_until(is_said, "nothing is said")
    return found


@pytest.mark.usefixtures("soon")
def test_a_server_that_does_not_last_is_tried_again_and_its_reason_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine is, what ends has not lasted.
    monkeypatch.setattr(processes, "LASTING_SECONDS", inf)
    launcher = Launcher(tmp_path, "echo begins; echo no memory; exit 3")
    keeper = Keeper(launcher.server())
    line = said_by(keeper)
    assert line == "A server ended with exit status 3: no memory; it is started again"

    def is_tried_again_without_a_word() -> bool:
        assert keeper.look(time.monotonic()) is None
        return launcher.launched > 4

    wait_until(is_tried_again_without_a_word, "it is not started again")
    launcher.program = "echo another reason; exit 4"
    assert "exit status 4: another reason" in said_by(keeper)
    launcher.program = "exec sleep 600"
    server, launched = keeper.server, launcher.launched
    wait_until(
        lambda: keeper.look(time.monotonic()) is None and launcher.launched > launched,
        "it is not started again",
    )
    monkeypatch.setattr(processes, "LASTING_SECONDS", 0)
    assert said_by(keeper) == "A server runs again"
    server.process.kill()
    assert said_by(keeper) == "A server was ended by SIGKILL; it is started again"
    wait_until(
        lambda: keeper.look(time.monotonic()) or server.process.poll() is None,
        "it is not started again",
    )
    server.stop()


@pytest.mark.usefixtures("soon")
def test_a_server_that_cannot_be_started_now_is_tried_again(tmp_path: Path) -> None:
    launcher = Launcher(tmp_path / "gone", "exec sleep 600")
    launcher.log.parent.mkdir()
    keeper = Keeper(launcher.server())
    keeper.server.process.kill()
    launcher.log.parent.rename(tmp_path / "elsewhere")
    assert "SIGKILL" in said_by(keeper)
    assert "A server does not start: " in said_by(keeper)
    (tmp_path / "elsewhere").rename(tmp_path / "gone")
    assert said_by(keeper) == "A server runs again"
    keeper.server.stop()


def test_pauses_grow(tmp_path: Path) -> None:
    """By a clock of our own, on which nothing takes time but the pauses."""
    launcher = Launcher(tmp_path, "exit 1")
    keeper = Keeper(launcher.server())
    now, times = 0.0, list[float]()
    while len(times) < 9:
        before = launcher.launched
        keeper.server.process.wait()
        keeper.look(now)
        if launcher.launched > before:
            times.append(now)
        else:
            now += 0.5
    keeper.server.process.wait()
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 2
    assert pauses[-1] == pytest.approx(processes.LONGEST_PAUSE, abs=1)
