"""A page's write under a lock against the same write with a version check alone.

Both store the same: the page's new version, its revision, its links and the outbox row, by the
same statement. The plain one reads the page with a SELECT first, the locked one with the claim.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any
from uuid import uuid4

import redis
from sqlalchemy import select

from sheaf.database.tables import pages
from sheaf.http import documents
from sheaf.locks.redis import RedisLock
from sheaf.pages import claims, editing, saves
from sheaf.pages.claims import Claim
from sheaf.pages.preconditions import Precondition
from sheaf.pages.saves import Content, Write
from sheaf.sharding import shards

TEXT = "A sheaf is a bundle of leaves, and a page is one of them. " * 40
_CONTENT = Content(
    title="A page",
    tags=("bench", "locks"),
    body=TEXT,
    html=f"<p>{TEXT}</p>",
    blob="",
    headings="A page",
    plain=TEXT,
    links=frozenset({"home", "guide/start"}),
    folder="guide",
)
# What the claim returns, and the last claim's mark: the statement that saves asks for one.
SELECT = select(
    pages.c.fence,
    pages.c.owner,
    pages.c.id,
    pages.c.version,
    pages.c.state,
    pages.c.author,
    pages.c.updated_at,
)
# The version of each page that was written, for the precondition of the next put.
_versions: dict[str, int] = {}


def measure(client: "redis.Redis", rounds: int) -> dict[str, float]:
    """Median milliseconds of each kind of write, of the parts of a bound, and their ratio."""
    ways: dict[str, Callable[[int], None]] = {
        "plain": plain,
        "locked": lambda number: locked(client, number),
        "put": put,
        "ping": lambda _: ping(client),
    }
    for number in range(50):
        put(number)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(-50, rounds):
        for name, way in ways.items():
            begun = time.perf_counter()
            way(number)
            if number >= 0:
                seconds[name].append(time.perf_counter() - begun)
    result = {name: median(taken) * 1000 for name, taken in seconds.items()}
    result["bound"] = 1.5 * result["plain"] + 2 * result["ping"]
    # Each pair ran back to back, so what slowed one slowed the other.
    bounds = zip(seconds["locked"], seconds["plain"], seconds["ping"], strict=True)
    result["share_of_bound"] = median(one / (1.5 * sql + 2 * trip) for one, sql, trip in bounds)
    return result


def _slug(number: int) -> str:
    return f"guide/page-{number % 50}"


def _write() -> Write:
    return Write(uuid4(), "bench", "", "live", _content())


def _content() -> Content:
    """Another text each time, by its digest: a save that changes nothing writes nothing."""
    return replace(_CONTENT, blob=uuid4().hex)


def ping(client: "redis.Redis") -> None:
    """One round trip to Redis."""
    client.ping()


def plain(number: int) -> None:
    """Read the page, then replace it where it is still as it was read."""
    slug = _slug(number)
    with shards.owning(slug).connect() as connection:
        row: Any = connection.execute(SELECT.where(pages.c.slug == slug)).one()
        _versions[slug] = saves.save(connection, Claim(slug, *row), _write()).version


def locked(client: "redis.Redis", number: int) -> None:
    """Lock, claim, save, release."""
    slug = _slug(number)
    with (
        RedisLock(client, f"page:{slug}", 10) as lock,
        shards.owning(slug).connect() as connection,
    ):
        claim = claims.claim(connection, slug, lock.fence, lock.token)
        _versions[slug] = saves.save(connection, claim, _write()).version


def put(number: int) -> None:
    """What a save in the editor does: as above, with the document made and published."""
    slug = _slug(number)
    known = _versions.get(slug)
    precondition = Precondition(frozenset({known}) if known else None)
    _versions[slug] = editing.put(
        slug, precondition, "bench", "", _content(), document=documents.saved
    ).page.version
