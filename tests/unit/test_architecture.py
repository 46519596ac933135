"""The arrows of docs/architecture.md: who may import whom."""

import ast
import re
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
    allowed = ("sheaf.scripts", "sheaf.caching", "sheaf.paging")
    for path in [*(layer / f"{name}.py" for name in names), *modules]:
        imported = {module for module in _imports(path) if module.startswith("sheaf.")}
        assert all(module.startswith(allowed) for module in imported), path


def _of_local(name: str) -> set[str]:
    """The modules of local/ that one of them imports."""
    source = (ROOT / f"local/{name}.py").read_text(encoding="utf-8")
    together = re.findall(r"^from local import (.+)$", source, re.MULTILINE)
    modules = re.findall(r"^from local\.(\w+) import", source, re.MULTILINE)
    return {*modules, *", ".join(together).split(", ")} - {""}


def test_the_image_has_of_local_what_its_roles_import_and_no_more() -> None:
    stages = (ROOT / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")
    copied, laptop = (
        set(re.findall(r"local/(\w+)\.py", next(each for each in stages if name in each)))
        for name in ("AS build", "AS laptop")
    )
    reached, left = {"__init__"}, {"container"}
    while left:
        reached |= left
        left = {name for module in left for name in _of_local(module)} - reached
    assert copied == reached
    assert not copied & laptop


def test_the_api_description_is_current() -> None:
    """`make openapi` writes it."""
    assert FILE.read_text(encoding="utf-8") == describe()
