"""What a function's code can reach: the modules of ours that it imports, at whatever depth."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT / "functions", ROOT / "layers/common")


@cache
def closure(module: str) -> frozenset[str]:
    """The module and all of ours that it imports, inside of functions too, by their full names."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found and file_of(name):
            found.add(name)
            waiting += imported(name)
    return frozenset(found)


def file_of(module: str) -> Path | None:
    """Where a module of ours is."""
    path = Path(*module.split("."))
    files = (root / each for root in SOURCES for each in (path / "__init__.py", f"{path}.py"))
    return next((file for file in files if file.is_file()), None)


def imported(module: str) -> Iterator[str]:
    """What a module imports, and the packages that this loads; `from a import b` may be a.b."""
    file = file_of(module)
    for node in ast.walk(ast.parse(file.read_text() if file else "")):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[: count + 1]) for count in range(len(parts)))
