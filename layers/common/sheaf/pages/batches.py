"""Batches: changes of several pages, on whatever shards, that are all done or none.

All pages are locked and claimed, as for a save. Then each shard has its part in a transaction (see
two_phase.py), and when those are committed the cache gets all that is new, and then the answer is
given: who has it, and everybody after, sees all of the batch.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from math import inf
from typing import Any, TypeVar
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from redis import RedisError
from sqlalchemy import Connection, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from sheaf import telemetry
from sheaf.database.outages import Unavailable
from sheaf.database.tables import batch_keys
from sheaf.locks import MultiLock, engines
from sheaf.pages import claims, editing, lookups, page_cache, relaying
from sheaf.pages.changes import Change, Move, Plan
from sheaf.pages.claims import Claim, ClaimRefused
from sheaf.pages.edit_leases import LeaseHeld
from sheaf.pages.errors import (
    Busy,
    Deleted,
    MovedAway,
    NotFound,
    NotOffered,
    Outdated,
    Overtaken,
    Refused,
    TooComplex,
    TooLarge,
)
from sheaf.pages.idempotency import Key, KeyReused, KeyUsed, Saved
from sheaf.pages.reads import Page
from sheaf.pages.relaying import Document
from sheaf.pages.saves import Content
from sheaf.sharding import ownership, shards, two_phase

T = TypeVar("T")
U = TypeVar("U")

MAX_CHANGES = 100
# Of text that is to be rendered: pages that move were not sent along.
MAX_BYTES = 4 * 1024 * 1024
_LOCK_SECONDS = 10.0
_WAIT_SECONDS = 0.5
_SEVERAL = "one of these pages"
# Why a change cannot be done, whatever the others are.
_OF_ONE = (Deleted, LeaseHeld, MovedAway, NotFound, NotOffered, Outdated, TooComplex, TooLarge)
_REFUSALS = (*_OF_ONE, Busy, Overtaken, Refused)


def carry_out(
    changes: Sequence[Change],
    author: str,
    *,
    document: Document,
    key: Key | None = None,
    time_left: float = inf,
) -> list[Saved]:
    """Do all changes, and publish the `document` of each page; what came of each, in their order.

    With a `key`, that is kept, and if a batch with this key was done before, it is what is
    returned. Raises Refused with all that is wrong, Busy, Overtaken, KeyReused, NotOffered or
    LockError when nothing was changed, and Unavailable as `editing.put` does.
    """
    if key and (first := _repeated(key, document)):
        return first
    try:
        return _carry_out(changes, author, document, key, time_left)
    except _REFUSALS:
        if key and (first := _repeated(key, document)):
            return first
        raise


def move(
    change: Move,
    author: str,
    *,
    document: Document,
    key: Key | None = None,
    time_left: float = inf,
) -> Saved:
    """Do this one change; raises what is wrong with it in place of Refused."""
    try:
        [saved] = carry_out([change], author, document=document, key=key, time_left=time_left)
    except Refused as refused:
        raise refused.reasons[0][1] from refused
    if saved.page.body:
        return saved
    # As it was told the first time: what is kept has no texts.
    body = lookups.revision(change.moved_to, saved.page.version).body
    return replace(saved, page=replace(saved.page, body=body))


def each(act: Callable[[U], T], items: Iterable[U], *more: type[Exception]) -> list[T]:
    """What `act` returns of each; raises Refused with all that are refused, as `more` are, too."""
    done: list[T] = []
    reasons: list[tuple[int, Exception]] = []
    for number, item in enumerate(items):
        try:
            done.append(act(item))
        except Exception as reason:
            if not isinstance(reason, (*_OF_ONE, *more)):
                raise
            reasons.append((number, reason))
    if reasons:
        raise Refused(reasons)
    return done


def _carry_out(
    changes: Sequence[Change], author: str, document: Document, key: Key | None, time_left: float
) -> list[Saved]:
    slugs = [slug for change in changes for slug in change.slugs]
    if twice := sorted({slug for slug in slugs if slugs.count(slug) > 1}):
        raise NotOffered(f"A page cannot change twice at once: {', '.join(twice)}.")
    composer = _Composer()
    plans = each(lambda change: change.plan(composer.compose), changes)
    title = slugs[0] if len(changes) == 1 else _SEVERAL
    lock = _locked(sorted(slugs), title, min(_WAIT_SECONDS, time_left))
    try:
        with editing.overtaken(title):
            saved, pages = shards.following_moves(_attempt, plans, author, lock, key)
        _publish(pages, document, lock)
    finally:
        editing.release(lock)
    return saved


class _Composer:
    """Renders the texts of a batch, and no more of them than a request can wait for."""

    def __init__(self) -> None:
        self._bytes_left = MAX_BYTES

    def compose(
        self,
        slug: str,
        body: str,
        title: str | None,
        tags: list[str] | None,
        file: str | None,
    ) -> Content:
        """As `editing.compose`; raises TooLarge, too."""
        self._bytes_left -= len(body.encode())
        if self._bytes_left < 0:
            raise TooLarge(f"The pages of a batch may have {MAX_BYTES // 1024**2} MiB of text.")
        return editing.compose(slug, body, title, tags, file)


def _locked(slugs: Iterable[str], title: str, seconds: float) -> MultiLock:
    lock = MultiLock(engines.current(), map(page_cache.key, slugs), _LOCK_SECONDS)
    if not lock.acquire(blocking_timeout=seconds):
        telemetry.measure(LockBusy=1)
        raise Busy(title)
    return lock


def _attempt(
    plans: Sequence[Plan], author: str, lock: MultiLock, key: Key | None
) -> tuple[list[Saved], list[Page]]:
    planned = {slug: plan for plan in plans for slug in plan.change.slugs}
    claimed = _claim_all(planned, lock)
    each(lambda plan: plan.check(claimed, author), plans)
    batch, pages = uuid4(), dict[str, Page]()

    def save(slugs: Iterable[str], connection: Connection) -> None:
        ownership.lock_writable(connection, slugs)
        for slug in slugs:
            pages[slug] = planned[slug].save(connection, slug, claimed, author)

    def saved() -> list[Saved]:
        return [plan.saved(claimed, pages[plan.change.slugs[-1]]) for plan in plans]

    parts: dict[int, two_phase.Part] = {
        number: partial(save, slugs) for number, slugs in _by_shard(claimed).items()
    }
    if key:
        # It comes last: all the others have been saved then.
        parts[shards.HOME] = _keeping(parts.get(shards.HOME), key, batch, pages, saved)
    try:
        two_phase.commit(batch, parts)
    except two_phase.Aborted as error:
        raise Overtaken(_SEVERAL) from error
    return saved(), list(pages.values())


def _claim_all(slugs: Iterable[str], lock: MultiLock) -> dict[str, Claim]:
    claimed = dict[str, Claim]()
    for number, theirs in _by_shard(slugs).items():
        marks = {slug: _mark(slug, lock) for slug in theirs}
        with shards.following(number).connect() as connection:
            claimed |= claims.claim_all(connection, marks)
    # Those that were refused, once more, each by itself.
    return {slug: claimed.get(slug) or _claim(slug, lock) for slug in sorted(slugs)}


def _mark(slug: str, lock: MultiLock) -> tuple[int, UUID]:
    """Fence and owner."""
    key = page_cache.key(slug)
    return lock.fence(key), lock.token(key)


def _claim(slug: str, lock: MultiLock) -> Claim:
    try:
        return shards.write(slug, claims.claim, *_mark(slug, lock))
    except ClaimRefused as refused:
        # As for a save: the lock service may have lost its counter.
        lock.reissue(page_cache.key(slug), refused.stored_fence)
    return shards.write(slug, claims.claim, *_mark(slug, lock))


def _by_shard(slugs: Iterable[str]) -> dict[int, list[str]]:
    """The slugs of each shard, in one order: so nobody waits in a circle."""
    owner, found = shards.current_map().owner, defaultdict[int, list[str]](list)
    for slug in sorted(slugs):
        found[owner(slug)].append(slug)
    return found


def _publish(pages: Iterable[Page], document: Document, lock: MultiLock) -> None:
    """Let nobody see an older page any more; raises Unavailable if the cache says nothing of one.

    Unlike a save's answer, a batch's waits for that. The relay publishes what is not.
    """
    entries = {page_cache.key(page.slug): document(page.slug, page) for page in pages}
    for key, entry in entries.items():
        page_cache.saved(key, entry)
    try:
        lock.publish(page_cache.versioned(), entries)
    except RedisError as failure:
        raise Unavailable("all is saved, and the cache does not say that it has it") from failure


def _keeping(
    part: two_phase.Part | None,
    key: Key,
    batch: UUID,
    pages: Mapping[str, Page],
    saved: Callable[[], list[Saved]],
) -> two_phase.Part:
    """A part, after which what came of all of them is kept by its key; raises KeyUsed."""

    def keep(connection: Connection) -> None:
        if part:
            part(connection)
        without_texts = [replace(one, page=replace(one.page, body="", html="")) for one in saved()]
        answer = {"saved": _answers().dump_python(without_texts, mode="json"), "slugs": list(pages)}
        named = {"author": key.author, "address": key.method, "key": key.text}
        kept = {"request": key.request, "batch": batch, "answer": answer}
        try:
            connection.execute(insert(batch_keys).values(**named, **kept))
        except IntegrityError as error:
            raise KeyUsed(_SEVERAL) from error

    return keep


def _repeated(key: Key, document: Document) -> list[Saved] | None:
    """What came of the batch with this key, without texts, if it was done; it is ended before.

    Raises KeyReused if that was another request, and Unavailable.
    """
    found = shards.on(shards.HOME, _find, key)
    if found is None:
        return None
    request, batch, answer = found
    if request != key.request:
        raise KeyReused(key.text)
    two_phase.finish(batch)
    for slug in answer["slugs"]:
        relaying.publish(slug, document)
    return _answers().validate_python([_with_file(one) for one in answer["saved"]])


def _with_file(saved: dict[str, Any]) -> dict[str, Any]:
    # The release of before has kept what came of a batch without these two.
    page = saved["page"]
    return {**saved, "page": {"origin": "edit", "file": f"{page['slug']}.md", **page}}


def _find(home: Connection, key: Key) -> tuple[str, UUID, Any] | None:
    named = {"author": key.author, "address": key.method, "key": key.text}
    row = home.execute(_FIND, named).one_or_none()
    return tuple(row) if row else None


def remove_old_keys(home: Connection, after: timedelta) -> int:
    """Forget the keys that were used longer ago than this; says how many."""
    statement = delete(batch_keys).where(batch_keys.c.created_at < func.now() - after)
    return home.execute(statement).rowcount


@cache
def _answers() -> TypeAdapter[list[Saved]]:
    # Made when it is needed: it takes 20 ms.
    return TypeAdapter(list[Saved])


_FIND = select(batch_keys.c.request, batch_keys.c.batch, batch_keys.c.answer).where(
    *(batch_keys.c[name] == bindparam(name) for name in ("author", "address", "key"))
)
