"""The SAM command line: building everything, and running what was built in containers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local.invocation import containers
from local.invocation.emulator import free_port, wait_for

ROOT = Path(__file__).parents[2]
IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"
BIN = Path(sys.executable).parent
NUMBER = 1_700_000_000  # of the builds; the source tree's is 0
# SAM and make must find this environment's Python before the machine's.
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    "ARCH": "x86_64",
    "SOURCE_DATE_EPOCH": str(NUMBER),
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


@cache
def gateway() -> str:
    """The address at which containers find this machine."""
    return containers.address("bridge")


def build(directory: Path, **environment: str) -> Path:
    """`make build` for x86_64 in a tree of its own, which is gone afterwards.

    Returns the folder of the artifacts; what was said is in the file `log` beside it.
    """
    tree, built, log = (directory / name for name in ("tree", "build", "log"))
    copy(tree)
    with log.open("wb") as output:
        done = subprocess.run(
            ["make", "build"],
            cwd=tree,
            env={**ENVIRONMENT, **environment},
            stdout=output,
            stderr=output,
            check=False,
            timeout=600,
        )
    assert done.returncode == 0, log.read_text()
    (tree / ".aws-sam/build").rename(built)
    shutil.rmtree(tree)
    return built


def copy(tree: Path) -> None:
    """Make a tree of what is built, with this environment in the place of its own."""
    for folder in ("functions", "layers"):
        shutil.copytree(ROOT / folder, tree / folder)
    for file in (ROOT / "Makefile", ROOT / "samconfig.toml", *ROOT.glob("*.yaml")):
        shutil.copy(file, tree)
    (tree / ".venv").mkdir()
    for part in ("bin", "lib", "pyvenv.cfg"):  # without the last two it is the machine's Python
        (tree / ".venv" / part).symlink_to(BIN.parent / part)
    (tree / ".venv/dev").touch()


@dataclass(frozen=True)
class Container:
    """Invokes functions with `sam local invoke`, each time in a container of its own.

    The template is the one that `make invoke` makes of a build.
    """

    built: Path
    layers: Path
    settings: dict[str, str]

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """What the function answers to an event."""
        with TemporaryDirectory() as name:
            file = Path(name, "event.json")
            file.write_text(json.dumps(event))
            options = [*self._options(Path(name)), "--event", str(file)]
            return self._answer(function, options)

    def _answer(self, function: str, options: list[str]) -> Any:
        # On a busy machine the emulator in the container may get the request twice and crash while
        # the function still starts: sam then prints no answer. (Had the function run after all,
        # the next try would answer otherwise, and the test fail.)
        for _ in range(3):
            done = self._run(function, options)
            assert done.returncode == 0, done.stderr
            assert f"Mounting {self.built / function} as /var/task" in done.stderr
            if done.stdout:
                return json.loads(done.stdout.splitlines()[-1])
        raise AssertionError(done.stderr)

    @contextmanager
    def serve(self, what: str, log: Path) -> Iterator[str]:
        """The whole site by `sam local start-api` (or start-lambda); yields its address."""
        port = free_port()
        command = [str(BIN / "sam"), "local", what, "--warm-containers", "LAZY"]
        with (
            TemporaryDirectory() as folder,
            log.open("wb") as output,
            subprocess.Popen(
                [*command, "--port", str(port), *self._options(Path(folder))],
                cwd=self.built,
                env=ENVIRONMENT,
                stdout=output,
                stderr=output,
            ) as process,
        ):
            try:
                wait_for(f"127.0.0.1:{port}")
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()  # upon which it removes its containers
                process.wait(60)

    def _run(self, function: str, options: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(BIN / "sam"), "local", "invoke", function, *options],
            cwd=self.built,  # far from the tree and its samconfig.toml
            env=ENVIRONMENT,
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )

    def _options(self, folder: Path) -> list[str]:
        variables = folder / "variables.json"
        variables.write_text(json.dumps({"Parameters": self.settings}))
        options = {
            "--template": self.built / containers.TEMPLATE.name,
            "--env-vars": variables,
            "--layer-cache-basedir": self.layers,
            "--parameter-overrides": "Architecture=x86_64",
        }
        named = [str(word) for option in options.items() for word in option]
        return ["--skip-pull-image", *named]
