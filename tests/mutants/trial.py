"""Trials: the tests of a module, run with a mutant in its place, in about a second.

Each is a fork of a process that has imported what does not change, and meets servers that run
already. So no file of the project is written, and trials can run side by side.
"""

import os
import pickle
import sys
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from types import CodeType
from typing import Any

import hypothesis
import pytest
from hypothesis import Phase

from tests.mutants.mutations import LAYER, Mutant

_OPTIONS = (
    *("-x", "-q", "-p", "no:cacheprovider", "-p", "pytest_timeout"),
    *("-o", "addopts=--import-mode=importlib"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
# What takes long to import, of what the tests need.
_SLOW = (
    *("alembic.command", "aws_lambda_powertools.event_handler.openapi.params", "boto3", "httpx"),
    *("hypothesis.strategies", "jinja2", "jwt", "markdown_it", "psycopg", "redis.cluster"),
    *("sqlalchemy.dialects.postgresql.psycopg", "werkzeug.test"),
)
_fork = get_context("fork")
_servers = b""


def prepare(servers: "SimpleQueue[bytes]") -> None:
    """Make this process ready for trials, with the next servers of the queue for its own."""
    global _servers  # noqa: PLW0603 - a process of a pool has no other place
    _servers = servers.get()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in _SLOW:
        import_module(name)


def run(mutant: Mutant | None, tests: tuple[str, ...], seconds: float) -> int | None:
    """What pytest ends with; None if it takes longer than `seconds`."""
    process = _fork.Process(target=_test, args=(mutant, tests))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        return None
    return process.exitcode


def _test(mutant: Mutant | None, tests: tuple[str, ...]) -> None:
    if mutant:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        sys.meta_path.insert(0, _Finder(mutant))
    code = pytest.main([*_OPTIONS, *tests], plugins=[_Guest()])
    os._exit(code)  # whatever threads a mutant has left


class _Guest:
    """Uses the servers that are kept, and tries the same examples with each mutant."""

    def pytest_collection(self) -> None:
        # Any counterexample will do: it need not be a short one.
        phases = (Phase.explicit, Phase.generate)
        hypothesis.settings.register_profile(
            "mutants", deadline=None, derandomize=True, database=None, phases=phases
        )
        hypothesis.settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Properties take longest, so they come last."""
        items.sort(key=lambda item: hasattr(getattr(item, "obj", None), "hypothesis"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> object:
        if fixturedef.argname != "servers":
            return None
        value = pickle.loads(_servers)
        fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
        return value


class _Finder(MetaPathFinder):
    """Finds the mutant where its module would be."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = "sheaf." + mutant.file.removesuffix(".py").replace("/", ".")
        self._loader = _Loader(self._name, str(LAYER / mutant.file))
        self._loader.text = mutant.text

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return spec_from_file_location(fullname, self._loader.path, loader=self._loader)


class _Loader(SourceFileLoader):
    """Loads a module with another text than that of its file."""

    text: str

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self.text, self.path, "exec", dont_inherit=True)
        return code
