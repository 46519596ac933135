import os
import subprocess
import sys
from pathlib import Path

import psutil

BACKGROUND = 'trap "" INT; exec "$@"'
RUN = """
import sys
from pathlib import Path
from bench.import_speed import running_site
with running_site(Path(sys.argv[1])) as (site, _):
    print(site.pid)
"""


def test_a_site_is_stopped_also_in_a_shells_background(tmp_path: Path) -> None:
    """There SIGINT begins ignored, in the benchmark and in all that it starts."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "docs-imported").touch()  # the manual is not wanted here
    command = ["sh", "-c", BACKGROUND, "-", sys.executable, "-c", RUN, str(home)]
    # Without the servers of other tests the site starts its own.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("SHEAF_")}
    done = subprocess.run(
        command, env=alone, capture_output=True, check=False, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert not psutil.pid_exists(int(done.stdout))
    assert "received fast shutdown request" in (home / "postgres/log").read_text()
