"""What the databases tell of batches: which are in doubt, and how the newest ended."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID

from sheaf.database.outages import Unavailable
from sheaf.settings import current
from sheaf.sharding import two_phase
from sheaf.sharding.two_phase import Decision, InDoubt

_MOST = 50
_NOT_YET = "not yet"
_UNKNOWN = "unknown"


def report() -> Iterator[str]:
    """The lines of it. A database that does not answer is one of them."""
    left: list[InDoubt] = []
    for number in range(len(current().database_urls)):
        try:
            left += two_phase.in_doubt(number)
        except Unavailable as failure:
            yield f"shard {number} cannot be asked: {failure}"
    yield from _in_doubt(left)
    yield ""
    try:
        yield from _newest(two_phase.newest_decisions(_MOST))
    except Unavailable:
        yield "what was decided is in shard 0"


def _in_doubt(left: list[InDoubt]) -> Iterator[str]:
    if not left:
        yield "no batch is in doubt"
        return
    decided = _decided({part.batch for part in left})
    rows = [
        (str(part.batch), str(part.shard), f"{part.seconds:.0f} s", decided[part.batch])
        for part in left
    ]
    yield from _table(("IN DOUBT", "SHARD", "AGE", "DECIDED"), rows)


def _decided(wanted: set[UUID]) -> Mapping[UUID, str]:
    try:
        found = two_phase.decisions_on(wanted)
    except Unavailable:
        return dict.fromkeys(wanted, _UNKNOWN)
    return {batch: _outcome(found[batch]) if batch in found else _NOT_YET for batch in wanted}


def _newest(newest: list[Decision]) -> Iterator[str]:
    if not newest:
        yield "no batch was decided lately"
        return
    rows = [
        (
            *(str(one.batch), _outcome(one), ", ".join(map(str, one.shards)) or "-"),
            *(_time(one.created_at), _time(one.ended_at) if one.ended_at else _NOT_YET),
        )
        for one in newest
    ]
    yield from _table(("BATCH", "DECIDED", "PREPARED BY", "AT (UTC)", "SEEN ENDED"), rows)


def _outcome(decision: Decision) -> str:
    return "committed" if decision.committed else "aborted"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()
