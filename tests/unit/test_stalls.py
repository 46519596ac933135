"""A test that stands still, as on a busy machine."""

import subprocess
import sys
from pathlib import Path

TEST = """
import time
loaded = time.monotonic()

def test_it():
    assert time.monotonic() - loaded > 1
"""


def test_a_test_stands_before_one_of_its_lines(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-p", "tests.stalls", "--stall-seconds", "1"]
    options = ["--rootdir", str(tmp_path), "--numprocesses", "1", str(tmp_path)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
