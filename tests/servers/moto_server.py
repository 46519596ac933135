"""An account of AWS that moto plays, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from local.invocation.account import KEYS
from local.invocation.emulator import free_port, wait_for


@contextmanager
def moto_server(log: Path) -> Iterator[str]:
    """An empty account; yields its address, by a name that moto knows in addresses of S3."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=os.environ | KEYS, stdout=output, stderr=output) as process,
    ):
        try:
            wait_for(f"127.0.0.1:{port}")
            yield f"http://localhost:{port}"
        finally:
            process.terminate()


def reset(url: str) -> None:
    """Make the account at this address empty again."""
    httpx.post(f"{url}/moto-api/reset").raise_for_status()
