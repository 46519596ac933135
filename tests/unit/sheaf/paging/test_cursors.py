"""Cursors: what they hold comes back as it was, and nothing else is taken for one."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, DateTime, Double, Text, Uuid, column

from sheaf.paging import MAX_CURSOR, BadCursor, Cursors, Keyset, Position, UnknownKey, asc, desc

AT = asc(column("at", DateTime(timezone=True)))
SCORE = desc(column("score", Double))
NAME = asc(column("name", Text))
TAG = asc(column("tag", Uuid))
ID = asc(column("id", BigInteger))
EVERY_TYPE = Keyset((AT, SCORE, NAME, TAG, ID))
BY_ID = Keyset((ID,))

ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
KEYS = st.tuples(
    st.datetimes(timezones=ZONES),
    st.floats(allow_nan=False),
    st.text(),
    st.uuids(),
    st.integers(),
)
SECRETS = {1: b"old", 2: b"new"}
CURSORS = Cursors(SECRETS, "things")
THIRD = Position((3,), backward=False)


@given(key=KEYS, backward=st.booleans())
def test_a_position_comes_back_as_it_was(key: tuple[Any, ...], backward: bool) -> None:
    position = Position(key, backward)
    found = CURSORS.decode(CURSORS.encode(position, EVERY_TYPE), EVERY_TYPE)
    assert found == position
    assert [type(value) for value in found.key or ()] == [datetime, float, str, UUID, int]


@pytest.mark.parametrize("backward", [False, True])
def test_so_do_the_ends_of_a_list(backward: bool) -> None:
    position = Position(None, backward)
    assert CURSORS.decode(CURSORS.encode(position, BY_ID), BY_ID) == position


def test_a_cursor_that_was_given_out_stays_good() -> None:
    given_out = "xxY7IF4cSA3jomb3ZnJqAgAAAAAAAAABW2ZhbHNlLFszXV0"  # by version 0.1.0
    found = Cursors({1: bytes(32)}, "things", {"tag": "a"})
    assert found.decode(given_out, BY_ID) == THIRD


@given(
    st.text(max_size=200) | st.binary(max_size=200).map(base64.urlsafe_b64encode).map(bytes.decode)
)
def test_no_text_is_a_cursor_by_chance(text: str) -> None:
    with pytest.raises(BadCursor):
        CURSORS.decode(text, BY_ID)


@given(st.data())
def test_a_cursor_with_any_other_character_is_refused(data: st.DataObject) -> None:
    cursor = CURSORS.encode(THIRD, BY_ID)
    place = data.draw(st.integers(0, len(cursor)))
    end = data.draw(st.integers(place, len(cursor)))
    changed = cursor[:place] + data.draw(st.text(max_size=5)) + cursor[end:]
    if changed != cursor:
        with pytest.raises(BadCursor):
            CURSORS.decode(changed, BY_ID)


def test_a_cursor_has_one_spelling() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for number in (1, 12, 123):  # of each length that base64 treats in its own way
        cursor = CURSORS.encode(Position((number,), backward=False), BY_ID)
        other_ends = {cursor[:-1] + letter for letter in alphabet} - {cursor}
        for other in (*other_ends, cursor + "=", f"{cursor}\n", f" {cursor}"):
            with pytest.raises(BadCursor):
                CURSORS.decode(other, BY_ID)


@pytest.mark.parametrize("garbage", ["", "=", "A", "ä", "\ud800", "[" * 100_000, "A" * 100_000])
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(BadCursor):
        CURSORS.decode(garbage, BY_ID)


LISTS = st.builds(
    Cursors,
    st.just(SECRETS),
    st.sampled_from(["things", "people"]),
    st.dictionaries(st.sampled_from(["tag", "author"]), st.sampled_from(["", "a", "b"])),
)
ORDERS = st.sampled_from(
    [
        BY_ID,
        Keyset((desc(ID.column),)),
        Keyset((asc(column("id", Text)),)),
        Keyset((asc(column("number", BigInteger)),)),
        Keyset((ID, AT)),
    ]
)


@given(first=LISTS, second=LISTS, order=ORDERS, other_order=ORDERS)
def test_a_cursor_is_good_for_its_own_list_only(
    first: Cursors, second: Cursors, order: Keyset, other_order: Keyset
) -> None:
    key = (3, datetime(2026, 1, 1, tzinfo=UTC))[: len(order)]
    cursor = first.encode(Position(key, backward=False), order)
    if (first, str(order)) == (second, str(other_order)):
        second.decode(cursor, other_order)
    else:
        with pytest.raises(BadCursor):
            second.decode(cursor, other_order)


def test_filters_are_the_same_in_any_order_and_of_any_type() -> None:
    filters = {"tag": "a", "since": datetime(2026, 1, 1, tzinfo=UTC)}
    first = Cursors(SECRETS, "things", filters)
    second = Cursors(SECRETS, "things", dict(reversed(filters.items())))
    assert second.decode(first.encode(THIRD, BY_ID), BY_ID) == THIRD


def test_a_signature_is_of_128_bits() -> None:
    """Nobody finds one by trying."""
    cursor = CURSORS.encode(THIRD, BY_ID)
    data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    signature, key, position = data[:16], data[16:24], data[24:]
    assert (int.from_bytes(key), position) == (2, b"[false,[3]]")
    for place in range(16):
        other = bytes(byte ^ (number == place) for number, byte in enumerate(signature))
        forged = base64.urlsafe_b64encode(other + key + position).rstrip(b"=").decode()
        with pytest.raises(BadCursor, match="another list"):
            CURSORS.decode(forged, BY_ID)


def test_the_newest_key_signs_and_all_verify() -> None:
    old, new = Cursors({1: b"old"}, "things"), Cursors({2: b"new"}, "things")
    assert CURSORS.decode(old.encode(THIRD, BY_ID), BY_ID) == THIRD
    assert new.decode(CURSORS.encode(THIRD, BY_ID), BY_ID) == THIRD


def test_what_a_retired_key_signed_is_refused() -> None:
    cursor = Cursors({1: b"old"}, "things").encode(THIRD, BY_ID)
    with pytest.raises(UnknownKey):
        Cursors({2: b"new"}, "things").decode(cursor, BY_ID)
    with pytest.raises(BadCursor):
        Cursors({1: b"another"}, "things").decode(cursor, BY_ID)


def test_null_has_no_place_in_a_list() -> None:
    with pytest.raises(ValueError, match="NULL"):
        CURSORS.encode(Position((None,), backward=False), BY_ID)


BY_NAME = Keyset((NAME, asc(column("slug", Text))))


@given(name=st.text(max_size=300), slug=st.text(max_size=300))
def test_whatever_is_made_is_taken(name: str, slug: str) -> None:
    """Texts are written as they are: not one character of them takes more than its bytes."""
    position = Position((name, slug), backward=False)
    cursor = CURSORS.encode(position, BY_NAME)
    assert len(cursor) <= MAX_CURSOR
    assert CURSORS.decode(cursor, BY_NAME) == position
    escapes = sum(map((name + slug).count, map(chr, (*range(0x20), 0x22, 0x5C))))
    size = len((name + slug).encode()) + 5 * escapes
    assert len(cursor) <= (size + len('[false,["",""]]') + 16 + 8) * 4 / 3 + 1


def test_what_would_be_refused_is_not_made() -> None:
    longest = Position(("\U00020000" * 550,), backward=False)
    name = Keyset((NAME,))
    assert CURSORS.decode(CURSORS.encode(longest, name), name) == longest
    with pytest.raises(ValueError, match="too long"):
        CURSORS.encode(Position(("\U00020000" * 560,), backward=False), name)
    with pytest.raises(BadCursor):
        CURSORS.decode("A" * (MAX_CURSOR + 1), name)


def test_a_cursor_with_escaped_letters_stays_good() -> None:
    """As they were made by version 0.1.0."""
    name = Keyset((NAME,))
    message = (1).to_bytes(8) + rb'[false,["\u540d\ud83d\ude00"]]'
    cursors = Cursors({1: bytes(32)}, "things")
    signed = cursors._signature(bytes(32), name, message) + message
    cursor = base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
    assert cursors.decode(cursor, name) == Position(("名😀",), backward=False)
