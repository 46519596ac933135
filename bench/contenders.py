"""The contenders that serve the page, and the surroundings that each of their processes gets."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import page
from local.gateway.config import PROJECT

FLOOR, OURS, FLASK, FASTAPI, CHALICE = "constant", "Sheaf", "Flask", "FastAPI", "Chalice"
# A page that is not in the cache is an error here, not an answer from storage.
_NO_DATABASE = "postgresql://nobody@127.0.0.1:9/none"


@dataclass(frozen=True)
class Contender:
    """A handler, named as Lambda's setting names it, and the maker of its events."""

    name: str
    parts: str
    handler: str
    event: Callable[[str, Mapping[str, str]], dict[str, Any]] = page.event


CONTENDERS = (
    Contender(FLOOR, "no work at all", "constant.handler"),
    Contender(OURS, "pages.app", "pages.app.handler"),
    Contender(FLASK, "apig-wsgi, Flask-Caching", "flask_app.handler"),
    Contender(FASTAPI, "Mangum, redis-py", "fastapi_app.handler"),
    Contender(CHALICE, "redis-py", "chalice_app.app", page.rest_event),
)


@dataclass(frozen=True)
class Runtime:
    """The Python that runs them all, and what it finds in its environment."""

    python: str
    version: str
    environment: dict[str, str]
    place: Path


def runtime(place: Path) -> Runtime:
    """The runtime of the contenders: PYTHON, or else the Python that runs this."""
    python = os.environ.get("PYTHON") or sys.executable
    ask = "import platform, sysconfig as s; print(platform.python_version(), s.get_path('purelib'))"
    command = [python, "-c", ask]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    version, packages = told.stdout.strip().split(maxsplit=1)
    folders = ("bench/peers", "functions", "layers/common")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([*(str(PROJECT / each) for each in folders), packages]),
        "AWS_REGION": "us-east-1",
        "SHEAF_CACHE_URL": os.environ["SHEAF_CACHE_URL"],
        "SHEAF_DATABASE_URLS": _NO_DATABASE,
        "BENCH_PAGE": str(place / "page.json"),
    }
    return Runtime(python, version, environment, place)
