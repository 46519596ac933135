"""The distribution, installed where nothing else is: the libraries and the `sheaf` command."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures import Servers
from tests.integration.test_docs import DOCS, check, examples
from tests.needs import needs
from tests.servers.zookeeper import zookeeper_ensemble

PROJECT = Path(__file__).parents[2]
# What packages are built of, and how they are described.
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "layers/common/sheaf")
# Of a checkout's the command has those that need a site's address and nothing else.
COMMANDS = ["export", "import", "move", "search", "smoke", "sync"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of a copy: a build leaves folders behind."""
    tree, place = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for source in SOURCES:
        (tree / source).parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / source).is_dir():
            shutil.copytree(PROJECT / source, tree / source)
        else:
            shutil.copy(PROJECT / source, tree / source)
    _run("pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(place), str(tree))
    (found,) = place.glob("sheaf-*.whl")
    return found


def _run(*module: str, python: str = sys.executable) -> str:
    command = [python, "-m", *module]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_one_package_with_all_that_belongs_to_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"sheaf"}
    sources = {
        path.relative_to(PROJECT / "layers/common").as_posix()
        for path in (PROJECT / "layers/common/sheaf").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert sources - names == set()


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the distribution with all its extras."""
    place = tmp_path_factory.mktemp("environment")
    _run("venv", str(place))
    extras = ",".join(
        tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    )
    install = [str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--no-input"]
    done = subprocess.run(
        [*install, f"{wheel}[{extras}]"], capture_output=True, text=True, timeout=500, check=False
    )
    offline = "Failed to establish a new connection" in done.stderr
    needs(not offline, "the package index")
    assert done.returncode == 0, done.stderr
    return place / "bin"


@pytest.mark.parametrize("name", ["locks", "caching", "paging"])
def test_the_examples_of_the_libraries_run(
    programs: Path, name: str, servers: Servers, empty_cache: str, tmp_path: Path
) -> None:
    environment = {
        "REDIS_URL": empty_cache,
        "DATABASE_URL": servers.database_url,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": "",
    }
    file = DOCS / f"{name}.md"
    if "ZOOKEEPER_URL" not in file.read_text():
        check(list(examples(file)), tmp_path, environment)
        return
    with zookeeper_ensemble(tmp_path / "zookeeper", 1) as ensemble:
        check(list(examples(file)), tmp_path, {**environment, "ZOOKEEPER_URL": ensemble.url})


def test_pages_are_brought_in_and_taken_out(
    programs: Path, site_url: str, mint_token: Callable[[str, str], str], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/from-a-wheel.md").write_text("# From a wheel\n")
    (tmp_path / "in/home.md").write_text("# Home\n")
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "SHEAF_URL": site_url,
        "SHEAF_TOKEN": mint_token("alice", "editor"),
    }

    def sheaf(*words: str) -> str:
        command = [str(programs / "sheaf"), *words]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "failed 0" in sheaf("import", "in")
    sheaf("export", "out")
    assert (tmp_path / "out/from-a-wheel.md").read_text() == "# From a wheel\n"
    assert sheaf("search", "from", "wheel") == f"From a wheel  {site_url}/from-a-wheel\n"
    assert "failed 0" in sheaf("smoke", site_url)
    commands = sheaf("--help").partition("Commands:")[2]
    assert re.findall(r"^  (\w+)", commands, re.MULTILINE) == COMMANDS
