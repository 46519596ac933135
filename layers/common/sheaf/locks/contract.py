"""What a lock promises, and what is the same for every engine."""

import math
import os
import time
import weakref
from _thread import start_new_thread
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Protocol, Unpack, cast
from uuid import UUID

from sheaf.locks.errors import LockError, LockNotOwnedError
from sheaf.locks.holder import Holder, Options, lifetime
from sheaf.locks.holdings import (
    GIVEN_BACK,
    LOST,
    NEVER_TAKEN,
    Holding,
    Token,
    encoded,
    text_of,
)

# For how long a server is asked to forget what was asked for in vain: it may be the reason.
DROPPING_SECONDS = 0.25
# Until when an answer that was lost is asked for again, by `time.monotonic`.
ALWAYS = math.inf

# Called while a lock is waited for; answers when it is to be called again, by `time.monotonic`.
Meanwhile = Callable[[], float]


class Cache(Protocol):
    """Where what was written under a lock is published: on a `client`, by a script if need be.

    `sheaf.caching.versioned.VersionedCache` is one. Any other needs these three members.
    """

    @property
    def client(self) -> Any:
        """What it is kept with: a lock with the same one is in the same place."""

    def publish(self, key: str, entry: Any) -> object:
        """Store `entry` under `key`, in a round trip of its own and without proof of a lock.

        What it returns is not looked at, and what it raises is left to the caller.
        """

    def publication(self, key: str, entry: Any, proof: tuple[str | bytes, str | bytes]) -> Any:
        """A script that stores it while a key of the same slot has a value: the two of `proof`.

        It is a `sheaf.redis_scripts.Call`.
        """


class Lock(Holder):
    """A lock by name that ends by itself: `timeout`, in seconds, after it was taken or renewed.

    Each holding has an id of its own, the `token`, and belongs to the thread and the process that
    took it: threads that share the object keep each other out, and so do processes that it was
    forked into. Without `thread_local`, any thread of the process may give back what another took.
    A lock is not reentrant: who holds it and wants it again gets a LockError. `with` raises
    LockError if the lock is not free in time, and at its end what `release` does.

    `timeout` is 60 seconds if it is None. Raises ValueError for an empty `name` and for a `timeout`
    that is not above 0 and at most 1e9. The other parameters are Holder's.
    """

    def __init__(
        self, name: str | bytes, timeout: float | None = None, **options: Unpack[Options]
    ) -> None:
        super().__init__(timeout, options)
        self.name = text_of(name)
        self.thread_local = options.get("thread_local", True)
        self._shared: Holding | None = None

    @property
    def _title(self) -> str:
        return self.name

    @property
    def fence(self) -> int:
        """The number of this holding, above every earlier one.

        Raises LockNotOwnedError if the lock is not held. One that has expired unnoticed still has
        its fence: whether that counts is decided where the data is.
        """
        return self._held().fence

    @property
    def token(self) -> UUID:
        """The id of this holding, or what acquire was given as such (bytes as text).

        Raises LockNotOwnedError if the lock is not held.
        """
        holding = self._held()
        return UUID(holding.sign.decode()) if holding.given is None else cast("UUID", holding.given)

    @property
    def deadline(self) -> float:
        """When the lock stops being ours for certain, by `time.monotonic`; 0 if it is not held.

        It counts from before the request was sent. Nobody is asked.
        """
        holding = self._standing()
        return holding.deadline if holding else 0.0

    def remaining(self) -> float:
        """Seconds for which the lock is ours for certain; 0 when it is not."""
        holding = self._standing()
        return holding.remaining() if holding else 0.0

    @property
    def lost(self) -> bool:
        """Whether we held the lock and can no longer rely on it, though we did not release it."""
        last = self._last()
        return last is not None and last.lost

    def acquire(
        self,
        *,
        blocking: bool | None = None,
        blocking_timeout: float | None = None,
        sleep: float | None = None,  # noqa: ARG002 - as Holder's
        token: Token | bytes | None = None,
    ) -> bool:
        """As Holder's; `token` is the holding's id, for callers that want one of their own.

        Nobody else may have the same. None: a new UUID.
        """
        given = text_of(token) if token and isinstance(token, bytes) else token or None
        give_up_at = self._give_up_at(blocking, blocking_timeout)
        take = partial(self._take, give_up_at=give_up_at, meanwhile=lambda: math.inf)
        return take_all([self], take, given)

    def release(self) -> None:
        """Give the lock back; raises LockNotOwnedError if it was not ours, or not any more.

        After any other LockError the lock still counts as held: it may be released again. If an
        answer was lost, all that is certain is that the lock is not held any more: then it is no
        error if it was ours when this was called.
        """
        holding = self._held()
        self._ended(holding, self._give_back(holding))

    def publish_and_release(self, cache: Cache, key: str, entry: Any) -> None:
        """Publish `entry`, which was written under the lock, and give the lock back.

        Where the cache is in the same place, that is one round trip, and nothing is stored if the
        lock is lost. What the cache raises passes through: then the lock still counts as held.
        Besides, it raises what `release` does.
        """
        cache.publish(key, entry)
        self.release()

    def extend(self, additional_time: float, replace_ttl: bool = False) -> bool:
        """Add `additional_time`, in seconds, to the time left; with `replace_ttl`, leave just that.

        Returns True. What is added to is `remaining`. Raises LockNotOwnedError if the lock was not
        ours any more, LockError if the lock service fails, and ValueError for a time that a
        lock's `timeout` could not be.
        """
        seconds, holding = lifetime(additional_time), self._held()
        if not replace_ttl:
            seconds = lifetime(seconds + holding.remaining())
        self._renewed(holding, seconds, at_least=not replace_ttl)
        return True

    def reacquire(self) -> bool:
        """Leave the lock its whole timeout again; returns and raises what `extend` does."""
        return self.extend(self.timeout, replace_ttl=True)

    def reissue(self, above: int) -> int:
        """A new fence for the same holding, higher than `above`, the fence that was in the way.

        For a holder whose claim was refused because the counter of fences had been lost. It is
        given only on proof that the lock is still ours; the work begins again from its reading.
        Raises LockNotOwnedError without that proof, and LockError if nobody answers.
        """
        holding = self._held()
        fence = self._new_fence(holding, above)
        if not fence:
            self._ended(holding, released=False)
        holding.fence, holding.leaving = fence, False
        return fence

    @abstractmethod
    def locked(self) -> bool:
        """Whether anybody holds the lock; raises LockError if the lock service fails."""

    def owned(self) -> bool:
        """Whether this thread holds the lock, asked of the lock service; raises LockError."""
        holding = self._standing()
        return holding is not None and self._owns(holding)

    # What an engine does. Each raises LockError if the lock service fails, but for `_abandon`. What
    # has an `until`, by `time.monotonic`, asks again until then if an answer is lost.

    @abstractmethod
    def _begin(self, sign: bytes, given: Token | None) -> Holding:
        """A holding that is to be taken: with its token as it is stored, and as it was given."""

    @abstractmethod
    def _take(self, holding: Holding, give_up_at: float, meanwhile: Meanwhile) -> bool:
        """Take it, trying at least once, until this time by `time.monotonic`; set its deadline."""

    @abstractmethod
    def _give_back(self, holding: Holding, until: float = ALWAYS) -> bool:
        """Give it back; False when it was not ours any more."""

    @abstractmethod
    def _abandon(self, holding: Holding) -> None:
        """Leave nothing behind of what was asked for, as far as the lock service can be reached."""

    @abstractmethod
    def _renew(
        self, holding: Holding, seconds: float, *, at_least: bool, until: float = ALWAYS
    ) -> bool:
        """Have it live for so long, or `at_least` so long, from now; False when it is lost."""

    @abstractmethod
    def _new_fence(self, holding: Holding, above: int) -> int:
        """A fence higher than `above`; 0 when the holding is lost."""

    @abstractmethod
    def _owns(self, holding: Holding) -> bool:
        """Whether it stands."""

    # What is known of holdings.

    def _last(self) -> Holding | None:
        """The last holding that this thread may know of."""
        last = self.local.holding
        if not self.thread_local and (last is None or last.ended):
            last = self._shared
        return last if last and last.process == os.getpid() else None

    def _standing(self) -> Holding | None:
        last = self._last()
        return None if last is None or last.ended else last

    def _held(self) -> Holding:
        """What stands, as far as we know; raises LockNotOwnedError if nothing does."""
        last = self._last()
        if last is None or last.ended:
            raise LockNotOwnedError(f"{self.name} {last.ended if last else NEVER_TAKEN}")
        return last

    def _may_begin(self) -> None:
        own = self.local.holding
        if own and own.process == os.getpid() and not own.ended and own.remaining():
            raise LockError(f"{self.name} is held by this thread already: it is not reentrant")

    def _keep(self, holding: Holding) -> None:
        self.local.holding = self._shared = holding

    def _ended(self, holding: Holding, released: bool) -> None:
        holding.ended = GIVEN_BACK if released else LOST
        if not released:
            raise LockNotOwnedError(f"{self.name} {LOST}")

    def _renewed(
        self, holding: Holding, seconds: float, *, at_least: bool, until: float = ALWAYS
    ) -> None:
        if not self._renew(holding, seconds, at_least=at_least, until=until):
            self._ended(holding, released=False)
        holding.leaving = False

    def _renewing(self) -> Callable[[], object]:
        holding, name, find = self._held(), self.name, weakref.ref(self)

        def renew() -> None:
            lock = find()
            if lock is None:  # the end of its `with` was interrupted
                raise LockNotOwnedError(f"{name}: nobody has the lock object any more")
            # Not `remaining`, which is 0 without a connection, too.
            if time.monotonic() >= holding.deadline:
                raise LockNotOwnedError(f"{name} {LOST}")
            lock._renewed(holding, lock.timeout, at_least=True)

        return renew

    def _prove(self, until: float) -> None:
        """Leave the lock its whole timeout, as `reacquire` does; raises what that does."""
        self._renewed(self._held(), self.timeout, at_least=False, until=until)


class Locks(Protocol):
    """An engine: makes locks that are kept in one place. MultiLock needs no more than this."""

    def lock(
        self, name: str | bytes, timeout: float | None = None, **options: Unpack[Options]
    ) -> Lock:
        """A lock by name, not yet taken. The parameters, and what is raised, are Lock's."""

    def batches(self, names: Iterable[str | bytes]) -> list[tuple[str, ...]]:
        """The names, each once, in the order in which all callers must take them.

        Names of one batch can be taken in one step, by `acquire_batch`.
        """

    def acquire_batch(self, locks: list[Any], give_up_at: float, meanwhile: Meanwhile) -> bool:
        """Take this engine's locks of one batch, all or none; whether we have them.

        It tries once and then until `give_up_at`, by `time.monotonic`. While it waits it calls
        `meanwhile` in time, and what that raises passes through. Raises LockError if the lock
        service fails. Whatever is raised, none is kept.
        """

    def publish_batch(self, locks: list[Any], cache: Cache, entries: Mapping[str, Any]) -> None:
        """Store the entries of this engine's locks of one batch, each under its lock's name.

        Whether a lock is ours is proven where that can be done; without proof what is older is
        removed. What the cache raises passes through.
        """

    def release_batch(self, locks: list[Any], until: float) -> list[LockError]:
        """Give back this engine's locks of one batch, which are held, whatever becomes of one.

        An answer that is lost is asked for again until then, by `time.monotonic`. Returns what
        their `release` would raise.
        """


def take_all(locks: Sequence[Lock], take: Callable[..., bool], given: Token | None = None) -> bool:
    """Begin a holding of each lock, and keep what `take`, called with these, took; whether it did.

    `given` is the token of a single lock, if it is not to be a new one. Whatever is raised, at
    whatever moment, nothing is left of them.
    """
    for lock in locks:
        lock._may_begin()
    holdings = [lock._begin(_sign(given), given) for lock in locks]
    try:
        taken = take(*holdings)
        if taken:
            for lock, holding in zip(locks, holdings, strict=True):
                lock._keep(holding)
    except BaseException as error:
        drop_all(zip(locks, holdings, strict=True), error)
        raise
    return taken


def drop_all(dropped: Iterable[tuple[Lock, Holding]], error: BaseException) -> None:
    """Leave nothing behind of these, but for what takes too long: that ends by itself.

    A thread does it. It is waited for unless the lock service is what failed with `error`: the
    process may be about to end.
    """
    pairs, done = list(dropped), SimpleQueue[None]()

    def drop() -> None:
        give_up_at = time.monotonic() + DROPPING_SECONDS
        for lock, holding in pairs:
            if time.monotonic() < give_up_at:
                lock._abandon(holding)
        done.put(None)

    # At the end of the process there are no new threads.
    with suppress(RuntimeError):
        start_new_thread(drop, ())
    for _, holding in pairs:
        holding.ended = GIVEN_BACK
    if not isinstance(error, LockError):
        with suppress(Empty):
            done.get(timeout=DROPPING_SECONDS)


def _sign(token: Token | None) -> bytes:
    """A token as it is stored; None: a new one, as random as a UUID, which takes longer to make."""
    return encoded(token) if token is not None else os.urandom(16).hex().encode()
