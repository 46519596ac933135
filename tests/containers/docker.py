"""Docker's command line: what is there, building the image, and a site that compose.yaml makes."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
IMAGES = ("python:3.13-slim", "postgres:18", "valkey/valkey:8", "nginx:1")
# What compose.yaml hands on, or fills in.
OWN = (
    "SHEAF_",
    "POWERTOOLS_",
    "FORWARDED_",
    "WORKERS",
    "PORT",
    "HTTP_PORT",
    "POSTGRES_",
    "CACHE_",
    "COMPOSE_",
)
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(OWN)},
    "DOCKER_BUILDKIT": "1",  # Docker 20 would use a builder that knows no secrets
}


def missing() -> str:
    """What is lacking of Docker, its plugins and the images that we build on; "" if nothing is."""
    commands = [["buildx", "version"], ["compose", "version"]]
    commands += [["image", "inspect", image] for image in IMAGES]
    for words in commands:
        try:
            subprocess.run(["docker", *words], capture_output=True, check=True, timeout=60)
        except (FileNotFoundError, subprocess.CalledProcessError):
            return f"docker {' '.join(words)}"
    return ""


def docker(*words: str, timeout: float = 120, **variables: str) -> str:
    """What a command that must succeed prints."""
    done = subprocess.run(
        ["docker", *words],
        cwd=ROOT,
        env={**ENVIRONMENT, **variables},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def inspect(name: str) -> dict[str, Any]:
    """What Docker knows of a container or an image."""
    found: list[dict[str, Any]] = json.loads(docker("inspect", name))
    return found[0]


def build(target: str, tag: str, secrets: Path) -> None:
    """Build one stage of the Dockerfile, with pip's settings in a folder of *secrets*."""
    options = (*_pip_settings(secrets), "--target", target, "--tag", tag)
    docker("buildx", "build", "--load", *options, ".", timeout=600)


def _pip_settings(folder: Path) -> list[str]:
    """Options of a build that let its pip reach what this machine's pip reaches."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    # The environment's come last, for they count more.
    named = [
        line.split("=", 1) for line in sorted(listed, key=lambda line: line.startswith(":env"))
    ]
    found = {name.rpartition(".")[2]: ast.literal_eval(value) for name, value in named}
    settings = {name: found[name] for name in ("index-url", "proxy", "cert") if name in found}
    options = ["--secret", f"id=pip,src={folder / 'pip.conf'}"]
    if "cert" in settings:
        options += ["--secret", f"id=ca,src={settings['cert']}"]
        settings["cert"] = "/run/secrets/ca"
    lines = [f"{name} = {value}\n" for name, value in settings.items()]
    (folder / "pip.conf").write_text("".join(["[global]\n", *lines]))
    return options


class Compose:
    """A project of Docker Compose, with variables of its own."""

    def __init__(self, files: list[Path], variables: Mapping[str, str]) -> None:
        self.variables = {**variables, "COMPOSE_FILE": ":".join(map(str, files))}

    def __call__(self, *words: str, timeout: float = 180) -> str:
        """What `docker compose` prints, which must succeed."""
        return docker("compose", *words, timeout=timeout, **self.variables)

    def container(self, service: str) -> dict[str, Any]:
        """What Docker knows of the service's container."""
        return inspect(self("ps", "--all", "--quiet", service).strip())

    def log(self, service: str) -> str:
        """What the service's container has written, as it was written."""
        command = ["docker", "logs", self.container(service)["Id"]]
        return subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
        ).stdout

    @contextmanager
    def up(self) -> Iterator[None]:
        """Everything running and healthy, and nothing left of it afterwards."""
        try:
            self("up", "--no-build", "--wait")
            yield
        finally:
            self("down", "--volumes", "--timeout", "5")
