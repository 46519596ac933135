"""A database whose disk is full: it is read, and whoever writes is told why nothing is saved."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from local.laptop import services
from sheaf.sharding import shards
from tests.fixtures import migrate_together
from tests.integration.conftest import Configure
from tests.needs import needs
from tests.site import CREATE, Site

pytestmark = pytest.mark.slow
# PostgreSQL's own files, the first piece of its log, and some.
DISK = 160 * 1024 * 1024
# Less than is left of that piece: a log that cannot be written ends PostgreSQL.
LEFT = 512 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    where = tmp_path / "disk"
    where.mkdir()
    with mounted(where):
        yield where


@contextmanager
def mounted(where: Path) -> Iterator[None]:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(where)]
    possible = os.geteuid() == 0 and subprocess.run(mount, check=False, timeout=60).returncode == 0
    needs(possible, "the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(where)], check=True, timeout=60)


@pytest.fixture
def full(site: Site, disk: Path, configure: Configure) -> Iterator[Path]:
    """What fills the disk of the site's database, in which there is a page `home`."""
    with services.postgres(disk / "server") as server:
        migrate_together([server.url])
        configure(SHEAF_DATABASE_URLS=server.url)
        site.create("home", "# Home\n\ntext")
        filler = disk / "filler"
        free = os.statvfs(disk)
        filler.write_bytes(bytes(free.f_bavail * free.f_frsize - LEFT))
        yield filler
        shards.dispose()


def long(seed: int) -> str:
    """A text that does not get shorter when it is compressed."""
    return Random(seed).randbytes(200_000).hex()


def test_whoever_saves_is_told_and_nothing_is_lost(site: Site, full: Path) -> None:
    stored = {"home": 1}
    for number in range(20):
        answer = site.put(f"page-{number}", long(number), CREATE)
        if answer.status_code == 503:
            break
        stored[f"page-{number}"] = answer.json["version"]
    assert answer.json["type"] == "urn:sheaf:problem:no-room"
    assert answer.json["detail"] == "The database's disk is full. Try again in a moment."
    assert answer.headers["retry-after"] == "30"
    listed = site.get("/api/pages?sort=slug&limit=100").json["items"]
    assert {item["slug"]: item["version"] for item in listed} == stored
    full.unlink()
    assert site.put(f"page-{number}", long(number), CREATE).status_code == 201
    assert site.get(f"/api/pages/page-{number}").json["body"] == long(number)
