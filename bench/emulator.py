"""One cold start: AWS's runtime client under AWS's runtime interface emulator.

The emulator starts the function's process when the first event arrives, not before. So the time
from sending the event to having the answer is that of a new process: the interpreter's start, the
runtime client's and the handler's imports, and the first answer. The emulator's own start is over
by then; its passing on of event and answer, about a millisecond, is included.
"""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from bench.contenders import Runtime
from local.laptop import processes

INVOCATIONS = "/2015-03-31/functions/function/invocations"
_HOST = "127.0.0.1"


@dataclass(frozen=True)
class ColdStart:
    """What the first answer of a new process took."""

    milliseconds: float
    cpu_milliseconds: float
    resident_mib: float
    answer: dict[str, Any]


def cold_start(runtime: Runtime, handler: str, event: dict[str, Any]) -> ColdStart:
    """Start a process for the handler by an event; it is ended afterwards."""
    data = json.dumps(event)
    with _emulator(runtime, handler) as (emulator, port):
        connection = HTTPConnection(_HOST, port, timeout=60)
        connection.connect()
        begun = time.perf_counter()
        connection.request("POST", INVOCATIONS, data)
        answer = connection.getresponse().read()
        seconds = time.perf_counter() - begun
        connection.close()
        process = _only_child(emulator, runtime)
        resident = process.memory_info().rss / 2**20
        return ColdStart(seconds * 1000, _cpu(process.pid), resident, json.loads(answer))


def _only_child(emulator: psutil.Process, runtime: Runtime) -> psutil.Process:
    children = emulator.children()
    if len(children) != 1:
        raise RuntimeError(f"no process has stayed: {_log(runtime).read_text()}")
    return children[0]


def _log(runtime: Runtime) -> Path:
    return runtime.place / "emulator.log"


def _cpu(pid: int) -> float:
    """Milliseconds of processor time that a process has had, finer than the clock's ticks."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


@contextmanager
def _emulator(runtime: Runtime, handler: str) -> Iterator[tuple[psutil.Process, int]]:
    port, inner = _free_port(), _free_port()
    command = [
        str(_binary()),
        *("--runtime-interface-emulator-address", f"{_HOST}:{port}"),
        *("--runtime-api-address", f"{_HOST}:{inner}"),
        *(runtime.python, "-S", "-m", "awslambdaric", handler),
    ]
    lambdas = {"AWS_LAMBDA_FUNCTION_NAME": "bench", "AWS_LAMBDA_LOG_FORMAT": "JSON"}
    environment = {**runtime.environment, **lambdas}
    with _log(runtime).open("wb") as log:
        process = processes.spawn(command, env=environment, cwd=runtime.place, output=log)
    try:
        _wait_for(port)
        yield psutil.Process(process.pid), port
    finally:
        processes.stop(process)


def _binary() -> Path:
    """The emulator that the SAM command line brings along."""
    spec = find_spec("samcli")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    machine = "arm64" if os.uname().machine == "aarch64" else "x86_64"
    return folder / "local" / "rapid" / f"aws-lambda-rie-{machine}"


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((_HOST, port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(f"nothing listens on port {port}")


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
