"""The SAM command line: building everything, and running what was built in containers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from tests.sam.emulator import free_port, wait_for

ROOT = Path(__file__).parents[2]
IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"
PARAMETERS = (
    "--parameter-overrides",
    "Architecture=x86_64",
    "JwtIssuer=https://id.example.com/dev",
)
BIN = Path(sys.executable).parent
# SAM and make must find this environment's Python before the machine's.
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    "ARCH": "x86_64",
    "AWS_DEFAULT_REGION": "us-east-1",
    "SAM_CLI_TELEMETRY": "0",
}


def has_image() -> bool:
    """Whether Docker runs here and has the image of the runtime."""
    try:
        command = ["docker", "image", "inspect", IMAGE]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def gateway() -> str:
    """The address at which containers find this machine: the first of their network's."""
    form = "{{range .IPAM.Config}}{{.Subnet}}{{end}}"
    command = ["docker", "network", "inspect", "bridge", "--format", form]
    subnet = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    return str(ip_network(subnet)[1])


def build(directory: Path) -> Path:
    """Build the functions and the layer for x86_64; returns the folder of the artifacts."""
    built = directory / "build"
    folders = ("--build-dir", str(built), "--cache-dir", str(directory / "cache"))
    command = [str(BIN / "sam"), "build", *PARAMETERS, *folders]
    done = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, check=False, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return built


@dataclass(frozen=True)
class Container:
    """Invokes functions with `sam local invoke`, each time in a container of its own."""

    built: Path
    variables: Path
    layers: Path

    def invoke(self, function: str, event: Path) -> Any:
        """What the function answers to the event in a file."""
        # On a busy machine the emulator in the container may get the request twice and crash while
        # the function still starts: sam then prints no answer. (Had the function run after all,
        # the next try would answer otherwise, and the test fail.)
        for _ in range(3):
            done = self._run(function, event)
            assert done.returncode == 0, done.stderr
            if done.stdout:
                return json.loads(done.stdout.splitlines()[-1])
        raise AssertionError(done.stderr)

    @contextmanager
    def serve(self, log: Path) -> Iterator[str]:
        """The whole site by `sam local start-api`; yields its address."""
        port = free_port()
        options = [*self._options(), "--port", str(port), "--warm-containers", "LAZY"]
        command = [str(BIN / "sam"), "local", "start-api", *options]
        with (
            log.open("wb") as output,
            subprocess.Popen(
                command, cwd=self.built, env=ENVIRONMENT, stdout=output, stderr=output
            ) as process,
        ):
            try:
                wait_for(f"127.0.0.1:{port}")
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()  # upon which it removes its containers
                process.wait(60)

    def _run(self, function: str, event: Path) -> "subprocess.CompletedProcess[str]":
        invoke = [str(BIN / "sam"), "local", "invoke", function, "--event", str(event)]
        return subprocess.run(
            [*invoke, *self._options()],
            env=ENVIRONMENT,
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )

    def _options(self) -> list[str]:
        files = {
            "--template": self.built / "template.yaml",
            "--env-vars": self.variables,
            "--layer-cache-basedir": self.layers,
        }
        named = [str(word) for option in files.items() for word in option]
        return [*PARAMETERS, "--skip-pull-image", *named]
