"""What readers may be shown while anything fails: pure functions that list what they may not.

Which rule holds for which way to read:

- The API's page, lists and search ask the database: what was acknowledged, or shown in one of
  these ways, before they began, is the least that they show.
- `?v=` and If-None-Match: nothing less than the version that is named. Such a client names the
  newest one that it has seen or saved, so what it is shown never goes back.
- All ways to a page's address: what was acknowledged is shown after `Bounds.flood`, for so long a
  process may answer from its memory. `?v=` does not take that way, so for it this is at once.
- If the process that answers could not reach Redis a moment ago: after `Bounds.outage`.
- If it could reach no database either, or Redis did not have the page, it shows whatever it
  remembers. If Redis has had the page all the time, the bounds above hold all the same.
- A save whose process warned may not have been published: the bounds count from the end of the
  first run of upkeep that began after it. One that was published, by writer or upkeep, to a Redis
  that was replaced a moment later by a replica without it, is shown when entries are made again.

Whoever asks for a page without a word on what he knows may be shown an older one than before,
within these bounds.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import inf

from tests.faults.histories import (
    AT_ONCE,
    DATABASE_OUT,
    REDIS_OUT,
    SAVE,
    TAGGED,
    VERSIONED,
    WARNED,
    Operation,
)

Span = tuple[float, float]
# Clients that say what they know, or ask where it cannot be otherwise.
_NEVER_BACK = (*AT_ONCE, TAGGED, VERSIONED)


@dataclass(frozen=True)
class Bounds:
    """How old a page may be, in seconds, as docs/architecture.md has it.

    `failover`: an entry is made again after so long, however it came to be. `lock`: for so long a
    writer can prove that what it publishes is the newest.
    """

    flood: float = 1.0
    outage: float = 10.0
    failover: float = 300.0
    lock: float = 10.0


@dataclass(frozen=True)
class Incidents:
    """What happened behind the site: when upkeep went well, Redis was replaced, and emptied."""

    upkeep: Sequence[Span] = ()
    failovers: Sequence[Span] = ()
    emptied: Sequence[float] = ()


# The mark of the text that each version of each page has, as the database says in the end.
Texts = Mapping[tuple[str, int], str]


def check_reads(
    operations: Iterable[Operation],
    texts: Texts,
    incidents: Incidents = Incidents(),
    bounds: Bounds = Bounds(),
) -> list[str]:
    """All violations, a sentence each."""
    done = _with_versions(operations, texts)
    reads = [each for each in done if each.way != SAVE and each.outcome == "ok"]
    saves = [each for each in done if each.way == SAVE and each.outcome == "ok"]
    pages = _by_slug(saves, incidents, bounds)
    return [
        *_shown(reads, texts),
        *_below_the_limit(reads),
        *_gone_back(done),
        *_not_at_once(done),
        *_stale(reads, pages),
    ]


def _with_versions(operations: Iterable[Operation], texts: Texts) -> list[Operation]:
    """In their order. Search tells no version: the text does."""
    versions = {mark: version for (_, version), mark in texts.items()}
    return [
        replace(each, version=versions.get(each.mark, 0))
        if each.mark and not each.version
        else each
        for each in sorted(operations, key=lambda each: each.begun)
    ]


def _shown(reads: Iterable[Operation], texts: Texts) -> Iterator[str]:
    """Nothing is shown but what was stored, each text under its version."""
    for read in reads:
        if not read.version and not read.mark:
            continue
        if (read.slug, read.version) not in texts:
            yield f"{_name(read)}: was shown and is not there"
        elif read.mark and read.mark != texts[read.slug, read.version]:
            yield f"{_name(read)}: was shown with another text than it has"


def _below_the_limit(reads: Iterable[Operation]) -> Iterator[str]:
    for read in reads:
        if read.version < read.known:
            yield f"{_name(read)}: was shown to one who said that he knew version {read.known}"


def _gone_back(done: Iterable[Operation]) -> Iterator[str]:
    newest: dict[tuple[int, str], int] = defaultdict(int)
    for each in done:
        seen = each.client, each.slug
        if each.outcome != "ok":
            continue
        if each.way in _NEVER_BACK and each.version < newest[seen]:
            yield f"{_name(each)}: was shown to one who had version {newest[seen]} already"
        newest[seen] = max(newest[seen], each.version)


def _not_at_once(done: Sequence[Operation]) -> Iterator[str]:
    """The database shows what was acknowledged, or what it has shown itself, before."""
    sources = defaultdict(list)
    for each in done:
        if each.outcome == "ok" and each.way in (SAVE, *AT_ONCE):
            sources[each.slug].append(each)
    settled = {slug: _Settled(each) for slug, each in sources.items()}
    for each in done:
        if each.outcome == "ok" and each.way in AT_ONCE:
            least = settled[each.slug].before(each.begun)
            if each.version < least:
                yield f"{_name(each)}: was shown by the database when version {least} was settled"


class _Settled:
    """The newest version that had been acknowledged or shown by a time."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        ordered = sorted(operations, key=lambda each: each.ended)
        self._times = [each.ended for each in ordered]
        self._newest = list(accumulate((each.version for each in ordered), max))

    def before(self, time: float) -> int:
        """The version."""
        count = bisect_left(self._times, time)
        return self._newest[count - 1] if count else 0


@dataclass(frozen=True)
class _Page:
    """The acknowledged saves of a page, and when each was in the cache at last."""

    saves: Sequence[Operation]
    cached: Mapping[int, float]
    incidents: Incidents
    bounds: Bounds
    settled: _Settled = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "settled", _Settled(self.saves))

    def owed(self, read: Operation) -> Operation | None:
        """A save that this read should have shown and has not."""
        if read.version >= self.settled.before(read.begun):
            return None
        newer = (save for save in self.saves if save.version > read.version)
        return next((save for save in newer if self._due(save, read) < read.begun), None)

    def _due(self, save: Operation, read: Operation) -> float:
        """From when on reads such as this one show the save."""
        cached = self.cached[save.version]
        if DATABASE_OUT in read.notes and (REDIS_OUT in read.notes or self._lost(save, read)):
            return inf
        if REDIS_OUT in read.notes:
            return cached + self.bounds.outage
        named = read.way == VERSIONED and read.known
        return cached if named else cached + self.bounds.flood

    def _lost(self, save: Operation, read: Operation) -> bool:
        """Whether Redis may have had the save no more, or never, when the read came."""
        late = save.ended - save.begun > self.bounds.lock
        return late or any(save.begun <= time <= read.ended for time in self.incidents.emptied)


def _by_slug(saves: Iterable[Operation], incidents: Incidents, bounds: Bounds) -> dict[str, _Page]:
    grouped = defaultdict(list)
    for save in saves:
        grouped[save.slug].append(save)
    return {
        slug: _Page(
            group, {s.version: _cached(s, incidents, bounds) for s in group}, incidents, bounds
        )
        for slug, group in grouped.items()
    }


def _cached(save: Operation, incidents: Incidents, bounds: Bounds) -> float:
    """When the cache had a save at last."""
    time = save.ended
    if WARNED in save.notes:
        ends = (ended for begun, ended in incidents.upkeep if begun >= save.ended)
        time = min(ends, default=inf)
    for begun, ended in incidents.failovers:
        if begun <= time <= ended:
            time = ended + bounds.failover
    return time


def _stale(reads: Iterable[Operation], pages: Mapping[str, _Page]) -> Iterator[str]:
    for read in reads:
        page = pages.get(read.slug)
        if read.way in AT_ONCE or page is None:
            continue
        if save := page.owed(read):
            yield (
                f"{_name(read)}: was shown {read.begun - save.ended:.3f} s after version"
                f" {save.version} had been acknowledged"
            )


def went_back(operations: Iterable[Operation]) -> int:
    """How often somebody who does not say what he knows was shown less than before."""
    newest: dict[tuple[int, str], int] = defaultdict(int)
    count = 0
    for each in operations:
        if each.way in _NEVER_BACK or each.way == SAVE or each.outcome != "ok":
            continue
        count += each.version < newest[each.client, each.slug]
        newest[each.client, each.slug] = max(newest[each.client, each.slug], each.version)
    return count


def _name(each: Operation) -> str:
    notes = f" ({', '.join(sorted(each.notes))})" if each.notes else ""
    return f"{each.slug} version {each.version}, {each.way}{notes}"
