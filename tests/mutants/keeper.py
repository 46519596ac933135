"""A plugin of pytest: prints what the fixture `servers` yields, and keeps it for others."""

import pickle
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_MARK = "servers: "
_NEEDS_SERVERS = "tests/integration/sheaf/sharding/test_ownership.py"


@contextmanager
def kept_servers() -> Iterator[bytes]:
    """The value of the fixture, pickled, as long as the block runs."""
    options = ("-s", "-q", "-o", "addopts=--import-mode=importlib", "--timeout=0", "-p", __name__)
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, _NEEDS_SERVERS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith(_MARK):
                yield bytes.fromhex(line.removeprefix(_MARK))
                return  # the end of the block ends the input
    raise RuntimeError("the servers did not start")


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any) -> Generator[None, Any, Any]:
    """Called by pytest."""
    value = yield
    if fixturedef.argname == "servers":
        print(f"\n{_MARK}{pickle.dumps(value).hex()}", flush=True)  # noqa: T201
        sys.stdin.read()
        pytest.exit("nobody needs the servers any more")
    return value
