"""The arrows of docs/architecture.md: who may import whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.openapi import describe
from sheaf.http.openapi import FILE

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = {"pages", "listing", "writes", "upkeep", "migrate", "release", "gate", "purge"}
MODULES = [*ROOT.glob("functions/**/*.py"), *ROOT.glob("layers/common/sheaf/**/*.py")]


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_run_down(path: Path) -> None:
    parts = path.relative_to(ROOT).parts
    own = {parts[1]} if parts[0] == "functions" else set()
    forbidden = (FUNCTIONS | {"local", "ops", "tests"}) - own
    roots = {name.split(".")[0] for name in _imports(path)}
    assert not roots & forbidden


def test_the_lowest_modules_stand_alone() -> None:
    layer = ROOT / "layers/common/sheaf"
    names = ("hashing", "slugs", "settings", "scripts", "aws/presigning", "search/words")
    modules = [path for package in ("caching", "paging") for path in (layer / package).glob("*.py")]
    allowed = ("sheaf.hashing", "sheaf.scripts", "sheaf.caching", "sheaf.paging")
    for path in [*(layer / f"{name}.py" for name in names), *modules]:
        imported = {module for module in _imports(path) if module.startswith("sheaf.")}
        assert all(module.startswith(allowed) for module in imported), path


def test_the_gateway_has_nothing_of_a_laptop() -> None:
    """The image of a site has only the one: whoever can sign tokens is trusted."""
    for path in (ROOT / "local/gateway").glob("*.py"):
        assert not {name for name in _imports(path) if name.startswith("local.laptop")}, path


def test_the_api_description_is_current() -> None:
    """`make openapi` writes it."""
    assert FILE.read_text(encoding="utf-8") == describe()
