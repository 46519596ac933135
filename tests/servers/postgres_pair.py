"""A PostgreSQL primary and a hot standby that follows it and can be promoted in its place."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from local.laptop import postgres, processes, services
from local.laptop.processes import Server
from tests.servers.redis_pair import address
from tests.waiting import PATIENCE, wait_until

_OTHERS = "pid <> pg_backend_pid() AND backend_type = 'client backend'"


@dataclass(frozen=True)
class PostgresPair:
    """Two servers; a change counts when both have it, as where they share their disks."""

    primary: Server
    standby: Server

    def fence_off(self) -> None:
        """Have the primary take no more changes, as it does that was replaced, and end sessions."""
        with psycopg.connect(self.primary.url, autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            admin.execute("SELECT pg_reload_conf()")
            wait_until(self._takes_no_changes, "the primary still takes changes")
            admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_OTHERS}")

    def _takes_no_changes(self) -> bool:
        with psycopg.connect(self.primary.url) as new:
            return new.info.parameter_status("default_transaction_read_only") == "on"

    def crash(self) -> None:
        """End the primary in the middle of everything."""
        processes.stop(self.primary.process, signal.SIGQUIT)

    def promote(self) -> None:
        """Make the standby a primary; it takes changes on return."""
        with psycopg.connect(self.standby.url, autocommit=True) as admin:
            admin.execute(f"SELECT pg_promote(wait_seconds => {PATIENCE})")
            assert admin.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)


@contextmanager
def postgres_pair(home: Path) -> Iterator[PostgresPair]:
    """Both servers for the time of the block, with their data below `home`."""
    with services.postgres(home / "primary") as primary:
        copy = home / "standby" / "postgres"
        copy.mkdir(mode=0o700, parents=True)
        shutil.copy(home / "primary" / "postgres" / "password", copy)
        _copy(primary, copy)
        with services.postgres(home / "standby") as standby:
            _commit_on_both(primary)
            yield PostgresPair(primary, standby)


def _copy(primary: Server, copy: Path) -> None:
    host, port = address(primary.url)
    where = ["--host", host, "--port", str(port), "--username", "postgres"]
    password = (copy / "password").read_text()
    subprocess.run(
        [postgres._program("pg_basebackup"), *where, "--pgdata", "data", "--write-recovery-conf"],
        cwd=copy,
        env={**os.environ, "PGPASSWORD": password},
        check=True,
        timeout=PATIENCE,
    )


def _commit_on_both(primary: Server) -> None:
    with psycopg.connect(primary.url, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        admin.execute("SELECT pg_reload_conf()")
        synchronous = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_until(lambda: admin.execute(synchronous).fetchone(), "the standby does not follow")
