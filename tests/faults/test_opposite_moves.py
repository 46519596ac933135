"""Pages that several people move to and fro, and change many at a time: none is lost or doubled.

Whoever moves a page has two of them to lock, and whoever sends a batch many, in whatever order they
are named; on three shards. Nobody waits in a circle.

    SHEAF_MOVES_SECONDS=60 pytest tests/faults/test_opposite_moves.py
"""

import http.client
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from sheaf.sharding.slot_maps import SlotMap
from tests.faults.batch_run import in_doubt
from tests.faults.readers import Site
from tests.faults.site_world import Shape, SiteWorld, site_world
from tests.faults.steps import at_work
from tests.waiting import PATIENCE, wait_until

SECONDS = float(os.environ.get("SHEAF_MOVES_SECONDS", "20"))
SHARDS = 3
_OWNER = SlotMap.even(SHARDS).owner
# Each on another shard; the last one is free.
SLUGS = tuple(
    next(name for name in "abcdefghijklmnop" if _OWNER(name) == shard) for shard in range(SHARDS)
)
# Batches change these, some of each.
MANY = tuple(f"many/{number}" for number in range(12))
MOVERS, BATCHERS = 6, 4
# Who is too late, or finds somebody else at it.
REFUSALS = {409, 412, 503}


class People:
    """Those at work, and what they were answered."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.moves: Counter[int] = Counter()
        self.batches: Counter[int] = Counter()

    def ask(self, number: int, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the value of an answer, of a gateway by one's number."""
        url = self.site.urls[number % len(self.site.urls)]
        headers = {"Authorization": f"Bearer {self.site.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE)
        connection.request(method, path, json.dumps(body), headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, json.loads(data) if data else None

    def create(self, slugs: Iterable[str]) -> None:
        """A page with its slug for a text, at each."""
        changes = [{"slug": slug, "body": slug, "if_none_match": "*"} for slug in slugs]
        assert self.ask(0, "POST", "/api/batches", {"changes": changes})[0] == 201

    def move(self, number: int, chance: Random) -> None:
        """Move a page from one slug to another."""
        source, to = chance.sample(SLUGS, 2)
        status, page = self.ask(number, "GET", f"/api/pages/{source}")
        if status == 200:
            wanted = {"from": source, "to": to, "if_match": f'"v{page["version"]}"'}
            self.moves[self.ask(number, "POST", "/api/moves", wanted)[0]] += 1

    def change(self, number: int, chance: Random) -> None:
        """New texts for some of the pages, and of those that move, from either end."""
        _, listed = self.ask(number, "GET", "/api/pages?limit=200")
        versions = {item["slug"]: item["version"] for item in listed["items"]}
        slugs = chance.sample(MANY, chance.randint(2, len(MANY)))
        slugs += [slug for slug in SLUGS if slug in versions and chance.random() < 0.2]
        slugs.sort(reverse=bool(number % 2))
        changes = [
            {"slug": slug, "comment": "again", "if_match": f'"v{versions[slug]}"'} for slug in slugs
        ]
        self.batches[self.ask(number, "POST", "/api/batches", {"changes": changes})[0]] += 1

    def works(self) -> list[Callable[[int, threading.Event], None]]:
        """What each does."""

        def again(act: Callable[[int, Random], None]) -> Callable[[int, threading.Event], None]:
            def work(number: int, stop: threading.Event) -> None:
                chance = Random(number)
                while not stop.is_set():
                    act(number, chance)

            return work

        return [again(self.move)] * MOVERS + [again(self.change)] * BATCHERS

    def have_done_enough(self) -> bool:
        """Whether moves and batches have succeeded."""
        return self.moves[201] > 20 and self.batches[201] > 20


def test_no_page_is_lost_and_nobody_waits_in_a_circle(tmp_path: Path) -> None:
    with site_world(tmp_path, seed=1, lock_seconds=10, shape=Shape(SHARDS)) as (world, site):
        people = People(site)
        people.create([*SLUGS[:2], *MANY])
        with at_work(people.works()):
            time.sleep(SECONDS)
            wait_until(people.have_done_enough, f"{people.moves} {people.batches}")
        world.finish()
        assert people.moves.keys() <= {201, *REFUSALS}, people.moves
        assert people.batches.keys() <= {201, *REFUSALS}, people.batches
        assert in_doubt(world.databases) == []
        _check_pages(world, [*SLUGS[:2], *MANY])
        assert _of_all(world, "SELECT deadlocks FROM pg_stat_database WHERE deadlocks > 0") == []


def _check_pages(world: SiteWorld, texts: Iterable[str]) -> None:
    live = _of_all(world, "SELECT body, coalesce(identity, id) FROM pages WHERE state = 'live'")
    assert sorted(body for body, _ in live) == sorted(texts)
    assert len({page for _, page in live}) == len(live)
    versions = _of_all(world, "SELECT slug, version FROM revisions")
    assert len(set(versions)) == len(versions)


def _of_all(world: SiteWorld, query: str) -> list[tuple[Any, ...]]:
    rows = []
    for server in world.databases:
        with psycopg.connect(server.url) as connection:
            rows += connection.execute(query).fetchall()
    return rows
