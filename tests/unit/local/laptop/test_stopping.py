import subprocess
import sys

import pytest

from local.gateway.config import PROJECT
from tests.unit.local.laptop.interrupted import MOMENTS
from tests.waiting import PATIENCE


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_stops_everything_whenever_it_comes(moment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.local.laptop.interrupted", moment],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "left: []\n", "")
