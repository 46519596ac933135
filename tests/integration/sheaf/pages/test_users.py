"""Users: edits are counted once, whichever shard tells of them."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from sheaf.pages import users
from sheaf.pages.outbox import Change
from sheaf.sharding.ownership import Moved
from tests.integration.sheaf.pages.marks import put_into_slot

CHANGE = Change(1, "tea", 1, "alice")


def edits(connection: Connection, handle: str = "alice") -> int:
    found = users.find(connection, handle)
    return found.edits if found else 0


def test_a_change_is_another_ones_number_on_another_shard(connection: Connection) -> None:
    for shard in (0, 1, 0):
        users.count_edits(connection, shard, [CHANGE])
    assert edits(connection) == 2


def test_edits_of_several_people_are_added_to_each(connection: Connection) -> None:
    changes = [
        Change(number, "tea", number, "alice" if number % 3 else "bob") for number in range(9)
    ]
    users.count_edits(connection, 0, changes[:5])
    users.count_edits(connection, 0, changes)
    assert (edits(connection), edits(connection, "bob")) == (6, 3)


def test_nobody_is_a_user_without_an_edit(connection: Connection) -> None:
    assert users.find(connection, "alice") is None
    users.count_edits(connection, 0, [CHANGE])
    assert users.find(connection, "alic") is None


def test_what_was_counted_is_forgotten_after_a_while(connection: Connection) -> None:
    users.count_edits(connection, 0, [CHANGE])
    assert users.forget_counted(connection, timedelta(days=1)) == 0
    connection.execute(text("UPDATE counted_changes SET counted_at = now() - interval '25 hours'"))
    assert users.forget_counted(connection, timedelta(days=1)) == 1
    users.count_edits(connection, 0, [CHANGE])
    assert edits(connection) == 2


@pytest.mark.parametrize("state", [{"mode": "blocked"}, {"from_epoch": 2}])
def test_nothing_is_counted_where_the_slot_is_not(
    connection: Connection, state: dict[str, object]
) -> None:
    put_into_slot(connection, "alice", **state)
    with pytest.raises(Moved):
        users.count_edits(connection, 0, [CHANGE])
    assert edits(connection) == 0


@pytest.mark.parametrize("handle", ["a", "alice", "a.b-c_9", "0", "a" * 64])
def test_handles(handle: str) -> None:
    assert users.is_handle(handle)


@pytest.mark.parametrize("text", ["", "Alice", "-a", ".a", "a b", "a/b", "å", "a" * 65, "a\n"])
def test_no_handles(text: str) -> None:
    assert not users.is_handle(text)
