"""AWS's runtime interface emulator with AWS's runtime client: a function as Lambda runs it.

Without Docker, from the working tree, on Linux.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from local.gateway.template import Function
from local.laptop.processes import ServerError

PATIENCE = 120  # seconds, for what takes a few on an idle machine
INVOCATIONS = "/2015-03-31/functions/function/invocations"


def binary() -> Path:
    """The emulator that the SAM command line brings along; it may not exist."""
    spec = find_spec("samcli")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    machine = "arm64" if os.uname().machine == "aarch64" else "x86_64"
    return folder / "local" / "rapid" / f"aws-lambda-rie-{machine}"


@dataclass
class Emulators:
    """One emulator for each function, started when the function is first invoked."""

    environment: Mapping[str, str]
    logs: Path
    running: ExitStack

    def __post_init__(self) -> None:
        self._addresses: dict[str, str] = {}

    def invoke(self, function: Function, event: dict[str, Any]) -> Any:
        """What the function answers to an event."""
        if function.name not in self._addresses:
            started = emulator(function, self.environment, self.logs / f"{function.name}.log")
            self._addresses[function.name] = self.running.enter_context(started)
        url = f"http://{self._addresses[function.name]}{INVOCATIONS}"
        body = json.dumps(event).encode()
        request, patience = Request(url, body), function.timeout + PATIENCE
        with urlopen(request, timeout=patience) as answer:  # noqa: S310 - our own server
            text = answer.read().decode()
        try:
            return json.loads(text)
        except ValueError:  # that its time was up is said in plain text
            return {"errorMessage": text}


@contextmanager
def emulator(function: Function, environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """An emulator of one function; yields its address."""
    address = f"127.0.0.1:{free_port()}"
    addresses = {
        "--runtime-interface-emulator-address": address,
        "--runtime-api-address": f"127.0.0.1:{free_port()}",
    }
    options = [word for option in addresses.items() for word in option]
    runtime = [sys.executable, "-m", "awslambdaric", function.handler]
    lambdas = {
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout),
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
    }
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [binary(), *options, *runtime],
            env={**environment, **lambdas},
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            wait_for(address)
            yield address
        finally:
            process.terminate()


def wait_for(address: str) -> None:
    """Return once something listens at host:port; raises ServerError if nothing does in a while."""
    deadline = time.monotonic() + PATIENCE
    while not _listens(address):
        if time.monotonic() > deadline:
            raise ServerError(f"nothing listens at {address}")
        time.sleep(0.02)


def _listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def free_port() -> int:
    """A port of this machine that was free just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
