"""The layer: small, reproducible, and complete for Python 3.13."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.needs import needs
from tests.sam import sam

MEGABYTE = 1024 * 1024
LAYER = sam.ROOT / "layers" / "common"
PYTHON313 = os.environ.get("PYTHON313", "python3.13")
# Everything that a function may import, ours and theirs.
IMPORT_ALL = """
import importlib, pkgutil, sys
import listing.app, migrate.app, pages.app, upkeep.app, writes.app, sheaf
for module in pkgutil.walk_packages(sheaf.__path__, "sheaf."):
    if not module.name.endswith(".env"):  # Alembic runs it, nobody imports it
        importlib.import_module(module.name)
"""


@pytest.fixture(scope="module")
def layer(built: Path) -> Path:
    return built / "CommonLayer"


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


def test_the_lock_is_for_one_target() -> None:
    # pip would ask a marker about the machine that builds, not about the one that runs.
    lines = (LAYER / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if ";" in line] == []


def test_is_small(layer: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "layer"), "zip", layer))
    assert archive.stat().st_size <= 12 * MEGABYTE


def test_has_bytecode_exactly_when_python_3_13_made_it(layer: Path) -> None:
    assert any(layer.rglob("*.pyc")) == has_python313()


def test_our_own_sources_are_in_it(layer: Path) -> None:
    ours = {str(p.relative_to(LAYER)) for p in (LAYER / "sheaf").rglob("*.py")}
    assert ours == {
        str(p.relative_to(layer / "python")) for p in (layer / "python/sheaf").rglob("*.py")
    }


def test_holds_no_other_processors_code(layer: Path) -> None:
    libraries = [path for path in layer.rglob("*.so") if path.read_bytes()[18:20] != b"\x3e\x00"]
    assert libraries == []  # 0x3e is x86-64


def test_building_again_gives_the_same(layer: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "layer"
    shutil.copytree(LAYER, source, ignore=shutil.ignore_patterns("__pycache__"))
    command = ["make", "build-CommonLayer", f"ARTIFACTS_DIR={target}"]
    subprocess.run(command, cwd=source, env=sam.ENVIRONMENT, check=True, timeout=300)
    assert digests(target) == digests(layer)


def test_every_function_is_one_package_without_bytecode(built: Path) -> None:
    for artifact in built.glob("*Function"):
        assert [path.name for path in artifact.iterdir()] == [
            artifact.name.removesuffix("Function").lower()
        ]
        assert not list(artifact.rglob("*.pyc"))


def test_everything_imports_in_python_3_13(layer: Path, built: Path) -> None:
    needs(has_python313(), "Python 3.13 (PYTHON313)")
    folders = [str(layer / "python"), *map(str, built.glob("*Function"))]
    code = f"import sys; sys.path[:0] = {json.dumps(folders)}\n{IMPORT_ALL}"
    command = [PYTHON313, "-I", "-S", "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
