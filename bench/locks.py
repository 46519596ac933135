"""Sheaf's Redis lock against three others, and a locked write against a plain one.

    python -m bench.locks [SHARE]

starts a Redis and a PostgreSQL of its own and measures, in one run, the contenders by turns:

- pairs of acquire and release of a lock that nobody else wants, and the round trips of a pair;
- hand-offs: from the holder's call of release to the moment when a waiting process has the lock;
- a page's write under a lock, against SELECT and versioned UPDATE with the same consequences.

The numbers go to standard output and, with what they were measured on, to
bench/results/locks.json. SHARE (1) shortens the run: 0.1 is a tenth.

Left out: a network, TLS, a cluster, and contention by more than one waiter. Redis, PostgreSQL and
all contenders share one machine's processors, so the figures say little; the ratios, each of two
things measured within the same moments, say more. Pottery is made for several Redis servers and
gets one. python-redis-lock runs without its renewal and pottery and redis-py with their own
defaults, which includes how long they sleep between two looks at a lock that is taken. Sheaf's
lock is the only one that hands out fences, so its pair does more. The plain write checks two more
columns of the row than it would have to: it uses the same statement.
"""

import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import lock_rounds, locked_write
from bench.lock_peers import FLOOR, OURS, PEERS, POTTERY, REDIS_PY, connect
from local import services
from sheaf.storage import migrate, shards

RESULTS = Path(__file__).parent / "results" / "locks.json"


@dataclass(frozen=True)
class Target:
    """What was to be reached, and what was."""

    what: str
    wanted: str
    reached: float
    held: bool


def main() -> None:
    """Measure, print, save."""
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    with tempfile.TemporaryDirectory(prefix="sheaf-bench-") as name, servers(Path(name)) as url:
        result = measure(url, share)
    found = targets(result)
    show(result, found)
    save(result, found)


@contextmanager
def servers(place: Path) -> Iterator[str]:
    """Run Redis and PostgreSQL, set up for the functions; yields the address of Redis."""
    with services.postgres(place) as database, services.redis(place) as cache:
        os.environ["SHEAF_DATABASE_URLS"] = database.url
        os.environ["SHEAF_CACHE_URL"] = cache.url
        migrate.upgrade(shards.home())
        yield cache.url
        shards.home().dispose()


def measure(url: str, share: float) -> dict[str, Any]:
    """Everything, with so large a share of the full run's rounds."""

    def rounds(full: int) -> int:
        return max(2, round(full * share))

    with connect(url) as client:
        server: dict[str, Any] = client.info("server")
        return {
            "redis": server["redis_version"],
            "pairs": lock_rounds.pairs(client, rounds(480), 25),
            "round_trips": lock_rounds.round_trips(client, 100),
            "handoffs": lock_rounds.handoffs(url, rounds(20), 15),
            "write_milliseconds": locked_write.measure(client, rounds(1500)),
        }


def targets(result: dict[str, Any]) -> list[Target]:
    """The promises of the design and what has become of them."""
    faster = {name: each["sheaf_is_faster_by"] for name, each in result["pairs"].items()}
    trips = result["round_trips"][OURS]["round_trips"]
    handoff = result["handoffs"][OURS]["p50"]
    write = result["write_milliseconds"]["share_of_bound"]
    return [
        Target("round trips of a pair", "2", trips, trips == 2),
        Target("pairs/s against redis-py", "≥ 1.0 ×", faster[REDIS_PY], faster[REDIS_PY] >= 1),
        Target("pairs/s against pottery", "≥ 3.5 ×", faster[POTTERY], faster[POTTERY] >= 3.5),
        Target("hand-off, p50 in ms", "≤ 3", handoff, handoff <= 3),
        Target("write / (1.5 SQL + 2 round trips)", "≤ 1", write, write <= 1),
    ]


def show(result: dict[str, Any], found: list[Target]) -> None:
    """Print the tables and what they do not say."""
    heads = ("pairs/s", "Sheaf/it", "round trips", "hand-off p50 ms", "p99 ms")
    print(f"{'':<20}" + "".join(f"{head:>{len(head) + 2}}" for head in heads))
    for peer in PEERS:
        pair, handoff = result["pairs"][peer.name], result["handoffs"][peer.name]
        trips = result["round_trips"][peer.name]["round_trips"]
        print(
            f"{peer.name:<20}{pair['pairs_per_second']:>9.0f}{pair['sheaf_is_faster_by']:>9.2f}×"
            f"{trips:>13.1f}{handoff['p50']:>17.2f}{handoff['p99']:>8.1f}"
        )
    floor = result["pairs"][FLOOR.name]
    speed, ratio = floor["pairs_per_second"], floor["sheaf_is_faster_by"]
    print(f"{FLOOR.name:<20}{speed:>9.0f}{ratio:>9.2f}×{2:>13.1f}  (no lock at all)")
    print("\nwhat the server ran for a pair, commands inside of scripts included")
    for peer in PEERS:
        ran = result["round_trips"][peer.name]["commandstats"]
        print(f"{peer.name:<20}" + ", ".join(f"{calls:g} {name}" for name, calls in ran.items()))
    write = result["write_milliseconds"]
    print(
        f"\nmedian ms of a write: plain {write['plain']:.2f}, locked {write['locked']:.2f}, "
        f"with its document made and published {write['put']:.2f}; "
        f"round trip to Redis {write['ping']:.3f}\n"
    )
    for target in found:
        held = "held" if target.held else "MISSED"
        print(f"{target.what:<36}{target.wanted:>8}{target.reached:>8.2f}  {held}")
    print(f"load of the machine in the last minute: {os.getloadavg()[0]:.1f}")
    _, left_out, rest = (__doc__ or "").rpartition("Left out")
    print(f"\n{left_out}{rest}")


def save(result: dict[str, Any], found: list[Target]) -> None:
    """Keep the numbers with what they were measured on."""
    RESULTS.parent.mkdir(exist_ok=True)
    about = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "load": [round(load, 1) for load in os.getloadavg()],
    }
    held = {target.what: target.held for target in found}
    RESULTS.write_text(json.dumps({**about, **result, "targets": held}, indent=2) + "\n")


if __name__ == "__main__":
    main()
