"""What goes wrong around the attacked site: all that does for the writers, and more."""

import signal
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import ClassVar

import psycopg

from local.laptop import processes
from local.laptop.processes import Server
from tests.faults.nemesis import Nemesis
from tests.faults.reads_checker import Incidents, Span
from tests.faults.site_world import Gateway, SiteWorld
from tests.servers.redis_pair import Node, RedisPair
from tests.waiting import PATIENCE

_OTHERS = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
# Redis is out for less and for more than the ten seconds for which what is remembered serves:
# from, to, and most often.
_OUT_SECONDS = (1.0, 12.0, 2.0)
_RESTART_SECONDS = (0.0, 2.0)
# What the servers had on their way to each other when something happened.
_MARGIN_SECONDS = 1.0


class SiteNemesis(Nemesis):
    """Attacks the wires, the processes and the servers of a site, and keeps a list of incidents."""

    def __init__(self, world: SiteWorld, lease: float, faults: Iterable[str] = ()) -> None:
        super().__init__(world, lease, faults)
        self.site = world
        self._failovers: list[Span] = []
        self._emptied: list[float] = []
        self._silent_until: dict[Gateway, float] = {}

    def incidents(self) -> Incidents:
        """What happened behind the site so far."""
        return Incidents(self.site.upkeep(), list(self._failovers), list(self._emptied))

    def finish(self) -> None:
        """Have all servers run."""
        _ = self._redis
        for server in self.site.databases:
            self._start(server)

    def restart_redis(self) -> None:
        """It comes back empty."""
        super().restart_redis()
        self._emptied.append(time.monotonic())

    def flush_redis(self) -> None:
        """All keys and all scripts."""
        super().flush_redis()
        self._emptied.append(time.monotonic())

    def lose_redis(self) -> None:
        """Killed, and back a while later, empty."""
        lost = self._redis.primary
        lost.kill()
        self._after(self.random.triangular(*_OUT_SECONDS), lambda: self._bring_back(lost))

    def silence_redis(self) -> None:
        """To one gateway it says nothing for a while, and to the other it does.

        Who is struck again meanwhile is silent until both have ended: what is to be seen in a
        long outage would be seen hardly ever if each ended the one before.
        """
        for gateway in self.site.some():
            gateway.cache.replies.hold()
            seconds = self.random.triangular(*_OUT_SECONDS)
            end = max(time.monotonic() + seconds, self._silent_until.get(gateway, 0))
            self._silent_until[gateway] = end
            self._after(seconds, partial(self._end_silence, gateway))

    def _end_silence(self, gateway: Gateway) -> None:
        if time.monotonic() >= self._silent_until[gateway]:
            gateway.cache.replies.open()

    def fail_over(self) -> None:
        """Promote a replica that lacks the last moments, and one gateway does not notice."""
        replica: dict[str, object] = self._redis.spare.client.info("replication")
        # Another one would have what it had long ago.
        if replica.get("master_link_status") == "up":
            self._failovers.append((time.monotonic() - _MARGIN_SECONDS, float("inf")))
            super().fail_over()

    def _follow(self) -> None:
        super()._follow()
        begun, _ = self._failovers[-1]
        self._failovers[-1] = begun, time.monotonic() + _MARGIN_SECONDS

    def crash_postgres(self) -> None:
        """All its processes end at once, and it recovers."""
        self._stop_postgres(signal.SIGQUIT)

    def restart_postgres(self) -> None:
        """It ends all sessions, and is back."""
        self._stop_postgres(signal.SIGINT)

    def end_sessions(self) -> None:
        """Those of everybody, as an administrator may."""
        server = self.random.choice(self.site.databases)
        self._start(server)
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_OTHERS}")

    def _stop_postgres(self, how: signal.Signals) -> None:
        server = self.random.choice(self.site.databases)
        processes.stop(server.process, how, patience=PATIENCE)
        self._after(self.random.uniform(*_RESTART_SECONDS), partial(self._start, server))

    def _bring_back(self, node: Node) -> None:
        if node.server.process.poll() is not None:
            node.start()
            self._emptied.append(time.monotonic())

    @property
    def _redis(self) -> RedisPair:
        """The servers, for a command: each runs."""
        for node in (self.world.pair.primary, self.world.pair.spare):
            self._bring_back(node)
        return super()._redis

    def _start(self, server: Server) -> None:
        if server.process.poll() is not None:
            server.process = server.launch()
            server.wait(PATIENCE)

    weights: ClassVar[Mapping[str, int]] = {
        **Nemesis.weights,
        "lose_redis": 1,
        "silence_redis": 2,
        "crash_postgres": 1,
        "restart_postgres": 1,
        "end_sessions": 1,
    }
