"""The outbox: changes wait in their order until they were seen to."""

import pytest
from sqlalchemy import Connection, insert, text

from sheaf.database import tables
from sheaf.hashing import slot
from sheaf.pages import outbox


def put(connection: Connection, *slugs: str) -> None:
    rows = [
        {"slot": slot(slug), "slug": slug, "version": number, "author": "alice"}
        for number, slug in enumerate(slugs, 1)
    ]
    connection.execute(insert(tables.outbox), rows)


def test_changes_come_in_their_order_the_oldest_first(connection: Connection) -> None:
    put(connection, "tea", "coffee", "tea")
    changes = outbox.oldest(connection, 2)
    assert [(change.slug, change.version) for change in changes] == [("tea", 1), ("coffee", 2)]
    assert outbox.oldest(connection, 2) == changes
    assert {change.author for change in changes} == {"alice"}


def test_what_was_seen_to_goes_and_the_rest_stays(connection: Connection) -> None:
    put(connection, "tea", "coffee", "tea")
    changes = outbox.oldest(connection, 2)
    for _ in range(2):  # somebody else may have done so
        outbox.remove(connection, changes)
    (left,) = outbox.oldest(connection, 10)
    assert left.version == 3


def test_its_age_is_that_of_the_oldest_change(connection: Connection) -> None:
    assert outbox.age(connection) == 0
    put(connection, "tea", "coffee")
    connection.execute(
        text("UPDATE outbox SET created_at = now() - interval '1 hour' WHERE slug = 'tea'")
    )
    assert outbox.age(connection) == pytest.approx(3600, abs=600)
    outbox.remove(connection, outbox.oldest(connection, 1))
    assert outbox.age(connection) < 600
