"""Slots move while people read and write, and nothing is lost, doubled or turned back."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

from ops.resharding import STEPS
from sheaf.hashing import SLOTS, slot
from sheaf.slot_map import SlotMap
from tests.integration.conftest import Sharded

PAGES = 400
SLUGS = [f"page-{number}" for number in range(PAGES)]
DIE = Path(__file__).with_name("reshard_and_die.py")
# Notes each page that is put into a database, however often it is changed there afterwards.
NOTE_ARRIVALS = """
CREATE TABLE arrivals (slug text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO arrivals VALUES (NEW.slug); RETURN NEW; END $$;
CREATE TRIGGER note AFTER INSERT ON pages FOR EACH ROW EXECUTE FUNCTION note();
"""


class People:
    """Four who write pages and four who read them, as fast as they are answered."""

    def __init__(self, site: Sharded) -> None:
        self.site = site
        self.written: dict[str, int] = {}  # the newest version that was acknowledged
        self.faults: list[str] = []
        self.writes = self.reads = 0
        self._stop = threading.Event()

    def create_all(self) -> None:
        with self._client() as client:
            for slug in SLUGS:
                answer = self._put(client, slug, {"If-None-Match": "*"})
                assert answer.status_code == 201, answer.text
                self.written[slug] = 1

    @contextmanager
    def at_work(self) -> Iterator[None]:
        writers = [threading.Thread(target=self._write, args=(n,)) for n in range(4)]
        readers = [threading.Thread(target=self._read, args=(n,)) for n in range(4)]
        for thread in (*writers, *readers):
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in (*writers, *readers):
                thread.join()

    def _client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.site.token}"}
        return httpx.Client(base_url=self.site.url, headers=headers, timeout=30)

    def _put(self, client: httpx.Client, slug: str, condition: dict[str, str]) -> httpx.Response:
        return client.put(f"/api/pages/{slug}", json={"body": f"# {slug}"}, headers=condition)

    def _write(self, number: int) -> None:
        chance = random.Random(number)
        mine = SLUGS[number::4]
        with self._client() as client:
            while not self._stop.is_set():
                slug = chance.choice(mine)
                condition = {"If-Match": f'"v{self.written[slug]}"'}
                answer = self._put(client, slug, condition)
                if answer.status_code == 200:
                    self.written[slug] = answer.json()["version"]
                    self.writes += 1
                elif answer.status_code not in (409, 503):
                    self.faults.append(f"PUT {slug}: {answer.status_code} {answer.text}")

    def _read(self, number: int) -> None:
        chance = random.Random(100 + number)
        with self._client() as client:
            while not self._stop.is_set():
                slug = chance.choice(SLUGS)
                known = self.written[slug]
                answer = client.get(f"/api/pages/{slug}")
                if answer.status_code == 503:
                    continue
                self.reads += 1
                if answer.status_code != 200 or answer.json()["version"] < known:
                    self.faults.append(f"GET {slug}: {answer.status_code}, {known} was written")


def _sheaf(site: Sharded, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ops", "reshard", *words],
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _die_at(site: Sharded, shards: int, step: int) -> None:
    command = [sys.executable, str(DIE), str(shards), str(step)]
    done = subprocess.run(command, env=site.environment, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL


def _rows(site: Sharded) -> Counter[tuple[int, str]]:
    """The pages as the databases have them: shard and slug."""
    found: Counter[tuple[int, str]] = Counter()
    for number, url in enumerate(site.databases):
        with psycopg.connect(url) as connection:
            for (slug,) in connection.execute("SELECT slug FROM pages WHERE state = 'live'"):
                found[number, slug] += 1
    return found


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


def test_two_three_two_with_a_death_at_each_step(sharded: Sharded) -> None:
    people = People(sharded)
    people.create_all()
    assert {shard for shard, _ in _rows(sharded)} == {0, 1}
    with people.at_work():
        for step in range(len(STEPS)):
            _die_at(sharded, 3, step)
        assert "slots from shard" in _sheaf(sharded, "status")
        _sheaf(sharded, "run", "--to", "3")
        for step in range(len(STEPS)):
            _die_at(sharded, 2, step)
        _sheaf(sharded, "run", "--to", "2")
        time.sleep(1)
    assert people.faults == []
    assert people.writes > 100
    assert people.reads > 100
    assert {shard for shard, _ in _rows(sharded)} == {0, 1}
    _check_stored(sharded, people)


def test_as_little_is_copied_as_can_be(sharded: Sharded) -> None:
    people = People(sharded)
    people.create_all()
    planned = _sheaf(sharded, "plan", "--to", "3")
    moving = {move.slot for move in SlotMap.even(2).moves_to(3)}
    assert f"{len(moving)} of {SLOTS} slots would move" in planned
    share = sum(slot(slug) in moving for slug in SLUGS)
    copied = int(_sheaf(sharded, "run", "--to", "3").split("done; ")[1].split()[0])
    assert copied <= share + PAGES / 100
    _check_stored(sharded, people)


def test_no_other_pages_are_copied_while_people_are_at_work(sharded: Sharded) -> None:
    people = People(sharded)
    people.create_all()
    with psycopg.connect(sharded.databases[2], autocommit=True) as target:
        target.execute(NOTE_ARRIVALS)
        with people.at_work():
            _sheaf(sharded, "run", "--to", "3")
        arrived = {slug for (slug,) in target.execute("SELECT DISTINCT slug FROM arrivals")}
    moving = {move.slot for move in SlotMap.even(2).moves_to(3)}
    assert people.faults == []
    assert arrived == {slug for slug in SLUGS if slot(slug) in moving}
    _check_stored(sharded, people)


def test_what_was_begun_can_be_taken_back(sharded: Sharded) -> None:
    people = People(sharded)
    people.create_all()
    before = _rows(sharded)
    _die_at(sharded, 3, STEPS.index("publish"))
    assert "no slots" in _sheaf(sharded, "abort")
    assert _rows(sharded) == before
    with people.at_work():
        time.sleep(1)
    assert people.faults == []
    assert people.writes > 10


def test_there_must_be_as_many_databases(sharded: Sharded) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops", "reshard", "plan", "--to", "4"],
        env=sharded.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "names 3 shards" in done.stderr
