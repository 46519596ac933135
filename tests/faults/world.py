"""The world of the random run: writers, each with wires of its own, and the servers behind."""

import json
import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
from sqlalchemy import create_engine, make_url

from local.laptop import processes
from sheaf.sharding import migrate as schema
from tests.faults.checker import Attempt, Revision
from tests.servers.proxy import Proxy
from tests.servers.redis_pair import RedisPair, address, redis_pair
from tests.waiting import PATIENCE

_REVISIONS = "SELECT slug, version, based_on, write_id, body FROM revisions"


class WriterProcess:
    """A writer that is started again, with another seed, whenever it has died."""

    def __init__(self, home: Path, number: int, servers: tuple[str, str], options: list[str]):
        database_url, cache_url = servers
        self.cache, self.database = Proxy(address(cache_url)), Proxy(address(database_url))
        self.log = home / f"writer-{number}.log"
        self.errors = home / f"writer-{number}.errors"
        self._options = options
        self._environment = {
            "SHEAF_DATABASE_URLS": self.database.url(database_url),
            "SHEAF_CACHE_URL": self.cache.url(cache_url),
            "POWERTOOLS_SERVICE_NAME": "sheaf-faults",
            "POWERTOOLS_LOG_LEVEL": "WARNING",
            "POWERTOOLS_METRICS_DISABLED": "true",
        }
        self.starts = 0
        self.start()

    def start(self) -> None:
        """Start the process."""
        self.starts += 1
        seed = f"{self.log.name} {self.starts}"
        command = [sys.executable, "-m", "tests.faults.writer", "--log", str(self.log)]
        with self.errors.open("ab") as errors:
            self.process = processes.spawn(
                [*command, "--seed", seed, *self._options],
                env={**os.environ, **self._environment},
                output=errors,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, to nobody if the process has ended."""
        self.process.send_signal(number)

    def revive(self) -> None:
        """Start the process again if it has ended; why it did, unless killed, is in `errors`."""
        if self.process.poll() is not None:
            self.start()

    def heal(self) -> None:
        """Let it run, over wires that work."""
        for proxy in (self.cache, self.database):
            proxy.let_through()
        self.signal(signal.SIGCONT)

    def finish(self) -> None:
        """Let the process end what it does, and end."""
        self.signal(signal.SIGTERM)
        self.process.wait(PATIENCE)

    def close(self) -> None:
        """End everything."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self.cache.close()
        self.database.close()

    def attempts(self) -> list[Attempt]:
        """What the log says, each attempt with its outcome."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        last = {line["mark"]: Attempt(**line) for line in map(json.loads, lines)}
        return list(last.values())


class World:
    """Everything that can be hit by a fault."""

    def __init__(self, pair: RedisPair, writers: list[WriterProcess], chance: random.Random):
        self.pair, self.writers, self.random = pair, writers, chance

    def some(self) -> list[WriterProcess]:
        """One to half of the writers."""
        return self.random.sample(self.writers, self.random.randint(1, len(self.writers) // 2))

    def finish(self) -> None:
        """Heal everything, and let all writers end. Nothing is under way afterwards."""
        for writer in self.writers:
            writer.heal()
        for writer in self.writers:
            writer.finish()
            writer.database.until_quiet()

    def attempts(self) -> list[Attempt]:
        """All attempts of all writers."""
        return [attempt for writer in self.writers for attempt in writer.attempts()]

    def errors(self) -> list[str]:
        """What writers printed, which should be warnings only."""
        lines = (writer.errors.read_text().splitlines() for writer in self.writers)
        return [line for each in lines for line in each if not _is_warning(line)]


def _is_warning(line: str) -> bool:
    with suppress(ValueError):
        said = json.loads(line)
        return isinstance(said, dict) and said.get("level") == "WARNING"
    return False


def migrate(database_url: str) -> None:
    """Make the tables."""
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
    schema.upgrade([engine])
    engine.dispose()


def revisions(database_url: str) -> list[Revision]:
    """What the database holds."""
    with psycopg.connect(database_url) as connection:
        return [Revision(*row) for row in connection.execute(_REVISIONS)]


@contextmanager
def world(
    home: Path, database_url: str, writers: int, seed: int, options: list[str]
) -> Iterator[World]:
    """Servers and writers for the time of the block; PostgreSQL and its tables are there."""
    with ExitStack() as stack:
        pair = stack.enter_context(redis_pair(home / "redis"))
        pair.replicate()
        started = []
        for number in range(writers):
            writer = WriterProcess(home, number, (database_url, pair.url), options)
            stack.callback(writer.close)
            started.append(writer)
        yield World(pair, started, random.Random(seed))
