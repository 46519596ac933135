"""The artifacts: the same whenever and wherever they are built, and a layer that is small."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.needs import needs
from tests.sam import sam

MEGABYTE = 1024 * 1024
LAYER = sam.ROOT / "layers" / "common"
PYTHON313 = os.environ.get("PYTHON313", "python3.13")
# What bytecode of Python 3.13 begins with, if it never looks for its source.
UNCHECKED_313 = (3571).to_bytes(2, "little") + b"\r\n" + (1).to_bytes(4, "little")
# All that the build may need of a machine, apart from a Python.
TOOLS = ("cp", "find", "make", "rm", "sh", "tr", "wc")
# The archive as it is deployed. (SAM's modules change how PyYAML works for everything else.)
ZIP = """
import os, sys
from samcli.lib.package.utils import make_zip_with_lambda_permissions
print(os.path.getsize(make_zip_with_lambda_permissions(*sys.argv[1:])))
"""
# Everything that a function may import, ours and theirs.
IMPORT_ALL = """
import importlib.util, json, pkgutil, sys
folders, functions = json.loads(sys.argv[1])
sys.path[:0] = folders
import sheaf
for function in functions:
    importlib.import_module(f"{function}.app")
# Alembic runs the first, and the others need kazoo, which this layer has not.
left_out = {
    "sheaf.database.migrations.env", "sheaf.locks.zookeeper", "sheaf.locks.zookeeper_client",
    "sheaf.locks.zookeeper_places",
}
for module in pkgutil.walk_packages(sheaf.__path__, "sheaf."):
    if module.name not in left_out:
        importlib.import_module(module.name)
assert importlib.util.find_spec("kazoo") is None
print(sheaf.BUILD)
"""


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[dict[str, Future[Path]]]":
    """Two more builds, both at once: the same again, and without a Python 3.13."""
    again, plain = (tmp_path_factory.mktemp(name) for name in ("elsewhere", "plain"))
    tools = tmp_path_factory.mktemp("tools")
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name) or name)
    with ThreadPoolExecutor() as pool:
        yield {
            "again": pool.submit(sam.build, again),
            "plain": pool.submit(
                sam.build, plain, PATH=str(tools), PYTHON313="/nowhere/python3.13"
            ),
        }


@pytest.fixture(scope="module")
def again(others: "dict[str, Future[Path]]") -> Path:
    """What another build has made, in another folder."""
    return others["again"].result()


@pytest.fixture(scope="module")
def plain(others: "dict[str, Future[Path]]") -> Path:
    """What is built on a machine without a Python 3.13."""
    return others["plain"].result()


def has_python313() -> bool:
    check = "import sys; sys.exit(sys.version_info[:2] != (3, 13))"
    try:
        command = [PYTHON313, "-c", check]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def zipped_bytes(built: Path) -> int:
    command = [sys.executable, "-c", ZIP, str(built.parent / "layer"), str(built / "CommonLayer")]
    return int(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout)


def number_after_importing_all(built: Path) -> int:
    """Import everything in Python 3.13; says the number of the build."""
    artifacts = list(built.glob("*Function"))
    folders = [str(built / "CommonLayer/python"), *map(str, artifacts)]
    functions = [package.name for artifact in artifacts for package in artifact.iterdir()]
    options = ["-I", "-S", "-B", "-W", "error"]
    command = [PYTHON313, *options, "-c", IMPORT_ALL, json.dumps([folders, functions])]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_the_lock_is_for_one_target() -> None:
    # pip would ask a marker about the machine that builds, not about the one that runs.
    lines = (LAYER / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if ";" in line] == []


def test_building_again_elsewhere_gives_the_same(built: Path, again: Path) -> None:
    assert digests(again) == digests(built)


def test_the_layer_is_small(built: Path, plain: Path) -> None:
    assert zipped_bytes(built) <= 12 * MEGABYTE
    assert zipped_bytes(plain) <= 12 * MEGABYTE


def test_bytecode_is_for_python_3_13(built: Path) -> None:
    needs(has_python313(), "Python 3.13 (PYTHON313)")
    assert {path.read_bytes()[:8] for path in built.rglob("*.pyc")} == {UNCHECKED_313}
    assert ", with bytecode" in (built.parent / "log").read_text()


def test_without_python_3_13_there_is_no_bytecode(plain: Path) -> None:
    assert list(plain.rglob("*.pyc")) == []
    assert ", without bytecode" in (plain.parent / "log").read_text()


def test_our_own_sources_are_in_it_but_for_the_command(built: Path, plain: Path) -> None:
    ours = {str(p.relative_to(LAYER)) for p in (LAYER / "sheaf").rglob("*.py")}
    ours = {path for path in ours if not path.startswith("sheaf/cli/")}
    for layer in (built / "CommonLayer/python", plain / "CommonLayer/python"):
        assert ours == {str(p.relative_to(layer)) for p in (layer / "sheaf").rglob("*.py")}


def test_the_layer_holds_no_other_processors_code(built: Path) -> None:
    libraries = list((built / "CommonLayer").rglob("*.so"))
    assert {path.read_bytes()[18:20] for path in libraries} == {b"\x3e\x00"}  # x86-64


def test_every_function_is_one_package_without_bytecode(built: Path) -> None:
    for artifact in built.glob("*Function"):
        assert [path.name for path in artifact.iterdir()] == [
            artifact.name.removesuffix("Function").lower()
        ]
        assert not list(artifact.rglob("*.pyc"))


def test_everything_imports_in_python_3_13(built: Path, plain: Path) -> None:
    needs(has_python313(), "Python 3.13 (PYTHON313)")
    assert number_after_importing_all(built) == sam.NUMBER
    assert number_after_importing_all(plain) == sam.NUMBER
