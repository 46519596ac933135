"""Every order in which readers, writers, the relay and mishaps can meet, on real servers.

Each actor is a short script over one page; a schedule says whose turn is next. The database is a
number, the newest committed version, for it is Redis that is under test. Entries are never fresh
unless a test says so: then every reader who can get the fill lease makes the page again.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from functools import partial
from inspect import GEN_CLOSED, getgeneratorstate
from itertools import count
from typing import NamedTuple

import pytest
import redis

from sheaf.caching.entry import Entry
from sheaf.caching.versioned import VersionedCache
from sheaf.locks import LockError
from sheaf.locks.lua import LockKeys
from sheaf.locks.redis import RedisLock
from tests.integration.sheaf.conftest import Backend


class Page:
    """A page whose first version is committed, and cached though no longer fresh."""

    def __init__(self, client: "redis.Redis", key: str, fresh: float) -> None:
        self.client = client
        self.key = key
        self.cache = VersionedCache(client, fresh=fresh)
        self.committed = 1
        self.outbox: list[int] = []
        self._fence = 0
        # Lets the others go on until it is the turn again of the relay, or of who doubts.
        self.until_relay: Callable[[], None] = _nobody_else
        self.put(1)

    def put(self, version: int) -> None:
        """Store a version, whatever is there."""
        self.client.set(f"entry:{{{self.key}}}", Entry(version, b"").encode(), px=60_000)

    def lose(self, kind: str) -> None:
        """Let the entry or the fill lease expire, or be evicted."""
        self.client.delete(f"{kind}:{{{self.key}}}")

    def lose_lock(self) -> None:
        """Let the lock expire, or be evicted."""
        self.client.delete(LockKeys.of(self.key).lock)

    def cached(self) -> int:
        """The version in the cache; 0: none."""
        found = self.cache.get(self.key)
        return found.version if found else 0

    def read(self) -> Entry:
        """The page as the database has it."""
        return Entry(self.committed, b"")

    def read_slowly(self) -> Entry:
        """The same, while others have their turns before it and after it."""
        self.until_relay()
        found = self.read()
        self.until_relay()
        return found

    def claim(self, fence: int) -> bool:
        """Mark the page as a writer's, unless another one with a higher fence has."""
        self._fence = max(self._fence, fence)
        return self._fence == fence

    def commit(self, fence: int) -> int:
        """The new version; 0 if another one has claimed the page since."""
        if self._fence != fence:
            return 0
        self.committed += 1
        self.outbox.append(self.committed)
        return self.committed


def _nobody_else() -> None:
    pass


Steps = Generator[None]
Script = Callable[[Page], Steps]
Publish = Callable[[Page, RedisLock, int], None]


def reader(page: Page) -> Steps:
    _, token = page.cache.look(page.key)
    yield
    found = page.read()
    yield
    if token:
        page.cache.fill(page.key, found, token)


def reader_after_the_lease(page: Page) -> Steps:
    """Comes when the fill lease of any other has just expired."""
    page.lose("lease")
    yield from reader(page)


def _save(page: Page, publish: Publish) -> Steps:
    lock = RedisLock(page.client, page.key, 10, blocking=False)
    if not lock.acquire():
        return
    fence = lock.fence
    yield
    claimed = page.claim(fence)
    yield
    version = page.commit(fence) if claimed else 0
    yield
    with suppress(LockError):  # it may be another's by now
        publish(page, lock, version)


def _publish_with_proof(page: Page, lock: RedisLock, version: int) -> None:
    publication = page.cache.publication(page.key, Entry(version, b""), lock.proof)
    lock.release(publication if version else None)


def writer(page: Page) -> Steps:
    yield from _save(page, _publish_with_proof)


def writer_after_the_lock(page: Page) -> Steps:
    """Comes when the lock of any other has just expired."""
    page.lose_lock()
    yield from writer(page)


def dying_writer(page: Page) -> Steps:
    """Commits and is never heard of again."""
    steps = writer(page)
    next(steps, None)
    yield
    next(steps, None)
    yield
    next(steps, None)


def relay(page: Page) -> Steps:
    """What upkeep does about the outbox. Within its refresh, too, others have their turns."""
    newest = max(page.outbox, default=0)
    page.outbox.clear()
    if page.cached() >= newest:
        return
    yield
    page.cache.refresh(page.key, page.read_slowly)


def doubter(page: Page) -> Steps:
    """A reader who has the page made again, as the relay does."""
    page.cache.doubt(page.key, page.read_slowly)
    yield from ()


def eviction(page: Page) -> Steps:
    page.lose("entry")
    yield from ()


def two_evictions(page: Page) -> Steps:
    page.lose("entry")
    yield
    page.lose("entry")


def loss_of_the_lease(page: Page) -> Steps:
    page.lose("lease")
    yield from ()


def loss_of_the_lock(page: Page) -> Steps:
    page.lose_lock()
    yield from ()


# The same without what protects the cache: the tests must find out.


def _store_if_newer(page: Page, version: int) -> None:
    if page.cached() < version:
        page.put(version)


def _publish_without_proof(page: Page, lock: RedisLock, version: int) -> None:
    _store_if_newer(page, version)
    page.lose("lease")
    lock.release()


def reader_without_lease(page: Page) -> Steps:
    yield
    found = page.read()
    yield
    _store_if_newer(page, found.version)


def writer_without_proof(page: Page) -> Steps:
    yield from _save(page, _publish_without_proof)


def writer_without_proof_after_the_lock(page: Page) -> Steps:
    page.lose_lock()
    yield from writer_without_proof(page)


def relay_without_lease(page: Page) -> Steps:
    newest = max(page.outbox, default=0)
    page.outbox.clear()
    yield
    if page.cached() < newest:
        _store_if_newer(page, page.committed)


class Actor(NamedTuple):
    """A script, and how many of its steps are taken as one at each of its turns."""

    script: Script
    turns: tuple[int, ...]


def _orders(turns: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every order of turns, of which `turns` says how many each actor has."""
    if not any(turns):
        yield ()
    for actor, left in enumerate(turns):
        if left:
            rest = (*turns[:actor], left - 1, *turns[actor + 1 :])
            yield from ((actor, *order) for order in _orders(rest))


class _Play:
    """Actors who take their turns in a given order."""

    def __init__(self, page: Page, actors: tuple[Actor, ...], order: tuple[int, ...]) -> None:
        self._order = iter(order)
        self._steps = [actor.script(page) for actor in actors]
        self._turns = [iter(actor.turns) for actor in actors]
        scripts = [actor.script for actor in actors]
        for slow in {relay, doubter}.intersection(scripts):
            page.until_relay = partial(self._go_on, scripts.index(slow))

    def run(self) -> None:
        """Play it to the end."""
        self._go_on(None)
        assert all(getgeneratorstate(steps) == GEN_CLOSED for steps in self._steps)

    def _go_on(self, until: int | None) -> None:
        for actor in self._order:
            if actor == until:
                return
            for _ in range(next(self._turns[actor])):
                next(self._steps[actor], None)


class Ends(NamedTuple):
    """How many schedules there are, how many end with the newest version, which with an old one."""

    schedules: int
    newest: int
    stale: list[str]


Run = Callable[..., Ends]
_numbers = count()


@pytest.fixture
def run(backend: Backend) -> Run:
    """Runs every schedule of some actors: run(actor, …, fresh=0, after=None, relayed=False).

    The script `after` has been played when they begin. With `relayed` the relay comes at the end,
    for what is then in the outbox.
    """

    def run_all(
        *actors: Actor, fresh: float = 0, after: Script | None = None, relayed: bool = False
    ) -> Ends:
        newest, stale = 0, []
        orders = list(_orders(tuple(len(actor.turns) for actor in actors)))
        for order in orders[:: _stride(backend, len(orders))]:
            page = Page(backend.client, f"page:{next(_numbers)}", fresh)
            if after:
                list(after(page))
            _Play(page, actors, order).run()
            if relayed:
                page.until_relay = _nobody_else
                list(relay(page))
            version = page.cached()
            newest += version == page.committed
            if version not in (0, page.committed):
                stale.append(" ".join(actors[actor].script.__name__ for actor in order))
        return Ends(len(orders), newest, stale)

    return run_all


def _stride(backend: Backend, schedules: int) -> int:
    """The scripts on a cluster are the same, only the client is another: some hundreds will do."""
    return 1 + schedules // 500 if isinstance(backend.client, redis.RedisCluster) else 1


READER = Actor(reader, (1, 1, 1))


@pytest.mark.parametrize("fresh", [0, 300])
def test_a_reader_never_puts_back_what_a_writer_replaced(run: Run, fresh: float) -> None:
    ends = run(READER, Actor(writer, (2, 1, 1)), Actor(two_evictions, (1, 1)), fresh=fresh)
    assert ends.schedules == 560
    assert ends.stale == []
    assert ends.newest > 0


def test_nor_does_a_reader_whose_lease_went_to_another(run: Run) -> None:
    first, second = Actor(reader, (2, 1)), Actor(reader_after_the_lease, (1, 1, 1))
    ends = run(first, second, Actor(writer, (3, 1)), Actor(eviction, (1,)))
    assert ends.schedules == 1680
    assert ends.stale == []
    assert ends.newest > 0


def test_nor_does_a_writer_who_lost_its_lock_to_another(run: Run) -> None:
    first, second = Actor(writer, (2, 1, 1)), Actor(writer, (1, 1, 1, 1))
    ends = run(first, second, Actor(loss_of_the_lock, (1,)), Actor(eviction, (1,)))
    assert ends.schedules == 2520
    assert ends.stale == []
    assert ends.newest > 0


def test_nor_do_two_such_writers_and_a_reader(run: Run) -> None:
    first, second = Actor(writer, (2, 1, 1)), Actor(writer_after_the_lock, (3, 1))
    ends = run(first, second, Actor(reader, (2, 1)), Actor(eviction, (1,)))
    assert ends.schedules == 1680
    assert ends.stale == []
    assert ends.newest > 0


@pytest.mark.parametrize("mishap", [eviction, loss_of_the_lease])
def test_the_relay_does_what_a_dead_writer_did_not(run: Run, mishap: Script) -> None:
    dead, relaying = Actor(dying_writer, (3,)), Actor(relay, (1, 1, 1, 1))
    ends = run(dead, relaying, Actor(reader, (2, 1)), Actor(mishap, (1,)), relayed=True)
    assert ends.schedules == 840
    assert ends.stale == []
    assert ends.newest > 0


@pytest.mark.parametrize("mishap", [eviction, loss_of_the_lease])
def test_the_relay_never_puts_back_what_a_writer_replaced(run: Run, mishap: Script) -> None:
    alive, relaying = Actor(writer_after_the_lock, (3, 1)), Actor(relay, (2, 1, 1))
    others = Actor(reader, (2, 1)), Actor(mishap, (1,))
    ends = run(alive, relaying, *others, after=dying_writer)
    assert ends.schedules == 1680
    assert ends.stale == []
    assert ends.newest > 0


@pytest.mark.parametrize("mishap", [eviction, loss_of_the_lease])
def test_nor_do_those_who_doubt(run: Run, mishap: Script) -> None:
    alive, doubting = Actor(writer_after_the_lock, (3, 1)), Actor(doubter, (1, 1, 1))
    others = Actor(reader, (2, 1)), Actor(mishap, (1,))
    ends = run(alive, doubting, *others, after=dying_writer)
    assert ends.schedules == 1680
    assert ends.stale == []
    assert ends.newest > 0


def test_without_leases_readers_would_put_back_old_versions(run: Run) -> None:
    careless = Actor(reader_without_lease, (1, 1, 1))
    ends = run(careless, Actor(writer, (2, 1, 1)), Actor(eviction, (1,)))
    assert ends.schedules == 140
    assert ends.stale


def test_without_proofs_writers_would_put_back_old_versions(run: Run) -> None:
    first = Actor(writer_without_proof, (3, 1))
    second = Actor(writer_without_proof_after_the_lock, (3, 1))
    ends = run(first, second, Actor(eviction, (1,)))
    assert ends.schedules == 30
    assert ends.stale


def test_without_the_relay_a_dead_writers_change_would_not_be_seen(run: Run) -> None:
    ends = run(READER, Actor(dying_writer, (3,)), Actor(eviction, (1,)))
    assert ends.schedules == 20
    assert ends.stale


def test_a_relay_without_lease_would_let_a_reader_put_back_old_versions(run: Run) -> None:
    relaying, dead = Actor(relay_without_lease, (1, 1)), Actor(dying_writer, (3,))
    ends = run(relaying, dead, READER, Actor(eviction, (1,)), relayed=True)
    assert ends.schedules == 420
    assert ends.stale
