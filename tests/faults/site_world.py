"""The world of the attacked site: two gateways with wires of their own, and the servers behind."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from local.gateway.serving import WORKER, adapt_gunicorn, listen
from local.laptop import processes, services
from local.laptop.issuer import mint
from local.laptop.processes import Server
from tests.conftest import ISSUER
from tests.faults import witness
from tests.faults.readers import Site
from tests.faults.reads_checker import Span
from tests.fixtures import migrate_together
from tests.servers.proxy import Proxy
from tests.servers.redis_pair import RedisPair, address, redis_pair
from tests.waiting import PATIENCE, wait_until

GATEWAYS = 2
_WORKERS = 2


@dataclass(frozen=True)
class Shape:
    """How many databases a site has, how often upkeep runs, and what that leaves to its writers:

    what has been in doubt for fewer than `left_seconds`.
    """

    shards: int = 1
    upkeep_seconds: float = 5
    left_seconds: float = 20


@dataclass(frozen=True)
class Place:
    """Where a gateway has its files, its servers, and what is different about its processes."""

    home: Path
    database_urls: Sequence[str]
    cache_url: str
    lock_seconds: float
    mutation: str | None


class Gateway:
    """A gateway of two worker processes, one of which meets what a nemesis does to it."""

    def __init__(self, place: Place, number: int, chance: random.Random) -> None:
        self.cache = Proxy(address(place.cache_url))
        self.databases = [Proxy(address(url)) for url in place.database_urls]
        self.database = self.databases[0]
        self._random = chance
        self.order = place.home / f"order-{number}"
        self._log = place.home / f"gateway-{number}.log"
        self.listener = listen("127.0.0.1", 0)
        wires = zip(self.databases, place.database_urls, strict=True)
        self.environment = {
            **os.environ,
            "SHEAF_DATABASE_URLS": ",".join(wire.url(url) for wire, url in wires),
            "SHEAF_CACHE_URL": self.cache.url(place.cache_url),
            "SHEAF_HOME": str(place.home),
            "SHEAF_ISSUER": ISSUER,
            "POWERTOOLS_SERVICE_NAME": "sheaf-faults",
            "POWERTOOLS_LOG_LEVEL": "WARNING",
            "POWERTOOLS_METRICS_DISABLED": "true",
            witness.ORDER: str(self.order),
            witness.NOTES: str(place.home / "notes"),
            witness.LOCK_SECONDS: str(place.lock_seconds),
            **({witness.MUTATION: place.mutation} if place.mutation else {}),
        }
        self.process = self._serve()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to one of the workers; to all those that are to go on.

        SIGUSR1, which gunicorn has a use for, is an order to die after the next save.
        """
        if number == signal.SIGUSR1:
            self.order.touch()
            return
        if self.process.poll() is not None:
            return
        gunicorn = psutil.Process(self.process.pid)
        wait_until(gunicorn.children, "a gateway has no workers")
        workers = gunicorn.children()
        for worker in workers if number == signal.SIGCONT else self._random.sample(workers, 1):
            with suppress(psutil.NoSuchProcess):
                worker.send_signal(number)

    def tell(self, order: str) -> None:
        """Order one of the workers to do something when its time has come (see batch_steps)."""
        draft = self.order.with_suffix(".new")
        draft.write_text(order)
        draft.rename(self.order)

    def revive(self) -> None:
        """gunicorn itself starts a worker for one that has died."""

    def heal(self) -> None:
        """Let it run, over wires that work."""
        for proxy in (self.cache, *self.databases):
            proxy.let_through()
        self.signal(signal.SIGCONT)
        self.order.unlink(missing_ok=True)

    def stop(self) -> None:
        """End its processes, not its wires, by which upkeep goes."""
        self.signal(signal.SIGCONT)
        processes.stop(self.process, patience=PATIENCE)

    def close(self) -> None:
        """End it."""
        self.stop()
        self.listener.close()
        for proxy in (self.cache, *self.databases):
            proxy.close()

    def until_quiet(self) -> None:
        """Return once no statement of it is on its way."""
        for proxy in self.databases:
            proxy.until_quiet()

    def _serve(self) -> subprocess.Popen[bytes]:
        inherited = self.listener.fileno()
        options = [f"--workers={_WORKERS}", f"--worker-class={WORKER}", f"--bind=fd://{inherited}"]
        options += ["--no-control-socket", "--preload", *adapt_gunicorn()]
        command = [sys.executable, "-m", "gunicorn", *options, "tests.faults.witness:create_app()"]
        with self._log.open("wb") as log:
            return processes.spawn(command, env=self.environment, pass_fds=[inherited], output=log)


class SiteWorld:
    """Everything that can be hit by a fault."""

    def __init__(
        self,
        home: Path,
        databases: Sequence[Server],
        pair: RedisPair,
        gateways: list[Gateway],
        chance: random.Random,
    ) -> None:
        self.home, self.databases, self.pair, self.random = home, databases, pair, chance
        self.postgres, self.writers = databases[0], gateways

    def some(self) -> list[Gateway]:
        """One of the gateways."""
        return [self.random.choice(self.writers)]

    def heal(self) -> None:
        """Let all gateways run, over wires that work."""
        for gateway in self.writers:
            gateway.heal()

    def finish(self) -> None:
        """Let all gateways end. Nothing is under way afterwards."""
        for gateway in self.writers:
            gateway.close()
            gateway.until_quiet()

    def upkeep(self) -> list[Span]:
        """When upkeep did all that it should, each time."""
        return [(run["begun"], run["ended"]) for run in self._runs() if run["well"]]

    def recovered(self) -> int:
        """How many parts of batches upkeep has ended."""
        return sum(run["recovered"] for run in self._runs())

    def _runs(self) -> list[dict[str, Any]]:
        log = self.home / "upkeep.log"
        lines = log.read_text().rpartition("\n")[0].splitlines() if log.exists() else []
        return list(map(json.loads, lines))


@contextmanager
def site_world(
    home: Path,
    seed: int,
    lock_seconds: float,
    mutation: str | None = None,
    shape: Shape = Shape(),
) -> Iterator[tuple[SiteWorld, Site]]:
    """A site and its servers for the time of the block."""
    chance = random.Random(seed)
    with ExitStack() as stack:
        databases = [
            stack.enter_context(services.postgres(home / f"postgres-{number}"))
            for number in range(shape.shards)
        ]
        urls = [each.url for each in databases]
        _prepare(urls)
        pair = stack.enter_context(redis_pair(home / "redis"))
        pair.replicate()
        place = Place(home, urls, pair.url, lock_seconds, mutation)
        gateways = []
        for number in range(GATEWAYS):
            gateway = Gateway(place, number, chance)
            stack.callback(gateway.close)
            gateways.append(gateway)
        stack.enter_context(_upkeep(gateways[0], home, shape))
        token = mint(home, ISSUER, "alice", "editor")
        yield (
            SiteWorld(home, databases, pair, gateways, chance),
            Site([g.url for g in gateways], token),
        )


def _prepare(urls: Sequence[str]) -> None:
    """Migrate. Nothing has to outlive the machine, so nothing is synced to its disk."""
    for url in urls:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
    migrate_together(urls)


@contextmanager
def _upkeep(gateway: Gateway, home: Path, shape: Shape) -> Iterator[None]:
    """Upkeep over the wires of a gateway."""
    options = ["--every", str(shape.upkeep_seconds), "--left", str(shape.left_seconds)]
    options += ["--log", str(home / "upkeep.log")]
    command = [sys.executable, "-m", "tests.faults.upkeep", *options]
    with (home / "upkeep.errors").open("wb") as output:
        process = processes.spawn(command, env=gateway.environment, output=output)
    try:
        yield
    finally:
        process.kill()
        process.wait(PATIENCE)
