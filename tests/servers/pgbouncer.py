"""PgBouncer in front of a PostgreSQL, from the system's own packages."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local.laptop import postgres, processes
from tests.needs import needs
from tests.servers.ports import free_ports
from tests.waiting import wait_until

# Debian has it where only administrators look.
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
MODES = ("session", "transaction")


@contextmanager
def pgbouncer(home: Path, database_url: str, mode: str, sessions: int) -> Iterator[str]:
    """The database's address behind a PgBouncer of this mode, which opens so many sessions.

    Its settings are otherwise those that docs/containers.md has. Skips where there is none.
    """
    program = shutil.which("pgbouncer", path=_PATH)
    needs(program is not None, "PgBouncer")
    [port], target = free_ports(1), urlsplit(database_url)
    home.mkdir(mode=0o755)
    (home / "users").write_text(f'"{target.username}" "{unquote(target.password or "")}"\n')
    (home / "ini").write_text(_settings(home, port, target.port or 5432, mode, sessions))
    with (home / "log").open("wb") as log:
        process = processes.spawn(
            [str(program), str(home / "ini")],
            prefix=postgres._ordinary_user(),  # it refuses to be root, too
            cwd=home,
            output=log,
        )
    try:
        wait_until(lambda: _listens(port), f"PgBouncer does not start: see {home / 'log'}")
        yield target._replace(
            netloc=f"{target.username}:{target.password}@127.0.0.1:{port}"
        ).geturl()
    finally:
        processes.stop(process)


def _settings(home: Path, port: int, server_port: int, mode: str, sessions: int) -> str:
    lines = [
        "[databases]",
        f"* = host=127.0.0.1 port={server_port}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = scram-sha-256",
        f"auth_file = {home / 'users'}",
        f"pool_mode = {mode}",
        f"default_pool_size = {sessions}",
        "server_login_retry = 1",
    ]
    return "\n".join(lines) + "\n"


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
