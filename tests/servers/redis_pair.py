"""Two real Redis servers, of which one can replicate the other and be promoted in its place."""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis

from local.laptop import redis_server, state
from local.laptop.processes import Server
from tests.servers.proxy import Address, Proxy
from tests.waiting import PATIENCE, wait_until


class Node:
    """One server; restarting it loses all that it held."""

    def __init__(self, home: Path, password: str) -> None:
        self.home = state.private(home)
        (self.home / "password").write_text(password)
        self.server = self._start()
        self.client: redis.Redis = redis.Redis.from_url(self.server.url)

    @property
    def address(self) -> Address:
        """Host and port."""
        return address(self.server.url)

    def configure(self, **settings: object) -> None:
        """Change settings until the next restart."""
        for name, value in settings.items():
            self.client.config_set(name.replace("_", "-"), str(value))

    def restart(self) -> None:
        """Kill the server and start it again, empty, on the same port."""
        self.kill()
        self.start()

    def start(self) -> None:
        """Start it again after it was killed, empty, on the same port."""
        self.server = self._start()

    def kill(self) -> None:
        """End the server without giving it time to close its connections."""
        self.server.process.kill()
        self.server.process.wait(PATIENCE)

    def pause(self) -> None:
        """Stop the process; connections stay open."""
        self.server.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the process go on."""
        self.server.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End the server and the connections to it."""
        self.client.close()
        self.resume()
        self.server.stop()

    def _start(self) -> Server:
        # As a replica it has kept what its primary sent it, and would begin with that.
        (self.home / "dump.rdb").unlink(missing_ok=True)
        server = redis_server.start(self.home)
        server.wait()
        return server


class RedisPair:
    """A primary and a spare. `replicate` makes the spare its replica; `promote` swaps the two."""

    def __init__(self, home: Path) -> None:
        password = state.password(state.private(home) / "password")
        self.primary = Node(home / "first", password)
        self.spare = Node(home / "second", password)
        self.password = password
        self._link = Proxy(self.primary.address)

    @property
    def url(self) -> str:
        """The primary's address and password; put a proxy in front to follow a promotion."""
        return self.primary.server.url

    def replicate(self) -> None:
        """Make the spare a replica of the primary, and return when it is up to date."""
        self.begin_replication()
        self.catch_up()

    def catch_up(self) -> None:
        """Return when the replica has all that the primary has."""
        wait_until(self._in_step, "the replica does not catch up")

    def begin_replication(self) -> None:
        """Make the spare a replica of the primary, in its own time."""
        self._link.retarget(self.primary.address)
        self._link.replies.open()
        self.primary.configure(repl_diskless_sync_delay=0)
        self.spare.configure(masterauth=self.password)
        self.spare.client.replicaof("127.0.0.1", self._link.port)

    def _in_step(self) -> bool:
        replica: Any = self.spare.client.info("replication")
        primary: Any = self.primary.client.info("replication")
        return bool(
            replica.get("master_link_status") == "up"
            and replica["slave_repl_offset"] == primary["master_repl_offset"]
        )

    def stop_replication(self) -> None:
        """Keep from the replica whatever the primary is told from now on."""
        self._link.replies.hold()

    def promote(self, followers: Iterable[Proxy] = ()) -> None:
        """Make the replica a primary, and send these proxies' clients to it.

        What replication had not delivered is lost. The old primary goes on for those who are
        still connected to it, as on the far side of a split network.
        """
        self._link.cut()
        self.spare.client.replicaof("NO", "ONE")
        self._link.replies.open()
        self.primary, self.spare = self.spare, self.primary
        for proxy in followers:
            proxy.retarget(self.primary.address)
            proxy.cut()

    def part(self) -> None:
        """Two servers again that know nothing of each other, and nothing else."""
        self._link.cut()
        self._link.replies.open()
        for node in (self.primary, self.spare):
            node.client.replicaof("NO", "ONE")
            node.client.flushall()

    def close(self) -> None:
        """Stop both servers."""
        self._link.close()
        self.primary.close()
        self.spare.close()


@contextmanager
def redis_pair(home: Path) -> Iterator[RedisPair]:
    """A pair of servers for the time of the block."""
    pair = RedisPair(home)
    try:
        yield pair
    finally:
        pair.close()


def address(url: str) -> Address:
    """The host and port in a URL."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port
