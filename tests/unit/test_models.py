"""The model of the write protocol: safe as designed, and each of its parts is needed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.needs import needs

pytestmark = pytest.mark.slow

MODEL = Path(__file__).parents[2] / "docs" / "models" / "writes.pml"
LOST_EDIT = "assertion violated ((version[0]==seen[0])"


def verify(place: Path, *macros: str) -> str:
    """What spin's verifier says about the model; a counterexample is left in the folder."""
    needs(bool(shutil.which("spin") and shutil.which("gcc")), "spin and gcc")
    for command in (
        ["spin", "-a", *(f"-D{macro}" for macro in macros), str(MODEL)],
        ["gcc", "-w", "-O2", "-DSAFETY", "-DMEMLIM=2000", "-o", "pan", "pan.c"],
    ):
        subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=60)
    verifier = subprocess.run(
        ["./pan", "-m1000"], cwd=place, check=True, capture_output=True, text=True, timeout=120
    )
    return verifier.stdout


def errors(report: str) -> int:
    found = re.search(r"errors: (\d+)", report)
    assert found, report
    return int(found[1])


def test_the_protocol_loses_no_edit_in_any_order_of_steps(tmp_path: Path) -> None:
    report = verify(tmp_path)
    assert errors(report) == 0, report
    assert "Search not completed" not in report
    assert "max search depth too small" not in report
    assert not list(tmp_path.glob("*.trail"))


@pytest.mark.parametrize("part", ["NO_CLAIM", "CLAIM_AFTER_READ", "OWN_ROW_ONLY", "NO_VERSION"])
def test_an_edit_is_lost_without_this_part(part: str, tmp_path: Path) -> None:
    report = verify(tmp_path, part)
    assert errors(report) > 0
    assert LOST_EDIT in report
    assert (tmp_path / "writes.pml.trail").stat().st_size > 0


def test_the_model_is_not_safe_because_nobody_saves(tmp_path: Path) -> None:
    assert "assertion violated (saves<3)" in verify(tmp_path, "NEVER_ALL")
