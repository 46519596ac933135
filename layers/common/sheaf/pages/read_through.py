"""Reading through the cache: what it has not got is made, and then kept there for the others.

While Redis is down, what this process remembers has to do, and the database.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from redis import RedisError

from sheaf import settings, telemetry
from sheaf.caching.entry import Entry
from sheaf.caching.versioned import NotYet, VersionedCache
from sheaf.database.outages import Unavailable
from sheaf.pages import page_cache
from sheaf.pages.errors import NotFound

Make = Callable[[], Entry]

# That something is not there is kept as an entry of this status.
_NOT_FOUND = 404


class _Wanted(NamedTuple):
    """What is read: the least version of it that will do, and by which rules it is cached."""

    key: str
    make: Make
    known: int
    versioned: Callable[[], VersionedCache] = page_cache.versioned
    doubted: bool = False


def page(slug: str, make: Make, now: float, known: int = 0, *, doubted: bool = False) -> Entry:
    """What is at a slug, made by `make` unless the cache has it fresh. `now` is Unix time.

    A reader who knows of version `known`, or wants to be sure, has `doubted` what is stored. For
    the sake of such readers storage is asked once a second; the others get what is stored since. If
    storage cannot say, they get the newest that Redis or this process has. The answer has its age.
    Raises NotYet if that is older than what they know of, Unavailable if neither cache nor storage
    can say.
    """
    near, key = page_cache.near(), page_cache.key(slug)
    latest = near.latest(key, now) if doubted and near.is_down(now) else None
    if latest and latest.version < known:
        raise NotYet(key)
    entry = latest or _read(_Wanted(key, make, known, doubted=doubted), now)
    return _with_age(entry, now) if doubted else entry


def _with_age(entry: Entry, now: float) -> Entry:
    """The same, and how long ago storage was asked for it: who doubts is told (RFC 9111, 5.1)."""
    return entry.with_header("age", str(page_cache.age(entry, now)))


def immutable(slug: str, what: str, make: Make, now: float) -> Entry:
    """What never changes, of a page: made by one of all who want it, and kept for an hour.

    `what` tells it from all else that is kept of the page. If `make` raises NotFound, that is known
    for a second, as it may come to be. Raises it, NotYet while somebody else is making it, and
    Unavailable.
    """
    near, key = page_cache.near(), page_cache.key(f"{slug}?{what}")
    entry, _ = near.find(key, now)
    if entry is None or not _will_do(entry, now):
        wanted = _Wanted(key, lambda: _made_or_missed(make), 1, page_cache.immutable)
        entry = _read(wanted, now)
    if entry.status == _NOT_FOUND:
        raise NotFound(entry.body.decode())
    return entry


def _will_do(entry: Entry, now: float) -> bool:
    """Whether it is fresh; while Redis is down, what there is has not changed since."""
    if entry.version and page_cache.near().is_down(now):
        return True
    return entry.is_fresh(settings.current().build, now)


def _made_or_missed(make: Make) -> Entry:
    try:
        return make()
    except NotFound as error:
        return Entry(0, error.what.encode(), _NOT_FOUND)


def _read(wanted: _Wanted, now: float) -> Entry:
    """The entry, found or made; or what is remembered of it, where nobody can say or that is newer.

    Only what comes from storage is believed if it is older than what was shown before.
    """
    near, key = page_cache.near(), wanted.key
    make = cache(wanted.make)  # asked for again where Redis fails in between, it is there
    try:
        entry = _by_way_of_redis(wanted, make, now)
    except (Unavailable, NotYet) as failure:
        remembered = near.recall(key, now)
        if remembered is None or remembered.version < wanted.known:
            raise
        if isinstance(failure, Unavailable):
            why = telemetry.reason(failure)
            telemetry.log("WARNING", "answered from memory", key=key, reason=why)
        return remembered
    if make.cache_info().currsize == 0:
        remembered = near.recall(key, now)
        if remembered and remembered.version > entry.version:
            return remembered
    elif wanted.versioned is page_cache.versioned:
        entry = page_cache.checked(entry, now)
    near.remember(key, entry, now)
    return entry


def _by_way_of_redis(wanted: _Wanted, make: Make, now: float) -> Entry:
    near, key = page_cache.near(), wanted.key
    if near.is_down(now):
        return make()
    try:
        versioned = wanted.versioned()
        if not wanted.doubted:
            entry = versioned.fetch(key, make, (Unavailable,))
            if entry.version >= wanted.known or wanted.versioned is page_cache.immutable:
                return entry
        return versioned.doubt(key, make, wanted.known, (Unavailable,))
    except RedisError as failure:
        near.failed(now)
        telemetry.log("WARNING", "cache unavailable", reason=telemetry.reason(failure))
        return make()
