"""Which shard has a key: the slot map against a ring, jump hash and the remainder of a division."""

import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import Any

from uhashring import HashRing

from sheaf.sharding.slot_maps import SlotMap

OURS, RING, JUMP, MODULO = "Sheaf's slot map", "uhashring, ketama", "jump hash", "mod N"
SHARDS, SEED = 16, 5

Owner = Callable[[str], Any]


def measure(keys: int, rounds: int) -> dict[str, Any]:
    """Lookups a second over 16 shards, and what becomes of the keys when there are 17."""
    names = [f"guide/page-{number}" for number in range(keys)]
    before, after = _owners(), _owners(grown=True)
    chance = random.Random(SEED)
    seconds: dict[str, list[float]] = {name: [] for name in before}
    for _ in range(rounds):
        for name in chance.sample(list(before), len(before)):
            seconds[name].append(_time(before[name], names))
    return {
        name: {
            "lookups_per_second": keys / median(taken),
            # Ours against theirs in the same round: above 1, ours is faster.
            "sheaf_is_faster_by": median(
                theirs / ours for theirs, ours in zip(taken, seconds[OURS], strict=True)
            ),
            **_growth(before[name], after[name], names),
        }
        for name, taken in seconds.items()
    }


def _time(owner: Owner, names: list[str]) -> float:
    begun = time.perf_counter()
    for name in names:
        owner(name)
    return time.perf_counter() - begun


def _growth(before: Owner, after: Owner, names: list[str]) -> dict[str, float]:
    """How many of the keys have moved, and how much more the fullest shard has than it should."""
    sizes = Counter(map(after, names))
    return {
        "moved": sum(before(name) != after(name) for name in names) / len(names),
        "fullest_to_mean": max(sizes.values()) * (SHARDS + 1) / len(names),
    }


def _owners(*, grown: bool = False) -> dict[str, Owner]:
    """How each contender finds a key's shard, of 16 or, once there is another one, of 17."""
    shards = SHARDS + grown
    ours = SlotMap.even(SHARDS)
    if grown:
        ours = ours.after(ours.moves_to(shards))
    ring = HashRing([f"shard-{number}" for number in range(shards)], hash_fn="ketama")
    return {
        OURS: ours.owner,
        RING: ring.get_node,
        JUMP: lambda name: _jump(_number(name), shards),
        MODULO: lambda name: _number(name) % shards,
    }


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _jump(key: int, shards: int) -> int:
    """Jump consistent hash (Lamping and Veach, 2014)."""
    last, following = -1, 0
    while following < shards:
        last = following
        key = (key * 2862933555777941757 + 1) % 2**64
        following = int((last + 1) * (2**31 / ((key >> 33) + 1)))
    return last
