"""Ends what dead writers left: batches in doubt, and pages not published. Counts edits.

Looks at old names, too, notes what happened before there were events, and renders anew what an
older renderer has made.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.typing import LambdaContext

from sheaf import telemetry
from sheaf.database.outages import Unavailable
from sheaf.database.transactions import in_doubt_for
from sheaf.http import documents
from sheaf.locks import Lock, LockError, engines
from sheaf.pages import (
    batches,
    claims,
    drafts,
    idempotency,
    noting,
    outbox,
    rerendering,
    snapshots,
    users,
)
from sheaf.pages.normalizing import normalize
from sheaf.pages.outbox import Change
from sheaf.pages.relaying import relay
from sheaf.sharding import shards, two_phase

_BATCH = 200
# So many names of stored pages are looked at in one run, some at once, and no more when this many
# were mended: of each of those a document is made.
_NAMES, _NAMES_AT_ONCE, _MENDED = 10_000, 100, 400
# So many revisions from before there were events become events at once, and in one run.
_NOTED_AT_ONCE, _NOTED = 1000, 200_000
# So many pages of a shard are rendered anew in one run: one of 18 KB takes 30 ms, the longest a
# second.
_RENDERED = 1000
_SPARE_MILLISECONDS = 5000
_ABANDONED_AFTER = timedelta(days=1)
_DRAFTS_KEPT = timedelta(days=30)
_KEYS_KEPT = timedelta(days=1)
# Longer than a batch takes; what a dead instance held is free after it.
_LOCK_SECONDS = 10.0
# A writer that is at work has ended its batch by then.
_LEFT_SECONDS = 20.0
# An Aurora that was paused wakes in about 15 seconds.
_WAKING_PAUSES, _WAKING_PAUSE_SECONDS = 3, 5.0
_WAKING_MILLISECONDS = 30_000

# Each tag or path costs half a cent, and the CDN asks for every page again after a minute anyway.
# Where more pages than this change between two runs of upkeep, all are forgotten: one path.
_MOST_PATHS = 3

T = TypeVar("T")
logger = telemetry.logger()


@telemetry.faults_are_logged
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Relay until the outbox is empty or the time is nearly up.

    Says how many changes were relayed and how many rows removed, and which paths a CDN should
    purge. One instance works at a time: the others leave at once. An event with `dry_run` has it
    look at everything and change nothing.
    """
    lock = engines.current().lock("upkeep", _LOCK_SECONDS, blocking=False)
    if not lock.acquire():
        logger.warning("another instance is at work")
        return {"relayed": 0, "removed": 0, "purge": []}
    with _connections_given_back(), _released_after(lock):
        if event.get("dry_run"):
            waiting = sum(_waiting(number) for number in range(len(shards.everywhere())))
            logger.info("dry run", waiting=waiting)
            return {"relayed": 0, "removed": 0, "purge": []}
        alive = _observe(lock, context)
        _end_batches(alive)
        relayed = _on_each(alive, lambda number: _relay_shard(number, lock, context))
        removed = sum(_on_each(alive, _remove_old).values())
        mended = _on_each(alive, lambda number: _normalize_shard(number, lock, context))
        _on_each(alive, lambda number: _note_shard(number, lock, context))
        shown: set[str] = set()
        rendered = _on_each(alive, lambda number: _rerender_shard(number, shown, lock, context))
        changes = [change for part in relayed.values() for change in part]
        _on_each([shards.HOME], lambda _home: _take_snapshot(len(changes), lock, context))
    telemetry.measure(Relayed=len(changes))
    renamed = {slug for part in mended.values() for slug in part}
    logger.info(
        "upkeep done",
        relayed=len(changes),
        removed=removed,
        renamed=len(renamed),
        rendered=sum(rendered.values()),
    )
    purge = purge_paths(renamed | shown | {change.slug for change in changes})
    return {"relayed": len(changes), "removed": removed, "purge": purge}


@contextmanager
def _connections_given_back() -> Iterator[None]:
    """A database sleeps only while nobody is connected, and Lambda keeps this process for long."""
    try:
        yield
    finally:
        shards.dispose()


@contextmanager
def _released_after(lock: Lock) -> Iterator[None]:
    try:
        yield
    finally:
        try:
            lock.release()
        except LockError as failure:
            logger.warning("not released", reason=str(failure))


def _on_each(numbers: Iterable[int], act: Callable[[int], T]) -> dict[int, T]:
    """What comes of it by shard, where it can be done: one that is down keeps no other waiting.

    Without the lock nothing more is begun: what was done is told all the same.
    """
    done = {}
    for number in numbers:
        try:
            done[number] = act(number)
        except Unavailable as failure:
            logger.warning("shard left out", shard=number, reason=telemetry.reason(failure))
        except LockError as failure:
            logger.warning("upkeep ends early", reason=str(failure))
            break
    return done


def _observe(lock: Lock, context: LambdaContext) -> list[int]:
    """Measure how late things are before anything is done about it; the shards that answer."""
    everywhere = range(len(shards.everywhere()))
    ages = _on_each(everywhere, lambda number: _ages(number, lock))
    silent = [number for number in everywhere if number not in ages]
    if silent and context.get_remaining_time_in_millis() > _WAKING_MILLISECONDS:
        _wait_for_waking(lock)
        ages |= _on_each(silent, lambda number: _ages(number, lock))
    telemetry.measure(ShardsDown=len(everywhere) - len(ages))
    if ages:
        waiting, in_doubt = (max(column) for column in zip(*ages.values(), strict=True))
        telemetry.measure(OutboxSeconds=waiting, InDoubtSeconds=in_doubt)
    return list(ages)


def _wait_for_waking(lock: Lock) -> None:
    """Let a database wake that was paused: it does so because it was asked."""
    for _ in range(_WAKING_PAUSES):
        lock.reacquire()
        time.sleep(_WAKING_PAUSE_SECONDS)


def _ages(number: int, lock: Lock) -> tuple[float, float]:
    """How old a shard's oldest change is, and its oldest transaction in doubt, in seconds."""
    # Each shard that is down takes a while.
    lock.reacquire()
    return shards.on(number, lambda shard: (outbox.age(shard), in_doubt_for(shard)))


def _end_batches(alive: Sequence[int]) -> None:
    """End what writers left in doubt that are gone: readers see an old text, others cannot save."""
    ended = _on_each(alive, lambda number: two_phase.recover(number, _LEFT_SECONDS))
    for one in chain.from_iterable(ended.values()):
        how = "committed" if one.committed else "rolled back"
        logger.warning("batch ended", batch=str(one.batch), shard=one.shard, how=how)
    telemetry.measure(Recovered=sum(map(len, ended.values())))
    if len(ended) == len(shards.everywhere()):
        _on_each([shards.HOME], lambda _home: two_phase.note_ended())


def _relay_shard(number: int, lock: Lock, context: LambdaContext) -> list[Change]:
    """Batch after batch, as long as `_goes_on` says."""
    relayed: list[Change] = []
    while _goes_on(lock, context):
        batch = relay(number, _BATCH, documents.of)
        relayed += batch
        if len(batch) < _BATCH:
            break
    return relayed


def _goes_on(lock: Lock, context: LambdaContext) -> bool:
    """Whether there is time for a batch, and no other instance has taken our place.

    What was done by then is told all the same: the CDN is to forget it.
    """
    if context.get_remaining_time_in_millis() <= _SPARE_MILLISECONDS:
        return False
    try:
        return lock.reacquire()
    except LockError as failure:
        logger.warning("upkeep ends early", reason=str(failure))
        return False


def _normalize_shard(number: int, lock: Lock, context: LambdaContext) -> list[str]:
    """As `_relay_shard`: the pages of which names were brought to their normal form."""
    mended: list[str] = []
    for _ in range(0, _NAMES, _NAMES_AT_ONCE):
        if len(mended) >= _MENDED or not _goes_on(lock, context):
            break
        changed, more = normalize(number, _NAMES_AT_ONCE, documents.of)
        mended += changed
        if not more:
            break
    return mended


def _note_shard(number: int, lock: Lock, context: LambdaContext) -> None:
    """As `_relay_shard`: what happened before there were events."""
    for _ in range(0, _NOTED, _NOTED_AT_ONCE):
        if not _goes_on(lock, context) or not shards.on(number, noting.note, _NOTED_AT_ONCE):
            break


def _rerender_shard(number: int, shown: set[str], lock: Lock, context: LambdaContext) -> int:
    """Render pages anew, as long as `_goes_on` says; how many were.

    Those that are shown otherwise since are added to `shown`, whatever happens then.
    """
    slugs = rerendering.stale(number, _RENDERED)
    for done, slug in enumerate(slugs):
        if not _goes_on(lock, context):
            return done
        if rerendering.rerender(slug, documents.of):
            shown.add(slug)
    return len(slugs)


def _take_snapshot(changes: int, lock: Lock, context: LambdaContext) -> None:
    """As `_relay_shard`: count the words and links of all pages, if it is time to."""
    if snapshots.make(changes, lambda: _goes_on(lock, context)):
        logger.info("snapshot made")


def _waiting(number: int) -> int:
    return len(shards.on(number, outbox.oldest, _BATCH))


def _remove_old(number: int) -> int:
    shards.on(number, users.forget_counted, _ABANDONED_AFTER)
    removed = shards.on(number, claims.remove_abandoned, _ABANDONED_AFTER)
    removed += shards.on(number, idempotency.remove_old, _KEYS_KEPT)
    if number == shards.HOME:
        removed += shards.on(number, batches.remove_old_keys, _KEYS_KEPT)
        removed += shards.on(number, two_phase.remove_old, _KEYS_KEPT)
    return removed + shards.on(number, drafts.remove_old, _DRAFTS_KEPT)


def purge_paths(slugs: Collection[str]) -> list[str]:
    """A tag for each page, by which the CDN has all that it keeps of it: its `?v=` as well."""
    if len(slugs) > _MOST_PATHS:
        return ["/*"]
    return [f"#{documents.cdn_tag(slug)}" for slug in sorted(slugs)]
