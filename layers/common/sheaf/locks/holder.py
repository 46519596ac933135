"""What takes a lock, or several, keeps them for the time of a `with`, and renews them meanwhile."""

import logging
import math
import threading
import time
from _thread import start_new_thread
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self, TypedDict

from sheaf.locks.errors import LockError, LockNotOwnedError
from sheaf.locks.holdings import Holding

_logger = logging.getLogger(__name__)

# How long a lock lives for which nothing was said, in seconds.
DEFAULT_TIMEOUT = 60.0
# About thirty years: what servers and clocks can reckon with.
MAX_TIMEOUT = 1e9


class Options(TypedDict, total=False):
    """How a lock behaves, besides its name and its lifetime: see Lock."""

    sleep: float
    blocking: bool
    blocking_timeout: float | None
    thread_local: bool
    raise_on_release_error: bool
    auto_renew: bool


class Renewal:
    """Calls `renew` three times in `timeout`, in seconds, on a thread, from `start` to `stop`.

    It ends by itself when `renew` raises LockNotOwnedError: what is lost is not taken again behind
    its holder's back. After any other LockError, of which only the first is logged, it tries again.
    A signal's handler may raise something at any moment of it, which threading.Thread does not bear
    while it starts.
    """

    def __init__(self, renew: Callable[[], object], timeout: float) -> None:
        self._renew = renew
        self._pause = timeout / 3
        self._orders: SimpleQueue[None] = SimpleQueue()
        self._ended: SimpleQueue[None] = SimpleQueue()
        self.is_at_work = False

    def start(self) -> None:
        """Renew from now on."""
        start_new_thread(self._run, ())
        self.is_at_work = True

    def stop(self) -> None:
        """Renew no more; on return nothing is under way."""
        self._orders.put(None)
        if self.is_at_work:
            self._ended.get()

    def _run(self) -> None:
        try:
            self._go_on()
        finally:
            self.is_at_work = False
            self._ended.put(None)

    def _go_on(self) -> None:
        failed = False
        while not self._is_to_stop():
            try:
                self._renew()
                failed = False
            except LockNotOwnedError as error:
                _logger.warning("renewed no more: %s", error)
                return
            except LockError as error:
                if not failed:
                    _logger.warning("not renewed: %s", error)
                failed = True

    def _is_to_stop(self) -> bool:
        """Whether it was told to while it paused."""
        with suppress(Empty):
            self._orders.get(timeout=self._pause)
            return True
        return False


class Local(threading.local):
    """What one thread knows of a lock: its last holding, which may have ended."""

    holding: Holding | None = None
    renewal: Renewal | None = None

    @property
    def token(self) -> bytes | None:
        """The id of what this thread holds, as redis-py's locks have it."""
        holding = self.holding
        return None if holding is None or holding.ended else holding.sign


class Holder(ABC):
    """What takes a lock, or several, and keeps them for the time of a `with`.

    `blocking` and `blocking_timeout`, in seconds (None: no end), are acquire's defaults. With
    `auto_renew`, a thread renews what was taken for as long as the `with` lives, until it is lost.
    Without `raise_on_release_error`, the end of a `with` that cannot give the lock back logs a
    warning instead. `sleep` is taken for redis-py's sake and does nothing: waiters are woken.
    Raises ValueError for times that cannot be and TypeError for what is no time.
    """

    def __init__(self, timeout: float | None, options: Options) -> None:
        if unknown := options.keys() - Options.__annotations__.keys():
            raise TypeError(f"a lock has no such parameter: {', '.join(sorted(unknown))}")
        self.timeout = lifetime(DEFAULT_TIMEOUT if timeout is None else timeout)
        self.blocking = options.get("blocking", True)
        self.blocking_timeout = options.get("blocking_timeout")
        self.raise_on_release_error = options.get("raise_on_release_error", True)
        self.auto_renew = options.get("auto_renew", False)
        self.local = Local()
        _patience(self.blocking_timeout)

    @abstractmethod
    def acquire(
        self,
        *,
        blocking: bool | None = None,
        blocking_timeout: float | None = None,
        sleep: float | None = None,
    ) -> bool:
        """Take it; whether we have it. None stands for what it was made with.

        It tries once and then, if `blocking`, goes on for `blocking_timeout`, in seconds, at most
        (`inf`: for ever). Raises LockError if this thread has it already, or if the lock service
        fails. Whatever is raised, nothing is kept; what cannot be given back, because the lock
        service does not answer, ends by itself within its lifetime.
        """

    @abstractmethod
    def release(self) -> None:
        """Give it back; raises LockNotOwnedError if it was not ours, or not any more."""

    @abstractmethod
    def _renewing(self) -> Callable[[], object]:
        """What renews that which this thread holds. It raises LockNotOwnedError when it is lost."""

    @property
    def _certain(self) -> float:
        """For how long it stands for certain after it was taken or renewed, in seconds."""
        return self.timeout

    @property
    @abstractmethod
    def _title(self) -> str:
        """What messages call it."""

    def _give_up_at(self, blocking: bool | None, blocking_timeout: float | None) -> float:
        blocking = self.blocking if blocking is None else blocking
        if blocking_timeout is None:
            blocking_timeout = self.blocking_timeout
        limit = _patience(blocking_timeout)
        return time.monotonic() + (limit if blocking else 0.0)

    def __enter__(self) -> Self:
        if not self.acquire():
            raise LockError(f"{self._title} was not free in time")
        if self.auto_renew:
            try:
                self.local.renewal = Renewal(self._renewing(), self._certain)
                self.local.renewal.start()
            except BaseException:
                self._end_renewal()
                self.release()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_renewal()
        try:
            self.release()
        except LockError as failure:
            if self.raise_on_release_error:
                raise
            _logger.warning("not given back: %s", failure)

    def _end_renewal(self) -> None:
        if self.local.renewal:
            self.local.renewal.stop()
        self.local.renewal = None


def lifetime(seconds: float) -> float:
    """How long a lock may live; raises ValueError for what is not above 0 and at most 1e9.

    Raises TypeError for what is no number.
    """
    if not 0 < (number := _number(seconds)) <= MAX_TIMEOUT:
        raise ValueError(f"a lock must expire, in above 0 and at most 1e9 seconds: {seconds!r}")
    return number


def _patience(seconds: float | None) -> float:
    """How long to wait: None is for ever, and what is below 0 is no time at all."""
    if seconds is None:
        return math.inf
    if math.isnan(number := _number(seconds)):
        raise ValueError("to wait for a time that is no number (nan)")
    return max(0.0, number)


def _number(seconds: float) -> float:
    if isinstance(seconds, str | bytes | bytearray):
        raise TypeError(f"a time is a number of seconds: {seconds!r}")
    try:
        return float(seconds)
    except OverflowError:  # an integer of more digits than that
        return math.inf if seconds > 0 else -math.inf
