"""Ownership: where a slot is read and written, at the very epoch at which it changes hands."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, Select, delete, insert, select, text, update

from sheaf.database.tables import links, reader_epochs, slot_owners
from sheaf.hashing import slot
from sheaf.sharding import ownership
from sheaf.sharding.ownership import Moved
from tests.integration.sheaf.pages.marks import put_into_slot
from tests.waiting import PATIENCE, WAITING_FOR_US, wait_until

NAME, OTHER = "moving", "staying"
CHANGE = 7  # the epoch at which something changes
BEFORE, AFTER = CHANGE - 1, CHANGE + 1


@pytest.fixture(autouse=True)
def _links(connection: Connection) -> None:
    """A row of each of two slots, in a table without more columns than that takes."""
    rows = [{"source": name, "target": "x", "slot": slot(name)} for name in (NAME, OTHER)]
    connection.execute(insert(links), rows)


def follow(connection: Connection, epoch: int) -> None:
    """Go on by the slot map of this epoch."""
    connection.execution_options(map_epoch=epoch)


def listed(connection: Connection) -> list[str]:
    """What a list shows of the two rows."""
    statement = select(links.c.source).where(ownership.readable(links.c.slot))
    found = connection.execute(statement.order_by(links.c.source), ownership.epoch(connection))
    return list(found.scalars())


def may(connection: Connection, check: Any, *names: Any) -> bool:
    """Whether a check is passed."""
    try:
        check(connection, *names)
    except Moved:
        return False
    return True


def least(connection: Connection, epoch: int) -> None:
    connection.execute(update(reader_epochs).values(least=epoch))


@pytest.mark.parametrize(("epoch", "there"), [(BEFORE, False), (CHANGE, True), (AFTER, True)])
def test_a_slot_that_arrives_is_read_from_its_epoch_on(
    connection: Connection, epoch: int, there: bool
) -> None:
    put_into_slot(connection, NAME, from_epoch=CHANGE)
    follow(connection, epoch)
    assert listed(connection) == ([NAME, OTHER] if there else [OTHER])
    assert may(connection, ownership.check_readable, NAME) == there
    assert may(connection, ownership.check_readable, OTHER)


@pytest.mark.parametrize(("epoch", "there"), [(BEFORE, True), (CHANGE, False), (AFTER, False)])
def test_a_slot_that_leaves_is_read_until_its_epoch(
    connection: Connection, epoch: int, there: bool
) -> None:
    put_into_slot(connection, NAME, until_epoch=CHANGE)
    follow(connection, epoch)
    assert listed(connection) == ([NAME, OTHER] if there else [OTHER])
    assert may(connection, ownership.check_readable, NAME) == there
    assert may(connection, ownership.check_readable, OTHER)


@pytest.mark.parametrize(("epoch", "there"), [(BEFORE, False), (CHANGE, True), (AFTER, True)])
def test_a_process_with_a_map_older_than_the_least_reads_nothing(
    connection: Connection, epoch: int, there: bool
) -> None:
    least(connection, CHANGE)
    follow(connection, epoch)
    assert listed(connection) == ([NAME, OTHER] if there else [])
    assert may(connection, ownership.check_readable, NAME) == there
    assert may(connection, ownership.check_up_to_date) == there


def test_a_slot_is_seen_on_one_of_two_shards_at_each_epoch(connection: Connection) -> None:
    """Both have its rows for a while: to the one it comes as it leaves the other."""
    for epoch in (BEFORE, CHANGE, AFTER):
        follow(connection, epoch)
        put_into_slot(connection, NAME, until_epoch=CHANGE)
        on_source = NAME in listed(connection)
        put_into_slot(connection, NAME, from_epoch=CHANGE, until_epoch=None)
        on_target = NAME in listed(connection)
        assert on_source != on_target
        put_into_slot(connection, NAME, from_epoch=1)


def test_what_the_shard_never_had_is_neither_read_nor_written(connection: Connection) -> None:
    connection.execute(delete(slot_owners).where(slot_owners.c.slot == slot(NAME)))
    for check in (ownership.check_readable, ownership.check_writable):
        assert not may(connection, check, NAME)
        assert may(connection, check, OTHER)
    assert not may(connection, ownership.lock_writable, [NAME, OTHER])


@pytest.mark.parametrize(("epoch", "allowed"), [(BEFORE, False), (CHANGE, True), (AFTER, True)])
def test_a_slot_is_written_by_who_knows_that_it_is_here(
    connection: Connection, epoch: int, allowed: bool
) -> None:
    put_into_slot(connection, NAME, from_epoch=CHANGE)
    follow(connection, epoch)
    assert may(connection, ownership.check_writable, NAME) == allowed
    assert may(connection, ownership.lock_writable, [NAME, OTHER]) == allowed


@pytest.mark.parametrize("mode", ["owned", "blocked", "incoming"])
def test_only_what_is_owned_is_written_and_all_is_read(connection: Connection, mode: str) -> None:
    put_into_slot(connection, NAME, mode=mode)
    assert may(connection, ownership.check_readable, NAME)
    assert listed(connection) == [NAME, OTHER]
    assert may(connection, ownership.check_writable, NAME) == (mode == "owned")
    assert may(connection, ownership.lock_writable, [NAME, OTHER]) == (mode == "owned")
    assert may(connection, ownership.check_writable, OTHER)
    assert may(connection, ownership.lock_writable, [OTHER])


def _lock_for(strength: str, name: str) -> Select[Any]:
    """Answers the slot unless somebody's lock is in the way of this one."""
    statement = select(slot_owners.c.slot).where(slot_owners.c.slot == slot(name))
    return statement.with_for_update(read=strength == "share", skip_locked=True)


@pytest.mark.parametrize(
    "hold",
    [
        lambda connection: ownership.check_writable(connection, NAME),
        lambda connection: ownership.lock_writable(connection, [NAME]),
    ],
    ids=["by a statement", "for several names"],
)
def test_a_write_keeps_the_slot_here_and_no_other_writer_out(
    connection: Connection, beside: Connection, hold: Any
) -> None:
    hold(connection)
    assert beside.execute(_lock_for("update", NAME)).all() == []
    assert beside.execute(_lock_for("share", NAME)).all() == [(slot(NAME),)]
    assert beside.execute(_lock_for("update", OTHER)).all() == [(slot(OTHER),)]


def test_a_write_of_several_slots_takes_them_in_one_order(
    connection: Connection, beside: Connection
) -> None:
    """Of two writers that wait for each other's slots the server ends one."""
    first, last = sorted((NAME, OTHER), key=slot)
    beside.execution_options(isolation_level="READ COMMITTED")
    with beside.begin():
        put_into_slot(beside, first, mode="owned")  # a new row, behind the other in the table,
    for way in ("indexscan", "bitmapscan"):  # which is read from its beginning
        connection.execute(text(f"SET LOCAL enable_{way} = off"))
    with ThreadPoolExecutor(1) as pool:
        with beside.begin():
            assert beside.execute(_lock_for("update", first)).all()
            writer = pool.submit(ownership.lock_writable, connection, [NAME, OTHER])
            wait_until(lambda: beside.execute(text(WAITING_FOR_US)).first(), "nobody waits")
            assert beside.execute(_lock_for("update", last)).all() == [(slot(last),)]
        writer.result(PATIENCE)


def test_the_parameters_are_the_slot_and_the_epoch_that_is_followed(connection: Connection) -> None:
    follow(connection, CHANGE)
    assert ownership.epoch(connection) == {"map_epoch": CHANGE}
    assert ownership.key(connection, NAME) == {"map_epoch": CHANGE, "owned_slot": slot(NAME)}
