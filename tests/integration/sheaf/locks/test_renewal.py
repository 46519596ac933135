"""A lock that is renewed while its `with` lives, and no longer."""

import logging
import time
from contextlib import suppress
from functools import partial

import pytest

from sheaf.locks import Lock, LockError, LockNotOwnedError, Locks, MultiLock
from sheaf.locks.holder import Renewal
from tests.integration.sheaf.locks.conftest import NewName, renewals, stays_taken
from tests.waiting import PATIENCE, wait_until


def test_it_outlives_its_time(locks: Locks, new_name: NewName) -> None:
    names = [new_name(), new_name()]
    other = locks.lock(names[0], 60)
    for lock in (
        locks.lock(names[0], 1, auto_renew=True),
        MultiLock(locks, names, 1, auto_renew=True),
    ):
        wait_until(partial(_outlives, lock, other), "it ends")
        assert renewals() == []
        assert not other.locked()


def _outlives(lock: Lock | MultiLock, other: Lock) -> bool:
    """Not if the machine stands still for longer than the lock lives."""
    with suppress(LockNotOwnedError), lock:
        begun = time.monotonic()
        taken = stays_taken(other) and time.monotonic() - begun > 2
        return taken and lock.owned() and not lock.lost
    return False


def test_it_ends_when_the_lock_is_lost_and_takes_nothing_back(
    locks: Locks, new_name: NewName, caplog: pytest.LogCaptureFixture
) -> None:
    lock, other = locks.lock(name := new_name(), 1.5, auto_renew=True), locks.lock(name, 60)
    lock.__enter__()
    lock._held().deadline = 0  # as if the process had stood still
    wait_until(lambda: renewals() == [], "it is renewed")
    assert lock.lost
    assert other.acquire(blocking_timeout=PATIENCE)
    with pytest.raises(LockNotOwnedError):
        lock.__exit__(None, None, None)
    assert other.owned()
    messages = [record.message for record in caplog.records if "renewed" in record.message]
    assert messages == [f"renewed no more: {name} expired, or was taken away"]


def test_it_ends_with_the_lock_object(locks: Locks, new_name: NewName) -> None:
    """The end of a `with` may have been interrupted before it came to that."""
    name = new_name()
    locks.lock(name, 1.5, auto_renew=True).__enter__()
    wait_until(lambda: renewals() == [], "it is renewed")
    assert locks.lock(name, 60).acquire(blocking_timeout=PATIENCE)


def test_it_makes_no_time_shorter(locks: Locks, new_name: NewName) -> None:
    with locks.lock(new_name(), 4, auto_renew=True) as lock:
        lock.extend(5)
        until = lock.deadline
        lock._renewing()()
        assert lock.deadline > until - 0.1


def test_what_is_not_renewed_expires(locks: Locks, new_name: NewName) -> None:
    lock = locks.lock(new_name(), 0.1)
    lock.__enter__()
    assert renewals() == []
    assert locks.lock(lock.name, 60).acquire(blocking_timeout=PATIENCE)
    with pytest.raises(LockNotOwnedError):
        lock.__exit__(None, None, None)


def test_an_outage_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed: list[int] = []

    def renew() -> None:
        failed.append(1)
        raise LockError("nobody answers")

    renewal = Renewal(renew, 0.03)
    renewal.start()
    wait_until(lambda: len(failed) > 3, "it is not tried again")
    renewal.stop()
    assert [record.message for record in caplog.records] == ["not renewed: nobody answers"]
    assert renewals() == []


def test_without_raise_on_release_error_a_warning_is_logged(
    locks: Locks, new_name: NewName, caplog: pytest.LogCaptureFixture
) -> None:
    name = new_name()
    with caplog.at_level(logging.WARNING), locks.lock(name, 60, raise_on_release_error=False) as it:
        it.release()
    assert [record.message for record in caplog.records] == [
        f"not given back: {name} was given back before"
    ]
