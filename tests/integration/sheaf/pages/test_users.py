"""Users: edits are counted once, whichever shard tells of them."""

from sqlalchemy import Connection

from sheaf.pages import users
from sheaf.pages.outbox import Change


def test_a_change_is_another_ones_number_on_another_shard(connection: Connection) -> None:
    change = Change(1, "tea", 1, "alice")
    for shard in (0, 1, 0):
        users.count_edits(connection, shard, [change])
    found = users.find(connection, "alice")
    assert found
    assert found.edits == 2
