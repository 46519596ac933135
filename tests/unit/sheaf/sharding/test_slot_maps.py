"""Slot maps: even, and changed by as few moves as possible."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.hashing import SLOTS, slot
from sheaf.sharding.slot_maps import SlotMap


@pytest.mark.parametrize("shards", [1, 2, 3, 5, 16, 17, 255])
def test_an_even_map_is_even(shards: int) -> None:
    sizes = Counter(SlotMap.even(shards).owners)
    assert set(sizes) == set(range(shards))
    assert max(sizes.values()) - min(sizes.values()) <= 1


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_any_change_is_even_and_moves_no_more_than_it_must(steps: list[int]) -> None:
    current = SlotMap.even(steps[0])
    for shards in steps[1:]:
        moves = current.moves_to(shards)
        changed = current.after(moves)
        sizes = Counter(changed.owners)
        assert set(sizes) == set(range(shards))
        assert max(sizes.values()) - min(sizes.values()) <= 1
        assert len(moves) == _least(current, shards)
        assert all(current.owners[move.slot] == move.source != move.target for move in moves)
        assert changed.epoch == current.epoch + 1
        current = changed


def _least(current: SlotMap, shards: int) -> int:
    """Every shard with more than its share must give the rest; nobody else need give any."""
    sizes = sorted((current.owners.count(shard) for shard in range(shards)), reverse=True)
    size, odd = divmod(SLOTS, shards)
    kept = sum(min(have, size + (place < odd)) for place, have in enumerate(sizes))
    return SLOTS - kept


def test_one_more_of_sixteen_moves_a_seventeenth() -> None:
    current = SlotMap.even(16)
    moves = current.moves_to(17)
    assert {move.target for move in moves} == {16}
    assert len(moves) / SLOTS == pytest.approx(1 / 17, abs=0.001)


def test_a_plan_is_the_same_for_everybody() -> None:
    assert SlotMap.even(3).moves_to(5) == SlotMap.even(3).moves_to(5)


def test_there_and_back_moves_the_same_number() -> None:
    two = SlotMap.even(2)
    three = two.after(two.moves_to(3))
    assert len(three.moves_to(2)) == len(two.moves_to(3))


def test_names_are_owned_by_their_slots_owner() -> None:
    found = SlotMap.even(4)
    assert found.owner("guide/start") == found.owners[slot("guide/start")]


def test_a_map_has_all_slots() -> None:
    with pytest.raises(ValueError, match="4096"):
        SlotMap(1, b"\0" * 100)
