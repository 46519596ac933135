"""Sheaf's Redis lock against three others, and a locked write against a plain one.

    python -m bench.locks [SHARE]

starts a Redis and a PostgreSQL of its own and measures, in one run, the contenders by turns:

- pairs of acquire and release of a lock that nobody else wants, and the round trips of a pair;
- hand-offs: from the holder's call of release to the moment when a waiting process has the lock;
- what fifty waiters for one held lock have the server do, commands inside of scripts included;
- a page's write under a lock, against SELECT and versioned UPDATE with the same consequences.

The numbers go to standard output and, with what they were measured on, to
bench/results/locks.json. SHARE (1) shortens the run: 0.1 is a tenth.

The pairs, client and server, share one processor: to wake another one would take up to as long as
the rest, by what else the machine does.

Left out: a network, TLS, a cluster, and hand-offs to one of several waiters. Redis, PostgreSQL and
all contenders share one machine's processors, so the figures say little; the ratios, each of two
things measured within the same moments, say more. Pottery is made for several Redis servers and
gets one. python-redis-lock runs without its renewal and pottery and redis-py with their own
defaults, which includes how long they sleep between two looks at a lock that is taken. Sheaf's
lock is the only one that hands out fences, so its pair does more. The plain write checks two more
columns of the row than it would have to: it uses the same statement.
"""

import tempfile
from pathlib import Path
from typing import Any

from bench import lock_rounds, lock_waiting, locked_write, report
from bench.lock_peers import FLOOR, OURS, PEERS, POTTERY, REDIS_PY, connect
from bench.lock_waiting import WAITERS
from bench.report import Target
from bench.servers import servers


def main() -> None:
    """Measure, print, save."""
    with tempfile.TemporaryDirectory(prefix="sheaf-bench-") as name, servers(Path(name)) as url:
        result = measure(url, report.share())
    show(result)
    report.finish("locks", result, targets(result), __doc__)


def measure(url: str, share: float) -> dict[str, Any]:
    """Everything, with so large a share of the full run's rounds."""
    rounds = report.rounds_of(share)
    with connect(url) as client:
        server: dict[str, Any] = client.info("server")
        return {
            "redis": server["redis_version"],
            "pairs": lock_rounds.pairs(client, rounds(480), 25),
            "round_trips": lock_rounds.round_trips(client, 100),
            "handoffs": lock_rounds.handoffs(url, rounds(20), 15),
            "waiting": lock_waiting.measure(url, max(5, 20 * share)),
            "write_milliseconds": locked_write.measure(client, rounds(1500)),
        }


def targets(result: dict[str, Any]) -> list[Target]:
    """The promises of the design and what has become of them."""
    faster = {name: each["sheaf_is_faster_by"] for name, each in result["pairs"].items()}
    trips = result["round_trips"][OURS]["round_trips"]
    handoff = result["handoffs"][OURS]["p50"]
    waiting = result["waiting"][OURS]["commands_per_second"]
    write = result["write_milliseconds"]["share_of_bound"]
    return [
        Target("round trips of a pair", "2", trips, trips == 2),
        Target("pairs/s against redis-py", "≥ 1.0 ×", faster[REDIS_PY], faster[REDIS_PY] >= 1),
        Target("pairs/s against pottery", "≥ 3.5 ×", faster[POTTERY], faster[POTTERY] >= 3.5),
        Target("hand-off, p50 in ms", "≤ 3", handoff, handoff <= 3),
        Target(f"commands/s of {WAITERS} waiters", "≤ 150", waiting, waiting <= 150),
        Target("write / (1.5 SQL + 2 round trips)", "≤ 1", write, write <= 1),
    ]


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
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
        print(f"{peer.name:<20}{_counts(ran)}")
    print(f"\nwhat {WAITERS} waiters for a held lock have the server run in a second")
    for peer in PEERS:
        waiting = result["waiting"][peer.name]
        print(f"{peer.name:<20}{waiting['commands_per_second']:>8.0f}  {_counts(waiting['ran'])}")
    write = result["write_milliseconds"]
    print(
        f"\nmedian ms of a write: plain {write['plain']:.2f}, locked {write['locked']:.2f}, "
        f"with its document made and published {write['put']:.2f}; "
        f"round trip to Redis {write['ping']:.3f}\n"
    )


def _counts(ran: dict[str, float]) -> str:
    return ", ".join(f"{calls:.3g} {name}" for name, calls in ran.items())


if __name__ == "__main__":
    main()
