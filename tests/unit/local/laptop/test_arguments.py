import subprocess
import sys

import pytest

from local.gateway.config import PROJECT
from tests.waiting import PATIENCE


@pytest.mark.parametrize(
    ("argument", "status"), [("--help", 0), ("-h", 0), ("--port=1", 2), ("3001", 2), ("", 2)]
)
def test_who_gives_an_argument_is_told_where_settings_are_and_no_site_starts(
    argument: str, status: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local", argument],
        # If it did start, it would stop at this, with status 1.
        env={"PORT": "none"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=PROJECT,
        check=False,
    )
    assert done.returncode == status
    said = done.stderr if status else done.stdout
    assert said.startswith("usage: python -m local, with settings in environment variables")
    assert "docs/settings.md" in said.splitlines()[0]
