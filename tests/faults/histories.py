"""What clients did and were told, and the same as Elle's checkers read it.

Elle (by way of elle-cli) takes a history as EDN: a map on each line, one for the beginning of an
operation and one for its end. A page is a register there, and a save a transaction that reads the
text that it replaces and writes its own.
"""

import itertools
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

# Ways to read: a page by its address alone; with If-None-Match or `?v=`, by which a client says
# what it knows of; as a browser reloads; by the API; as a part of a list or of what a search finds.
PLAIN, TAGGED, VERSIONED, RELOADED = "plain", "tagged", "versioned", "reloaded"
PAGE, LIST, SEARCH = "page", "list", "search"
SAVE = "save"
# These ask the database, each time.
AT_ONCE = (PAGE, LIST, SEARCH)
WAYS = (PLAIN, TAGGED, VERSIONED, RELOADED, *AT_ONCE)
# What a process says of itself with its answer: it could not reach Redis a moment ago; it had no
# database to ask and took what it remembered; it has warned of something that did not work.
REDIS_OUT, DATABASE_OUT, WARNED = "redis-out", "database-out", "warned"

_CLIENTS = 10_000  # more than there are


@dataclass(frozen=True)
class Operation:
    """One page of one request of a client, who makes one after the other.

    `begun` and `ended` are by time.monotonic(), in seconds. The outcome is ok, fail (nothing was
    stored, or seen) or info (nobody knows). `version` and `mark` are the page's as it was shown or
    saved, 0 and "" if there is none; `known` is the version that the client has told of, `replaced`
    the mark of the text that a save replaces. `notes` are what the process said of itself.
    """

    client: int
    way: str
    slug: str
    begun: float
    ended: float
    outcome: str
    version: int = 0
    mark: str = ""
    known: int = 0
    replaced: str = ""
    reason: str = ""
    notes: frozenset[str] = frozenset()


class History:
    """The operations of all clients; each ends before the client's next one begins."""

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._guard = threading.Lock()

    def add(self, operations: Iterable[Operation]) -> None:
        """Add what a client has done."""
        with self._guard:
            self._operations.extend(operations)

    def operations(self) -> list[Operation]:
        """What was done so far, in the order in which it ended."""
        with self._guard:
            return list(self._operations)


def edn(operations: Iterable[Operation], ways: Iterable[str] = (SAVE, *AT_ONCE)) -> Iterator[str]:
    """Lines for `elle-cli --model rw-register`, of what was done in these ways.

    Those that ask the database are strictly serializable together. Each text is a number, nil is
    that there is none. Times are in nanoseconds. As Jepsen has it, a process of which an operation
    has no known end is no more, and its client goes on as another one.
    """
    numbers: dict[str, int] = defaultdict(itertools.count(1).__next__)
    events: list[_Event] = []
    for transaction in _transactions(each for each in operations if each.way in ways):
        first = transaction[0]
        known = first.outcome == "ok"
        asked, found = (_values(transaction, numbers, shown) for shown in (False, known))
        events.append(_Event(first.begun, first.client, "invoke", asked))
        events.append(_Event(first.ended, first.client, first.outcome, found))
    yield from _lines(sorted(events, key=lambda event: event.time))


class _Event(NamedTuple):
    time: float
    client: int
    kind: str
    values: str


def _transactions(operations: Iterable[Operation]) -> list[list[Operation]]:
    """The pages of one request are one transaction."""
    requests: dict[tuple[int, float], list[Operation]] = defaultdict(list)
    for operation in operations:
        requests[operation.client, operation.begun].append(operation)
    return list(requests.values())


def _values(transaction: list[Operation], numbers: dict[str, int], known: bool) -> str:
    """The micro-operations; what reads have found is not known before their end."""
    parts = []
    for each in transaction:
        found = each.replaced if each.way == SAVE else each.mark if known else ""
        parts.append(f"[:r :{each.slug} {numbers[found] if found else 'nil'}]")
        if each.way == SAVE:
            parts.append(f"[:w :{each.slug} {numbers[each.mark]}]")
    return f"[{' '.join(parts)}]"


def _lines(events: Iterable[_Event]) -> Iterator[str]:
    lives: dict[int, int] = defaultdict(int)
    for index, event in enumerate(events):
        process = event.client + _CLIENTS * lives[event.client]
        lives[event.client] += event.kind == "info"
        yield (
            f"{{:type :{event.kind}, :f :txn, :value {event.values}, :process {process},"
            f" :time {round(event.time * 1e9)}, :index {index}}}"
        )
