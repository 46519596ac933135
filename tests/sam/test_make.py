"""The Makefile: what `make build` and `make deploy` ask of SAM, and tell the make below it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.needs import needs
from tests.sam import sam

# In SAM's and Python's place: says what it is asked, and what a Makefile that it runs is told.
PROGRAM = """#!/bin/sh
echo NAME "$@"
echo 'told: ; @echo told $(ARCH) $(SOURCE_DATE_EPOCH)' | make -s --no-print-directory -f - told
"""
BUILD = "sam build --parameter-overrides Architecture"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree without a history, in which SAM and Python are replaced."""
    tree = tmp_path / "a tree"
    sam.copy(tree)
    (tree / ".venv/bin").unlink()
    (tree / ".venv/bin").mkdir()
    for name in ("sam", "python"):
        program = tree / ".venv/bin" / name
        program.write_text(PROGRAM.replace("NAME", name))
        program.chmod(0o755)
    return tree


def make(tree: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    unwanted = ("ARCH", "SOURCE_DATE_EPOCH", "MAKEFLAGS", "GIT_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    return subprocess.run(
        ["make", "-s", *words],
        cwd=tree,
        env={**environment, "GIT_CEILING_DIRECTORIES": str(tree.parent)},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def said(tree: Path, *words: str) -> list[str]:
    done = make(tree, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def commit(tree: Path, path: str, time: int) -> None:
    with (tree / path).open("a") as file:
        file.write("\n")
    who = ("-c", "user.name=Sheaf", "-c", "user.email=sheaf@example.com")
    environment = {**os.environ, "GIT_COMMITTER_DATE": f"{time} +0000"}
    for command in (["init"], ["add", path], [*who, "commit", "--no-gpg-sign", "--message", path]):
        subprocess.run(
            ["git", *command],
            cwd=tree,
            env=environment,
            check=True,
            capture_output=True,
            timeout=60,
        )


def test_a_build_has_the_time_of_the_last_change_of_what_is_deployed(tree: Path) -> None:
    needs(shutil.which("git") is not None, "git")
    commit(tree, "functions/Makefile", 1_000_000_000)
    commit(tree, "layers/common/Makefile", 1_100_000_000)
    commit(tree, "samconfig.toml", 1_200_000_000)
    assert said(tree, "build") == [f"{BUILD}=arm64", "told arm64 1100000000"]


def test_without_a_history_the_number_has_to_be_given(tree: Path) -> None:
    refused = make(tree, "build")
    assert refused.returncode != 0
    assert "SOURCE_DATE_EPOCH=" in refused.stderr
    assert refused.stdout == ""
    given = said(tree, "build", "ARCH=x86_64", "SOURCE_DATE_EPOCH=5")
    assert given == [f"{BUILD}=x86_64", "told x86_64 5"]


def test_a_stage_is_built_for_its_own_processor(tree: Path) -> None:
    config = tree / "samconfig.toml"
    guided = r'"Architecture=\"x86_64\" Stage=dev'  # as `sam deploy --guided` writes it
    config.write_text(config.read_text().replace('"Stage=dev', guided))
    dev = said(tree, "deploy", "SOURCE_DATE_EPOCH=5", "ARGS=--guided --debug")
    assert dev[:2] == [f"{BUILD}=x86_64", "told x86_64 5"]
    assert dev[2] == "python -m ops.deployment --config-env dev --guided --debug"
    prod = said(tree, "deploy", "STAGE=prod", "SOURCE_DATE_EPOCH=5", "ARCH=x86_64")
    assert prod[:2] == [f"{BUILD}=arm64", "told arm64 5"]
    assert prod[2] == "python -m ops.deployment --config-env prod"
