"""The servers that `sheaf` needs, each for the time of a `with` block.

They end with the thread that started them, so start them in a thread that stays.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.laptop import postgres as postgres_server
from local.laptop import redis_server, state
from local.laptop.processes import Server


@contextmanager
def postgres(directory: Path) -> Iterator[Server]:
    """Run PostgreSQL with its data below `directory` and yield it once it answers.

    Raises StateInUse when another process runs it there, ServerError when it cannot start.
    """
    with starting_postgres(directory) as server:
        server.wait()
        yield server


@contextmanager
def redis(directory: Path, engine: redis_server.Engine | None = None) -> Iterator[Server]:
    """Run Valkey or Redis and yield it once it answers; errors as above."""
    with starting_redis(directory, engine) as server:
        server.wait()
        yield server


@contextmanager
def starting_postgres(directory: Path) -> Iterator[Server]:
    """Like postgres(), without waiting: call wait() on what it yields."""
    with state.exclusive(state.private(directory) / "postgres.lock"):
        server = postgres_server.start(directory / "postgres")
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def starting_redis(directory: Path, engine: redis_server.Engine | None = None) -> Iterator[Server]:
    """Like redis(), without waiting: call wait() on what it yields."""
    with state.exclusive(state.private(directory) / "redis.lock"):
        server = redis_server.start(directory / "redis", engine)
        try:
            yield server
        finally:
            server.stop()
