"""Whatever ends a wait, nothing of it is left behind."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from traceback import walk_stack
from types import FrameType
from typing import Any

import pytest
import redis

from sheaf import redis_scripts
from sheaf.locks import Lock, LockError, Locks, MultiLock
from sheaf.locks.holdings import Holding
from sheaf.locks.redis import RedisLock
from tests.integration.sheaf.locks.conftest import NewName, TooLate, held, renewals
from tests.waiting import PATIENCE, wait_until


@contextmanager
def interrupted_once(ready: Callable[[], bool]) -> Iterator[None]:
    """The main thread gets a signal, whose handler raises TooLate, when this is so."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        raise TooLate

    def interrupt() -> None:
        wait_until(ready, "nothing to interrupt")
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handle)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(interrupt)
        try:
            with pytest.raises(TooLate):
                yield
        finally:
            signal.signal(signal.SIGUSR1, before)
        done.result()


def main_waits() -> bool:
    """Whether the main thread waits for a lock: not while it opens the connection for that."""
    frame = sys._current_frames()[threading.main_thread().ident or 0]
    steps = {each.f_code.co_qualname for each, _ in walk_stack(frame)}
    return steps >= {"_sleep", "_read"} or "Place.wait" in steps


def test_a_signal_while_waiting(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    with ThreadPoolExecutor(1) as other:
        holder = locks.lock(name, 600)
        assert other.submit(holder.acquire).result()
        waiter = locks.lock(name, 600)
        with interrupted_once(main_waits):
            waiter.acquire(blocking_timeout=PATIENCE)
        assert not waiter.lost
        other.submit(holder.release).result()
    with locks.lock(name, 600, blocking_timeout=PATIENCE / 2):
        pass


def test_a_signal_while_the_rest_of_several_is_waited_for(locks: Locks, new_name: NewName) -> None:
    names = [new_name() for _ in range(3)]
    several = MultiLock(locks, names, 600)
    last = several.names[-1]
    holder = held(locks, last, 600)
    with interrupted_once(main_waits):
        several.acquire(blocking_timeout=PATIENCE)
    for name in several.names[:-1]:
        with locks.lock(name, 600, blocking_timeout=PATIENCE / 2):
            pass
    holder.release()
    with locks.lock(last, 600, blocking_timeout=PATIENCE / 2):
        pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, LockError])
def test_any_exception_at_any_call(
    locks: Locks,
    new_name: NewName,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
) -> None:
    """Raised after each of an acquisition's steps in turn, which was done by then."""
    engine = type(locks.lock("x", 60))
    for step in ("_take", "_keep"):
        lock = locks.lock(new_name(), 600)
        with monkeypatch.context() as patch:
            patch.setattr(engine, step, _raising(getattr(engine, step), error))
            with pytest.raises(error):
                lock.acquire()
        _nothing_left(lock)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, LockError])
def test_of_several_as_well(
    locks: Locks,
    new_name: NewName,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
) -> None:
    several = MultiLock(locks, [new_name() for _ in range(3)], 600)
    for last in (1, 2, 3):
        with monkeypatch.context() as patch:
            keep, kept = type(several.locks[0])._keep, []

            def raising(lock: Lock, holding: Holding, last: int = last) -> None:
                keep(lock, holding)  # noqa: B023
                kept.append(lock)  # noqa: B023
                if len(kept) == last:  # noqa: B023
                    raise error

            patch.setattr(type(several.locks[0]), "_keep", raising)
            with pytest.raises(error):
                several.acquire()
        for lock in several.locks:
            _nothing_left(lock)


def _nothing_left(lock: Lock) -> None:
    wait_until(lambda: not lock.locked(), "it is left behind")
    assert lock.acquire()
    lock.release()


def _raising(step: Callable[..., object], error: type[BaseException]) -> Callable[..., object]:
    def done_and_raised(*arguments: object, **options: object) -> object:
        step(*arguments, **options)
        raise error

    return done_and_raised


def test_a_wake_up_is_passed_on_by_who_is_gone(client: "redis.Redis") -> None:
    """The one who was woken dies before the lock is taken: the next has it at once."""
    wait_until(lambda: _passes_on(client), "the wake-up is not passed on")
    assert RedisLock(client, "x", 600).acquire(blocking=False)


def _passes_on(client: "redis.Redis") -> bool:
    """Not if the machine stands still for as long as a wake-up lives."""
    holder, dying = (RedisLock(client, "x", 600) for _ in range(2))
    assert holder.acquire()
    if client.blpop(["wake:{x}"], 0.01):
        return False
    client.set("wait:{x}", "", px=60_000)
    holder.release()
    if not client.blpop(["wake:{x}"], 1):
        return False
    dying._abandon(dying._begin(b"dying", "dying"))  # which waits for no answer
    return client.blpop(["wake:{x}"], 1) is not None


def test_an_answer_that_was_not_waited_for_is_nobody_elses(
    client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    for number in range(20):
        with monkeypatch.context() as patch:
            patch.setattr(redis_scripts, "_read", interrupted)
            with pytest.raises(KeyboardInterrupt):
                redis_scripts.ask(client, "x", ("ECHO", f"early {number}"), PATIENCE)
        late = f"late {number}"
        assert redis_scripts.ask(client, "x", ("ECHO", late), PATIENCE) == late.encode()


def test_giving_up_leaves_nothing(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    holder = held(locks, name, 600)
    for wait in ({"blocking": False}, {"blocking_timeout": 0.05}):
        assert not locks.lock(name, 600).acquire(**wait)
    several = MultiLock(locks, [name, new_name(), new_name()], 600)
    assert not several.acquire(blocking_timeout=0.05)
    assert [lock.locked() for lock in several.locks] == [
        lock.name == name for lock in several.locks
    ]
    holder.release()
    assert several.acquire(blocking=False)


def test_a_failing_body_gives_it_back(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    makes: list[Callable[[], Lock | MultiLock]] = [
        lambda: locks.lock(name, 600, auto_renew=True),
        lambda: MultiLock(locks, [name], 600, auto_renew=True),
    ]
    for make in makes:
        with pytest.raises(ZeroDivisionError), make():
            _ = 1 / (not name)
        assert not locks.lock(name, 60).locked()
    assert renewals() == []


@pytest.mark.parametrize("several", [False, True])
def test_an_exception_at_any_line_of_a_with_lets_the_lock_end(
    locks: Locks, new_name: NewName, several: bool
) -> None:
    """Also where it would be renewed."""
    names: list[str] = []

    def use() -> None:
        names.append(name := new_name())
        make = MultiLock(locks, [name], 0.3, auto_renew=True) if several else None
        with suppress(LockError), make or locks.lock(name, 0.3, auto_renew=True):
            pass  # a busy machine may lose it

    for step in count():
        if not _interrupted_at(step, use):
            break
    assert step > 30
    wait_until(lambda: renewals() == [], "it is renewed for ever")
    for name in names:
        with locks.lock(name, 10, blocking_timeout=PATIENCE):
            pass


_CONTRACT = tuple(f"/sheaf/locks/{name}.py" for name in ("holder", "contract", "multi"))


def _interrupted_at(step: int, use: Callable[[], None]) -> bool:
    """Whether that was raised at this line, of all that are run of the contract in a call."""
    lines = count()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.endswith(_CONTRACT):
            return None
        if event == "line" and next(lines) == step:
            raise TooLate
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        use()
    except TooLate:
        return True
    finally:
        sys.settrace(before)
    return False
