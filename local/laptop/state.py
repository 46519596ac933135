"""What outlives a run: secrets, ports and locks, as files below the state directory."""

import fcntl
import os
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
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"cannot make the state directory: {error}") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise StateError(f"cannot write into the state directory {directory}")
    return directory.resolve()


def kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of `path`, which the first caller on this machine creates with `make`.

    The file appears whole and readable by its owner only; of several first callers one wins.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
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
    """The random password kept at `path` (URL-safe characters only)."""
    return kept(path, lambda: secrets.token_urlsafe(32).encode()).decode()


def port(path: Path) -> int:
    """A free TCP port of 127.0.0.1: the one remembered at `path` if nobody took it."""
    remembered = int(path.read_text()) if path.exists() else 0
    chosen = _free_port(remembered)
    if chosen != remembered:
        path.write_text(str(chosen))
    return chosen


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

    Raises StateInUse at once when another process holds it.
    """
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateInUse(f"{path.parent} is in use by another running Sheaf") from None
        yield
