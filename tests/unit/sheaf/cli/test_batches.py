from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sheaf.cli import batches
from sheaf.http.resolver import MAX_BODY_BYTES
from sheaf.pages.batches import MAX_BYTES, MAX_CHANGES

SIZES = st.lists(st.sampled_from([0, 1, 10_000, 300_000, batches.MAX_BYTES - 60]), max_size=8)


def changes(sizes: list[int]) -> dict[int, Mapping[str, Any]]:
    return {n: batches.creation(f"p{n}", "é" * (size // 2)) for n, size in enumerate(sizes)}


@given(SIZES)
def test_changes_are_packed_in_their_order_and_fit(sizes: list[int]) -> None:
    given = changes(sizes)
    packed = list(batches.packed(given))
    assert [item for batch in packed for item in batch.items()] == list(given.items())
    assert all(batches.fits(list(batch.values())) for batch in packed)
    for batch, after in pairwise(packed):
        assert not batches.fits([*batch.values(), next(iter(after.values()))])


def test_the_limits_are_those_of_the_api() -> None:
    """The command has none of the modules that have them."""
    assert (batches.MAX_CHANGES, batches.MAX_TEXT_BYTES) == (MAX_CHANGES, MAX_BYTES)
    # Of which Lambda takes less where quotes and line ends are many.
    assert batches.MAX_BYTES <= MAX_BODY_BYTES


def test_a_hundred_are_a_batch() -> None:
    assert [len(batch) for batch in batches.packed(changes([1] * 250))] == [100, 100, 50]


def test_the_last_byte_counts() -> None:
    free = batches.MAX_BYTES - len(batches.document([batches.creation("a", "")]))
    assert batches.fits([batches.creation("a", "x" * free)])
    assert not batches.fits([batches.creation("a", "x" * (free + 1))])
    assert not batches.fits([batches.creation("a", '"' * (free // 2 + 1))])
