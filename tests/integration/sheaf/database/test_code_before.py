"""Each migration, with the code of before it still serving, as it does while a release goes on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from sqlalchemy import create_engine, make_url

from sheaf.database import schema
from tests.fixtures import Servers, database

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
PACKAGE = "layers/common/sheaf"  # the folder of migrations has moved in it
# Replays the sample events of the code of then, and names those that are answered otherwise.
REPLAY = """
import json
from pathlib import Path
from {seed} import invoke, template
functions = template().functions
for path in sorted(Path("events").glob("*/*.json")):
    name, outcome = path.parent.name, path.stem.rpartition(".")[2]
    if name in ("pages", "listing", "writes"):
        answer = invoke(functions[f"{name.capitalize()}Function"], json.loads(path.read_text()))
        if answer["statusCode"] != int(outcome):
            raise SystemExit(f"{path}: {answer}")
print("all as promised")
"""


def git(*words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True).stdout


def introduced(migration: str) -> str:
    """The commit that brought a migration; without the history the test is left out."""
    try:
        shallow = git("rev-parse", "--is-shallow-repository").strip() == b"true"
    except (FileNotFoundError, subprocess.CalledProcessError):
        shallow = True
    if shallow:
        pytest.skip("the history is not here")
    pattern = f":(glob){PACKAGE}/**/versions/{migration}_*.py"
    return git("log", "--diff-filter=A", "--format=%H", "--", pattern).decode().split()[-1]


def run(tree: Path, url: str, cache: str, *command: str) -> str:
    """What the code in a tree prints, with this database and this cache."""
    folders = (tree, tree / "functions", tree / "layers/common")
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        env={
            **os.environ,
            "SHEAF_DATABASE_URLS": url,
            "SHEAF_CACHE_URL": cache,
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
        },
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def migrations() -> list[str]:
    folder = ROOT / "layers/common/sheaf/database/migrations/versions"
    return sorted(path.name[:4] for path in folder.glob("[0-9]*.py"))


@pytest.mark.parametrize("migration", migrations()[1:])  # before the first there was no code
def test_the_code_before_a_migration_goes_on(
    migration: str, servers: Servers, tmp_path: Path
) -> None:
    archive = git("archive", f"{introduced(migration)}^")
    subprocess.run(["tar", "-x"], cwd=tmp_path, input=archive, check=True, timeout=60)
    for package in ("local", "tests", "tests/sam"):  # else today's would be found before them
        (tmp_path / package / "__init__.py").touch()
    moved = (tmp_path / "local/invocation/seed.py").is_file()
    seed = "local.invocation.seed" if moved else "tests.sam.seed"
    cache = servers.cache(5)
    with redis.Redis.from_url(cache) as client:
        client.flushdb()
    with database(servers, f"before_{migration}", None) as url:
        run(tmp_path, url, cache, "-m", seed)
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        assert schema.upgrade(engine, migration)[-1] == migration
        engine.dispose()
        replay = REPLAY.replace("{seed}", seed)
        assert run(tmp_path, url, cache, "-c", replay) == "all as promised\n"
