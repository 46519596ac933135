"""Slots move while people read and write, and nothing is lost, doubled or turned back.

A request that is refused meanwhile (409, 503) is tried again as Retry-After says. What may be
refused is bounded by its cause: a write of a slot that is blocked, as often as it takes; anything
else never twice in a row, for on a busy machine one request may come late. Before the first step
and after the last one nothing is refused.
"""

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg
import pytest

from sheaf.hashing import SLOTS, slot
from sheaf.sharding import resharding
from sheaf.sharding.resharding import STEPS, ReshardError
from sheaf.sharding.slot_maps import Move, SlotMap
from tests.fixtures import Servers
from tests.integration.conftest import Configure, Sharded
from tests.servers.pgbouncer import pgbouncer
from tests.waiting import PATIENCE, WAITING_FOR_US, wait_until

PAGES = 400
SLUGS = [f"page-{number}" for number in range(PAGES)]
LISTS = {
    "/api/pages?sort=slug&limit=60": sorted(SLUGS),
    "/api/pages?sort=created&order=asc&limit=150": SLUGS,
}
TO_THREE = SlotMap.even(2).moves_to(3)
TO_TWO = SlotMap.even(2).after(TO_THREE).moves_to(2)
DIE = Path(__file__).with_name("reshard_and_die.py")
# What a write is told whose slot is blocked.
BLOCKED = "The database that has the page does not answer."
# Notes each page that is put into a database, however often it is changed there afterwards.
NOTE_ARRIVALS = """
CREATE TABLE arrivals (slug text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO arrivals VALUES (NEW.slug); RETURN NEW; END $$;
CREATE TRIGGER note AFTER INSERT ON pages FOR EACH ROW EXECUTE FUNCTION note();
"""
# Changes each page on its way into a database.
SPOIL_ARRIVALS = """
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.title := NEW.title || '!'; RETURN NEW; END $$;
CREATE TRIGGER spoil BEFORE INSERT OR UPDATE ON pages FOR EACH ROW EXECUTE FUNCTION spoil();
"""


class Phase(NamedTuple):
    """Whether the first step has begun and the last is not over, and which slots may be blocked."""

    moving: bool = False
    blocked: frozenset[int] = frozenset()

    @classmethod
    def of(cls, moves: list[Move]) -> "Phase":
        """Any of the slots may be blocked."""
        return cls(True, frozenset(move.slot for move in moves))

    def __or__(self, other: "Phase") -> "Phase":
        return Phase(self.moving or other.moving, self.blocked | other.blocked)


class People:
    """Four writers of pages, four readers of them and one of lists, as fast as they can."""

    def __init__(self, site: Sharded) -> None:
        self.site = site
        self.phase = Phase()
        self.written: dict[str, int] = {}  # the newest version that was acknowledged
        self.faults: list[str] = []
        self._done = Counter(writes=0, reads=0, lists=0)
        self._changed = threading.Condition()
        self._stop = threading.Event()

    def create_all(self) -> None:
        """May be done again: the keys say that it was done."""
        with self._client() as client:
            for slug in SLUGS:
                once = {"If-None-Match": "*", "Idempotency-Key": slug}
                answer = self._put(client, slug, once)
                assert answer.status_code == 201, answer.text
                self.written[slug] = 1

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Before the block begins and after it they work as well, and nothing is moving."""
        works = [*[self._write] * 4, *[self._read] * 4, self._list]
        threads = [threading.Thread(target=work, args=(n,)) for n, work in enumerate(works)]
        for thread in threads:
            thread.start()
        try:
            self.go_on()
            yield
            self.phase = Phase()
            self.go_on()
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        assert self.faults == []

    def go_on(self) -> None:
        """Return when all of them have done some more."""
        with self._changed:
            aim = self._done + Counter(writes=20, reads=20, lists=len(LISTS))
            enough = self._changed.wait_for(lambda: self.faults or self._done >= aim, PATIENCE)
        assert self.faults == []
        assert enough, f"{self._done}, not {aim}"

    def _did(self, what: str) -> None:
        with self._changed:
            self._done[what] += 1
            self._changed.notify_all()

    def _fault(self, what: str) -> None:
        with self._changed:
            self.faults.append(what)
            self._changed.notify_all()

    def _client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.site.token}"}
        return httpx.Client(base_url=self.site.url, headers=headers, timeout=PATIENCE)

    def _put(self, client: httpx.Client, slug: str, condition: dict[str, str]) -> httpx.Response:
        return client.put(f"/api/pages/{slug}", json={"body": f"# {slug}"}, headers=condition)

    def _write(self, number: int) -> None:
        """Does not end before all is written that was refused."""
        chance = random.Random(number)
        later: dict[str, float] = {}  # what was refused, and when to try it again
        with self._client() as client:
            while later or not self._stop.is_set():
                due = [slug for slug, at in later.items() if at <= time.monotonic()]
                others = [slug for slug in SLUGS[number::4] if slug not in later]
                slug = due[0] if due else chance.choice(others)
                wait = self._write_one(client, slug, again=bool(due))
                later.pop(slug, None)
                if wait is not None:
                    later[slug] = time.monotonic() + wait

    def _write_one(self, client: httpx.Client, slug: str, *, again: bool) -> int | None:
        """Change a page; in how many seconds to try again if that may be refused, and is."""
        phase = self.phase
        answer = self._put(client, slug, {"If-Match": f'"v{self.written[slug]}"'})
        if answer.status_code == 200:
            self.written[slug] = answer.json()["version"]
            self._did("writes")
        elif answer.status_code in (409, 503) and self._may_refuse(slug, answer, phase, again):
            return int(answer.headers["Retry-After"])
        else:
            self._fault(f"PUT {slug}: {answer.status_code} {answer.text} {again=}")
        return None

    def _may_refuse(self, slug: str, answer: httpx.Response, began: Phase, again: bool) -> bool:
        phase = began | self.phase
        if BLOCKED in answer.text:
            return slot(slug) in phase.blocked
        # Again only while its own slot is on the way: how long that takes is up to the machine.
        return phase.moving and (not again or slot(slug) in phase.blocked)

    def _read(self, number: int) -> None:
        chance = random.Random(100 + number)
        with self._client() as client:
            while not self._stop.is_set():
                slug = chance.choice(SLUGS)
                known = self.written[slug]
                answer = self._get(client, f"/api/pages/{slug}")
                if answer.status_code != 200 or answer.json()["version"] < known:
                    self._fault(f"GET {slug}: {answer.text}, {known} was written")
                self._did("reads")

    def _list(self, _number: int) -> None:
        with self._client() as client:
            while not self._stop.is_set():
                for address, expected in LISTS.items():
                    found = self._walk(client, address)
                    if found != expected:
                        missing, more = Counter(expected), Counter(found)
                        self._fault(f"GET {address}: not {missing - more}, but {more - missing}")
                    self._did("lists")

    def _walk(self, client: httpx.Client, address: str) -> list[str]:
        """The slugs of a whole list, or why there is none."""
        found: list[str] = []
        cursor = ""
        while True:
            answer = self._get(client, f"{address}{cursor}")
            if answer.status_code != 200:
                return [answer.text]
            found += [item["slug"] for item in answer.json()["items"]]
            if not answer.json()["next"]:
                return found
            cursor = f"&cursor={answer.json()['next']}"

    def _get(self, client: httpx.Client, address: str) -> httpx.Response:
        """The answer, once more if it was refused while something may be moving."""
        phase = self.phase
        answer = client.get(address)
        if answer.status_code == 503 and (phase | self.phase).moving:
            time.sleep(int(answer.headers["Retry-After"]))
            return client.get(address)
        return answer


def _reshard(site: Sharded, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ops", "reshard", *words],
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _sheaf(site: Sharded, *words: str) -> str:
    done = _reshard(site, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _failing(site: Sharded, *words: str) -> str:
    done = _reshard(site, *words)
    assert done.returncode == 1
    return done.stderr


def _die_before(site: Sharded, shards: int, step: str) -> frozenset[int]:
    """Go on from where the last one died; the slots that are on their way."""
    command = [sys.executable, str(DIE), str(shards), step]
    done = subprocess.run(command, env=site.environment, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL
    with psycopg.connect(site.databases[0]) as home:
        row = home.execute("SELECT step, slots FROM slot_moves").fetchone()
    assert row
    assert row[0] == step
    return frozenset(row[1])


def _die_at_each_step(site: Sharded, shards: int, people: People) -> None:
    """The same slots go from step to step, and after each one people go on working."""
    slots = _die_before(site, shards, STEPS[0])
    for done, step in pairwise(STEPS):
        blocked = STEPS.index("block") <= STEPS.index(done) < STEPS.index("open")
        after = Phase(True, slots if blocked else frozenset())
        people.phase |= after
        assert _die_before(site, shards, step) == slots
        people.phase = after
        people.go_on()


def _rows(site: Sharded) -> Counter[tuple[int, str]]:
    """The pages as the databases have them: shard and slug."""
    found: Counter[tuple[int, str]] = Counter()
    for number, url in enumerate(site.databases):
        with psycopg.connect(url) as connection:
            for (slug,) in connection.execute("SELECT slug FROM pages WHERE state = 'live'"):
                found[number, slug] += 1
    return found


def _owners(site: Sharded) -> list[list[tuple[object, ...]]]:
    """What each database says of its slots, and until when."""
    owners = []
    for url in site.databases:
        with psycopg.connect(url) as connection:
            owners.append(connection.execute("TABLE slot_owners ORDER BY slot").fetchall())
    return owners


def _check_stored(site: Sharded, people: People) -> None:
    """Each page once, where the map says, with all its revisions."""
    with psycopg.connect(site.databases[0]) as home:
        newest = "SELECT epoch, owners FROM slot_maps ORDER BY epoch DESC LIMIT 1"
        row = home.execute(newest).fetchone()
        assert row
        slot_map = SlotMap(*row)
    assert _rows(site) == Counter((slot_map.owner(slug), slug) for slug in SLUGS)
    for slug, version in people.written.items():
        with psycopg.connect(site.databases[slot_map.owner(slug)]) as connection:
            versions = connection.execute(
                "SELECT array_agg(version ORDER BY version) FROM revisions WHERE slug = %s", [slug]
            ).fetchone()
            assert versions == (list(range(1, version + 1)),)


@pytest.mark.slow
def test_two_three_two_with_a_death_at_each_step(sharded: Sharded) -> None:
    people = People(sharded)
    people.create_all()
    assert {shard for shard, _ in _rows(sharded)} == {0, 1}
    with people.at_work():
        _die_at_each_step(sharded, 3, people)
        assert "slots from shard" in _sheaf(sharded, "status")
        people.phase = Phase.of(TO_THREE)
        _sheaf(sharded, "run", "--to", "3")
        people.phase = Phase()
        people.go_on()
        _die_at_each_step(sharded, 2, people)
        people.phase = Phase.of(TO_TWO)
        _sheaf(sharded, "run", "--to", "2")
    assert {shard for shard, _ in _rows(sharded)} == {0, 1}
    _check_stored(sharded, people)


@pytest.mark.slow
def test_as_little_is_copied_as_can_be(sharded: Sharded) -> None:
    people = People(sharded)
    people.create_all()
    planned = _sheaf(sharded, "plan", "--to", "3")
    moving = {move.slot for move in TO_THREE}
    assert f"{len(moving)} of {SLOTS} slots would move" in planned
    share = sum(slot(slug) in moving for slug in SLUGS)
    copied = int(_sheaf(sharded, "run", "--to", "3").split("done; ")[1].split()[0])
    assert copied <= share + PAGES / 100
    people.create_all()
    _check_stored(sharded, people)


@pytest.mark.slow
def test_no_other_pages_are_copied_while_people_are_at_work(sharded: Sharded) -> None:
    people = People(sharded)
    people.create_all()
    with psycopg.connect(sharded.databases[2], autocommit=True) as target:
        target.execute(NOTE_ARRIVALS)
        with people.at_work():
            people.phase = Phase.of(TO_THREE)
            _sheaf(sharded, "run", "--to", "3")
        arrived = {slug for (slug,) in target.execute("SELECT DISTINCT slug FROM arrivals")}
    moving = {move.slot for move in TO_THREE}
    assert arrived == {slug for slug in SLUGS if slot(slug) in moving}
    _check_stored(sharded, people)


@pytest.mark.slow
def test_what_was_begun_can_be_taken_back(sharded: Sharded) -> None:
    people = People(sharded)
    people.create_all()
    before = _rows(sharded), _owners(sharded)
    _die_before(sharded, 3, "publish")
    assert "no slots" in _sheaf(sharded, "abort")
    assert (_rows(sharded), _owners(sharded)) == before
    with people.at_work():
        people.go_on()
    _check_stored(sharded, people)


@pytest.mark.slow
def test_a_copy_that_is_not_the_same_is_no_slots_new_place(sharded: Sharded) -> None:
    people = People(sharded)
    people.create_all()
    with psycopg.connect(sharded.databases[2], autocommit=True) as target:
        target.execute(SPOIL_ARRIVALS)
        assert "CopyDiffers" in _failing(sharded, "run", "--to", "3")
        target.execute("DROP TRIGGER spoil ON pages")
    people.phase = Phase.of(TO_THREE)  # the first of them are blocked already
    with people.at_work():
        _sheaf(sharded, "run", "--to", "3")
    _check_stored(sharded, people)


def test_one_moves_slots_at_a_time(sharded: Sharded) -> None:
    lock = f"SELECT pg_advisory_lock({resharding._ONE_AT_A_TIME})"
    with psycopg.connect(sharded.databases[0]) as other:
        other.execute(lock)
        assert "Somebody else is moving slots." in _failing(sharded, "run", "--to", "3")


def test_also_where_sessions_are_lent(clean: Servers, tmp_path: Path, configure: Configure) -> None:
    with pgbouncer(tmp_path / "pooler", clean.database_url, "transaction", 2) as url:
        configure(SHEAF_DATABASE_URLS=url)
        with (
            resharding._alone(),
            pytest.raises(ReshardError, match="Somebody else"),
            resharding._alone(),
        ):
            pass
        with resharding._alone():
            pass


@pytest.mark.slow
def test_slots_are_blocked_in_the_order_in_which_writers_take_them(sharded: Sharded) -> None:
    """Else each may wait for what the other has, and the server ends one of them."""
    slots = sorted(_die_before(sharded, 3, "block"))
    lock = "SELECT slot FROM slot_owners WHERE slot = %s FOR SHARE SKIP LOCKED"
    with psycopg.connect(sharded.databases[0], autocommit=True) as writer:
        database = writer.info.dbname
        for way in ("indexscan", "bitmapscan"):  # the table is read from its beginning,
            writer.execute(f"ALTER DATABASE {database} SET enable_{way} = off")
        # where the first slot's new row is behind the others.
        writer.execute("UPDATE slot_owners SET slot = slot WHERE slot = %s", slots[:1])
        with ThreadPoolExecutor(1) as pool:
            with writer.transaction():
                assert writer.execute(lock, slots[:1]).fetchone()
                mover = pool.submit(_sheaf, sharded, "run", "--to", "3")
                wait_until(lambda: writer.execute(WAITING_FOR_US).fetchone(), "nobody waits")
                assert writer.execute(lock, slots[-1:]).fetchone()
            mover.result(PATIENCE)


def test_there_must_be_as_many_databases(sharded: Sharded) -> None:
    assert "names 3 shards" in _failing(sharded, "plan", "--to", "4")
