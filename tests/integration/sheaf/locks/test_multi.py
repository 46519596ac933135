"""Several locks at once: all or none, in one order, on each engine."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from sheaf.locks import Lock, LockError, LockNotOwnedError, Locks, MultiLock
from tests.integration.sheaf.locks.conftest import NewName, held
from tests.waiting import PATIENCE


def test_each_name_once_and_in_one_order(locks: Locks, new_name: NewName) -> None:
    names = [new_name() for _ in range(4)]
    orders = {MultiLock(locks, order, 10).names for order in (names, names[::-1], names * 2)}
    assert [sorted(order) for order in orders] == [sorted(names)]


def test_all_or_none(locks: Locks, new_name: NewName) -> None:
    names = [new_name() for _ in range(4)]
    for taken in names:
        holder = held(locks, taken)
        assert not MultiLock(locks, names, 10).acquire(blocking=False)
        assert [locks.lock(name, 1).locked() for name in names] == [name == taken for name in names]
        holder.release()
    with MultiLock(locks, names, 10) as many:
        assert all(locks.lock(name, 1).locked() for name in names)
        assert all(many.fence(name) > 0 for name in names)
        assert many.remaining() > 0
    assert not any(locks.lock(name, 1).locked() for name in names)


def test_one_deadline_for_all(locks: Locks, new_name: NewName) -> None:
    names = [new_name() for _ in range(20)]
    for name in names:
        held(locks, name, 60)
    started = time.monotonic()
    assert not MultiLock(locks, names, 10).acquire(blocking_timeout=0.5)
    assert 0.5 <= time.monotonic() - started < 5  # one after the other they would take 10


def test_losing_one_is_losing_all(locks: Locks, new_name: NewName) -> None:
    names = [new_name(), new_name()]
    many = MultiLock(locks, names, 0.5)
    assert many.acquire(blocking=False)
    thief = locks.lock(names[1], 10)
    assert thief.acquire(blocking_timeout=PATIENCE)
    assert many.lost
    with pytest.raises(LockNotOwnedError):
        many.release()
    assert thief.owned()


def test_the_shortest_time_is_that_of_all(locks: Locks, new_name: NewName) -> None:
    many = MultiLock(locks, [new_name(), new_name()], 5)
    assert many.acquire(blocking=False)
    many.locks[0].extend(4.9)
    assert many.remaining() <= 5


def test_none_is_kept_if_the_service_fails(
    locks: Locks, new_name: NewName, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = MultiLock(locks, [new_name() for _ in range(4)], 10)
    acquire = locks.acquire_batch

    def fail_last(batch: list[Lock], give_up_at: float) -> bool:
        if batch[-1].name == many.names[-1]:
            raise LockError("no answer")
        return acquire(batch, give_up_at)

    monkeypatch.setattr(locks, "acquire_batch", fail_last)
    with pytest.raises(LockError, match="no answer"):
        many.acquire()
    assert not any(locks.lock(name, 1).locked() for name in many.names)


def test_opposite_orders_never_deadlock(locks: Locks, new_name: NewName) -> None:
    one, two = new_name(), new_name()

    def work(names: list[str]) -> None:
        for _ in range(25):
            with MultiLock(locks, names, 10, blocking_timeout=PATIENCE):
                pass

    _in_threads(lambda: work([one, two]), lambda: work([two, one]))


def test_without_the_order_they_do(locks: Locks, new_name: NewName) -> None:
    one, two = new_name(), new_name()
    both_hold_one = threading.Barrier(2)
    got: list[bool] = []

    def work(first: str, second: str) -> None:
        with locks.lock(first, 60):
            both_hold_one.wait(PATIENCE)
            got.append(locks.lock(second, 10).acquire(blocking_timeout=0.3))
            both_hold_one.wait(PATIENCE)

    _in_threads(lambda: work(one, two), lambda: work(two, one))
    assert got == [False, False]


def test_there_is_a_name_to_lock(locks: Locks) -> None:
    with pytest.raises(ValueError, match="no names"):
        MultiLock(locks, [], 10)


def test_other_names_are_not_among_them(locks: Locks, new_name: NewName) -> None:
    name = new_name()
    with MultiLock(locks, [name], 10) as many:
        assert many.token(name) == many.locks[0].token
        for ask in (many.fence, many.token):
            with pytest.raises(KeyError, match="nothing"):
                ask("nothing")


def test_what_is_not_free_in_time_is_an_error(locks: Locks, new_name: NewName) -> None:
    names = [new_name(), new_name()]
    held(locks, names[0])
    with (
        pytest.raises(LockError, match="not free in time"),
        MultiLock(locks, names, 10, blocking=False),
    ):
        raise AssertionError("one of them is held by somebody else")
    assert not locks.lock(names[1], 1).locked()


def test_what_is_not_held_cannot_be_given_back(locks: Locks, new_name: NewName) -> None:
    many = MultiLock(locks, [new_name()], 10)
    with pytest.raises(LockNotOwnedError, match="none of the locks"):
        many.release()


def test_losing_one_keeps_no_other_from_being_given_back(locks: Locks, new_name: NewName) -> None:
    many = MultiLock(locks, [new_name() for _ in range(3)], 10)
    assert many.acquire(blocking=False)
    many.locks[0].release()
    held(locks, many.names[0])
    many.locks[1].release()
    many.release()
    assert [locks.lock(name, 1).locked() for name in many.names] == [True, False, False]


def _in_threads(*tasks: Callable[[], None]) -> None:
    with ThreadPoolExecutor(len(tasks)) as pool:
        for done in [pool.submit(task) for task in tasks]:
            done.result(PATIENCE)
