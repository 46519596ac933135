"""Functions in containers, as `sam local` runs them, with PostgreSQL and Valkey beside them.

    python -m local.invocation.containers

makes of what SAM has built the template that samconfig.toml names for `sam local`.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from local.gateway.config import PROJECT

BUILT = PROJECT / ".aws-sam/local"
TEMPLATE = BUILT / "invoke.yaml"
LAYERS = BUILT / "layers"
SETTINGS = PROJECT / "local/invocation/settings.json"
ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
IMAGE = f"public.ecr.aws/lambda/python:3.13-{ARCHITECTURE}"
# Beside a site that compose.yaml makes, not instead of it. Only containers reach these servers.
SERVERS = "sheaf-local"
NETWORK = f"{SERVERS}_default"
PASSWORDS = {"POSTGRES_PASSWORD": "local", "CACHE_PASSWORD": "local"}
# SAM hands on no variable that the template does not declare.
ENDPOINTS = dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_CODEDEPLOY"), "")


class InvocationFailed(RuntimeError):
    """Something that a function needs did not work; the message says what, and how it ended."""


def are_there() -> bool:
    """Whether Docker runs here, with its plugin compose."""
    try:
        for words in (["info"], ["compose", "version"]):
            subprocess.run(["docker", *words], check=True, capture_output=True, timeout=30)
    except (FileNotFoundError, subprocess.SubprocessError):
        return False
    return True


def address(network: str = NETWORK) -> str:
    """Where containers in a network find servers of this machine that listen at that address."""
    if sys.platform != "linux":
        return "host.docker.internal"
    form = "{{range .IPAM.Config}}{{.Subnet}}{{end}}"
    subnet = _output("docker", "network", "inspect", network, "--format", form).strip()
    return str(ip_network(subnet)[1])


def prepare() -> None:
    """Build what has changed, start the servers, and make the site that the samples assume."""
    _output("make", "--silent", str(TEMPLATE.relative_to(PROJECT)))
    compose = ("docker", "compose", "--project-name", SERVERS)
    _output(*compose, "up", "--quiet-pull", "--detach", "--wait", "database", "cache", **PASSWORDS)
    _seed()


def _seed() -> None:
    """Seed in a container of the functions' own image: nobody else reaches the servers."""
    folders = ("/project", "/project/functions", "/opt/python", "/var/runtime")
    variables = {
        **json.loads(SETTINGS.read_text())["Parameters"],
        "PYTHONPATH": os.pathsep.join(folders),
        "PYTHONDONTWRITEBYTECODE": "1",
        "POWERTOOLS_LOG_LEVEL": "WARNING",
    }
    settings = [word for pair in variables.items() for word in ("--env", "=".join(pair))]
    mounts = {PROJECT: "/project", BUILT / "CommonLayer": "/opt"}
    volumes = [f"--volume={here}:{there}:ro" for here, there in mounts.items()]
    where = ["--rm", "--network", NETWORK, "--workdir", "/project", "--entrypoint", "python3"]
    _output("docker", "run", *where, *volumes, *settings, IMAGE, "-m", "local.invocation.seed")


def invoke(function: str, event: Mapping[str, Any], settings: Mapping[str, str]) -> Any:
    """What a function answers to an event by `sam local invoke`, with these settings as well.

    Its log goes to standard error. Raises InvocationFailed.
    """
    with TemporaryDirectory() as folder:
        event_file, variables = Path(folder, "event.json"), Path(folder, "variables.json")
        event_file.write_text(json.dumps(event))
        known = json.loads(SETTINGS.read_text())["Parameters"]
        variables.write_text(json.dumps({"Parameters": {**known, **settings}}))
        options = ("--event", str(event_file), "--env-vars", str(variables))
        sam = Path(sys.executable).with_name("sam")
        said = _output(str(sam), "local", "invoke", function, *options, SAM_CLI_TELEMETRY="0")
    return json.loads(said.splitlines()[-1])


def _output(*command: str, **variables: str) -> str:
    """What a command prints; what it says beside that goes to standard error."""
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InvocationFailed(f"{' '.join(command[:4])} … ended with status {done.returncode}")
    return done.stdout


def write_template(built: Path, layers: Path) -> Path:
    """Make of a built template one by which `sam local` starts quickly, and return where it is.

    Of a layer in a template SAM makes an image for each invocation. Of one that seems to be
    published, and is in its cache, it makes one image.
    """
    layer = built / "CommonLayer"
    arn = f"arn:aws:lambda:us-east-1:123456789012:layer:common:{_number(layer)}"
    name, version = arn.split(":")[-2:]
    cached = layers / f"{name}-{version}-{hashlib.sha256(arn.encode()).hexdigest()[:10]}"
    if not cached.exists():
        shutil.rmtree(layers, ignore_errors=True)
        shutil.copytree(layer, cached)
    document = yaml.safe_load((built / "template.yaml").read_text())
    shared = document["Globals"]["Function"]
    shared |= {"Layers": [arn], "Architectures": [ARCHITECTURE]}
    shared["Environment"]["Variables"] |= ENDPOINTS
    template = built / TEMPLATE.name
    template.write_text(yaml.safe_dump(document))
    return template


def _number(folder: Path) -> int:
    """A number that stands for the files of a folder."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return int.from_bytes(digest.digest()[:4])


if __name__ == "__main__":
    write_template(BUILT, LAYERS)
