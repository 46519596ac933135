"""What goes wrong in the random run: one fault after the other, some while others last."""

import heapq
import itertools
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from random import Random
from typing import ClassVar, Protocol

from tests.faults.writer import PAGES
from tests.servers.proxy import Proxy
from tests.servers.redis_pair import RedisPair

Action = Callable[[], None]


class Target(Protocol):
    """What writes, with wires of its own to Redis and to PostgreSQL."""

    cache: Proxy
    database: Proxy

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to a process of it."""

    def revive(self) -> None:
        """Start it again if it has ended."""


class Attacked(Protocol):
    """A world in which something goes wrong."""

    pair: RedisPair
    random: Random

    @property
    def writers(self) -> Sequence[Target]:
        """All that write."""

    def some(self) -> Sequence[Target]:
        """A few of them."""


class Nemesis:
    """Does things at random, and undoes them some time later; all in the calling thread."""

    # How often each fault happens, beside the others.
    weights: ClassVar[Mapping[str, int]] = {
        "pause_writers": 5,
        "kill_a_writer": 1,
        "kill_after_commit": 2,
        "restart_redis": 1,
        "pause_redis": 1,
        "fail_over": 2,
        "flush_redis": 1,
        "flush_scripts": 1,
        "push_a_counter_ahead": 1,
        "cut_redis": 1,
        "cut_postgres": 1,
        "drop_redis_replies": 1,
        "drop_postgres_replies": 1,
        "delay_requests": 3,
        "delay_replies": 1,
    }

    def __init__(self, world: Attacked, lease: float, faults: Iterable[str] = ()) -> None:
        """`lease`: the timeout of the writers' locks, in seconds; `faults`: which, if not all."""
        self.world = world
        self.random = world.random
        self.lease = lease
        self.faults = {name: self.weights[name] for name in faults or self.weights}
        self.done: Counter[str] = Counter()
        self._later: list[tuple[float, int, Action]] = []
        self._order = itertools.count()

    def rage(self, seconds: float, every: float, enough: Callable[[], bool]) -> None:
        """Let a fault happen each `every` seconds, for `seconds` or until there were `enough`."""
        end = time.monotonic() + seconds
        self._let_pass(1)
        while time.monotonic() < end and not enough():
            self._strike()
            self._let_pass(every)

    def _let_pass(self, seconds: float) -> None:
        """Let `seconds` pass, and do what is due in them."""
        end = time.monotonic() + seconds
        while self._later and self._later[0][0] < end:
            at, _, action = heapq.heappop(self._later)
            time.sleep(max(0.0, at - time.monotonic()))
            action()
        time.sleep(max(0.0, end - time.monotonic()))

    def _after(self, seconds: float, action: Action) -> None:
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._order), action))

    def _strike(self) -> None:
        chosen, weights = zip(*self.faults.items(), strict=True)
        fault = self.random.choices(chosen, weights)[0]
        getattr(self, fault)()
        self.done[fault] += 1
        for writer in self.world.writers:
            writer.revive()

    def _longer_than_the_lease(self) -> float:
        # Mostly not much longer: when others have written every page, the version shows it.
        return self.random.triangular(1.0, 2.5, 1.1) * self.lease

    def pause_writers(self) -> None:
        """Stop writers for longer than their locks live."""
        for writer in self.world.some():
            writer.signal(signal.SIGSTOP)
            self._after(self._longer_than_the_lease(), partial(writer.signal, signal.SIGCONT))

    def kill_a_writer(self) -> None:
        """At any moment."""
        self._pick().signal(signal.SIGKILL)

    def kill_after_commit(self) -> None:
        """Between COMMIT and release."""
        self._pick().signal(signal.SIGUSR1)

    def restart_redis(self) -> None:
        """It comes back empty."""
        self._redis.primary.restart()

    def pause_redis(self) -> None:
        """For longer than anybody waits for it."""
        paused = self._redis.primary
        paused.pause()
        self._after(1.2, paused.resume)

    def fail_over(self) -> None:
        """Promote a replica that lacks the last moments, and half of the writers do not notice."""
        self._redis.stop_replication()
        self._after(0.3, self._promote)

    def _promote(self) -> None:
        pair, writers = self._redis, self.world.some()
        pair.promote(followers=[writer.cache for writer in writers])
        self._after(0.5, self._follow)

    def _follow(self) -> None:
        for writer in self.world.writers:
            if writer.cache.target != self.world.pair.primary.address:
                writer.cache.retarget(self.world.pair.primary.address)
                writer.cache.cut()
        self._redis.begin_replication()

    def flush_redis(self) -> None:
        """All keys and all scripts."""
        self._redis.primary.client.flushall()
        self._redis.primary.client.script_flush()

    def flush_scripts(self) -> None:
        """Scripts only."""
        self._redis.primary.client.script_flush()

    def push_a_counter_ahead(self) -> None:
        """As if the clock had been ahead of what it is."""
        slug = self.random.choice(PAGES)
        ahead = (time.time() + 3600) * 1_000_000
        self._redis.primary.client.set(f"fence:{{page:{slug}}}", int(ahead), px=60_000)

    def cut_redis(self) -> None:
        """All connections."""
        for writer in self.world.writers:
            writer.cache.cut()

    def cut_postgres(self) -> None:
        """All connections."""
        for writer in self.world.writers:
            writer.database.cut()

    def drop_redis_replies(self) -> None:
        """The next few of some writers."""
        for writer in self.world.some():
            writer.cache.drop_replies(self.random.randint(1, 3))

    def drop_postgres_replies(self) -> None:
        """The next few of some writers."""
        for writer in self.world.some():
            writer.database.drop_replies(self.random.randint(1, 3))

    def delay_requests(self) -> None:
        """Some writers' statements are long on the way; half of these writers hang up meanwhile."""
        for writer in self.world.some():
            writer.database.requests.hold()
            self._after(self._longer_than_the_lease(), writer.database.requests.open)
            if self.random.random() < 0.5:
                self._after(0.5 * self.lease, writer.database.hang_up)

    def delay_replies(self) -> None:
        """Some writers hear from PostgreSQL only when their locks are gone."""
        for writer in self.world.some():
            writer.database.replies.hold()
            self._after(self._longer_than_the_lease(), writer.database.replies.open)

    @property
    def _redis(self) -> RedisPair:
        """The servers, for a command: it would wait for ever for one that stands still."""
        for node in (self.world.pair.primary, self.world.pair.spare):
            node.resume()
        return self.world.pair

    def _pick(self) -> Target:
        return self.random.choice(self.world.writers)
