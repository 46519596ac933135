"""What the image holds and what it lacks."""

import json
import re
import subprocess
import sys

import pytest

from tests.containers.docker import ROOT, docker, inspect
from tests.waiting import PATIENCE


def inside(image: str, *command: str) -> str:
    """What a command prints in a container that may write nowhere."""
    run = ("run", "--rm", "--network", "none", "--read-only", "--entrypoint", command[0])
    return docker(*run, image, *command[1:])


def python(image: str, program: str) -> str:
    return inside(image, "python", "-c", program)


def test_it_is_of_a_size(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    base = inspect("python:3.13-slim")["Size"]
    size = inspect(image)["Size"]
    with capsys.disabled():
        own = f"{(size - base) / 1e6:.0f} MB are Sheaf's"
        sys.stdout.write(f"\nimage: {size / 1e6:.0f} MB, of which {own}\n")
    assert size - base < 120e6


def test_nobody_special_runs_it_and_may_change_nothing_of_it(image: str) -> None:
    assert inside(image, "id", "--user").strip() == "10001"
    assert inside(image, "find", "/srv", "/opt/venv", "-writable", "!", "-type", "l") == ""


def test_nothing_is_left_of_its_making(image: str) -> None:
    tools = ("gcc", "cc", "make", "ld")
    assert python(image, f"import shutil; print([shutil.which(name) for name in {tools}])") == (
        f"{[None] * len(tools)}\n"
    )
    left = "find / -xdev -path '*/pip/*.py' -path '/opt/*' -o -path '*/.cache/*' -o -name pip.conf"
    assert inside(image, "sh", "-c", f"{left} -o -path '/run/secrets/*' 2> /dev/null || true") == ""


def test_it_has_the_packages_of_the_list_and_no_others(image: str) -> None:
    program = (
        "from importlib.metadata import distributions\n"
        "place = '/opt/venv/lib/python3.13/site-packages'\n"
        "print(*(f'{each.name}=={each.version}' for each in distributions(path=[place])))"
    )
    listed = (ROOT / "requirements/container.txt").read_text()
    wanted = re.findall(r"^([\w-]+)(?:\[\w+\])?(==\S+)", listed, re.MULTILINE)
    found = python(image, program).lower().replace("_", "-").split()
    assert sorted(found) == sorted(name + version for name, version in wanted)


def test_it_is_compiled(image: str) -> None:
    program = (
        "import pathlib, importlib.util as find\n"
        "files = [file for place in ('/srv/sheaf', '/opt/venv/lib')"
        " for file in pathlib.Path(place).rglob('*.py')]\n"
        "print(len(files), sum(pathlib.Path(find.cache_from_source(file)).exists()"
        " for file in files))"
    )
    files, compiled = map(int, python(image, program).split())
    assert files == compiled > 1000


def test_the_sign_in_of_a_laptop_is_only_where_it_was_asked_for(image: str) -> None:
    program = "import importlib.util; print(importlib.util.find_spec('local.laptop') is not None)"
    assert python(image, program) == "False\n"
    assert python(f"{image}-laptop", program) == "True\n"


def test_it_says_which_setting_it_lacks(image: str) -> None:
    done = subprocess.run(
        ["docker", "run", "--rm", "--read-only", image],
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert json.loads(done.stdout)["message"] == "SHEAF_DATABASE_URLS is not set"
