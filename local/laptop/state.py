"""What outlives a run: secrets, ports and locks, as files below the state directory, SHEAF_HOME."""

import fcntl
import os
import re
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class StateError(RuntimeError):
    """The state directory cannot be used."""


class StateInUse(StateError):
    """Another process is using it."""


def private(directory: Path) -> Path:
    """`directory` as an absolute path, created for its owner alone if it was missing.

    Raises StateError where nothing can be written.
    """
    with naming(directory):
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError:
            raise StateError(f"SHEAF_HOME: {directory} is no folder") from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise StateError(f"SHEAF_HOME: cannot write into {directory}")
    return directory.resolve()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have what the system says of a file of the state, by default `path`, raised as StateError."""
    try:
        yield
    except OSError as error:
        problem = f"{error.filename or path}: {error.strerror or error}"
        raise StateError(f"SHEAF_HOME: {problem}") from error


def kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of `path`, which the first caller on this machine creates with `make`.

    The file appears whole and readable by its owner only; of several first callers one wins.
    Raises StateError where it can be neither read nor made.
    """
    with naming(path):
        if not path.exists():
            _create(path, make())
        return path.read_bytes()


def _create(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-") as draft:
        draft.write(content)
        draft.flush()
        os.fsync(draft.fileno())
        try:
            os.link(draft.name, path)
        except FileExistsError:
            return  # another process was first; its content counts


def password(path: Path) -> str:
    """The random password kept at `path` (URL-safe characters only); raises StateError."""
    found = kept(path, lambda: secrets.token_urlsafe(32).encode())
    if not re.fullmatch(rb"[A-Za-z0-9_-]+", found):
        raise StateError(f"SHEAF_HOME: {path} holds no password of letters, digits, - and _")
    return found.decode()


def port(path: Path) -> int:
    """A free TCP port of 127.0.0.1: the one remembered at `path` if nobody took it.

    Raises StateError if something else is there.
    """
    remembered = number(path, range(1, 65536)) or 0
    chosen = _free_port(remembered)
    if chosen != remembered:
        write(path, f"{chosen}\n")
    return chosen


def number(path: Path, allowed: range) -> int | None:
    """The number at the beginning of a file, or None if there is no file; raises StateError."""
    with naming(path):
        if not path.exists():
            return None
        with path.open("rb") as file:
            text = file.read(100).partition(b"\n")[0].strip()
    if not re.fullmatch(rb"[0-9]{1,9}", text) or int(text) not in allowed:
        raise StateError(
            f"SHEAF_HOME: {path} holds no number from {allowed[0]} to {allowed[-1]}: remove it"
        )
    return int(text)


def write(path: Path, text: str) -> None:
    """Put `text` into a file; raises StateError."""
    with naming(path):
        path.write_text(text)


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold `path` for this process alone; the kernel lets go of it however the process ends.

    Raises StateInUse at once when another process holds it, and StateError if nobody can.
    """
    with naming(path):
        opened = path.open("a")
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateInUse(f"{path.parent} is in use by another running Sheaf") from None
        yield
