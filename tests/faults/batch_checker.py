"""What must hold in the databases after batches and any faults: each is there, or not at all.

Pure functions that list what does not hold. All servers run by then, and upkeep has ended what was
left in doubt.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

PUT, REMOVE, MOVE = "put", "remove", "move"


@dataclass(frozen=True)
class Change:
    """One of a batch; nobody else removes or moves the page, and `mark` is in its new text only."""

    kind: str
    slug: str
    mark: str = ""
    moved_to: str = ""


@dataclass(frozen=True)
class Batch:
    """What somebody wanted to be done: `outcome` is acknowledged, refused or unknown.

    `named` says that it had its tag for a key, `versions` what its pages were told to have.
    """

    tag: str
    changes: tuple[Change, ...]
    outcome: str
    reason: str = ""
    named: bool = False
    versions: Mapping[str, int] = field(default_factory=dict)


class Row(NamedTuple):
    """A row of `revisions`, of whatever shard; a text's mark and batch are "" if there is none."""

    slug: str
    version: int
    state: str
    mark: str
    batch: str
    moved_to: str | None
    moved_from: str | None


class PageRow(NamedTuple):
    """A row of `pages` that was saved."""

    slug: str
    identity: str
    version: int
    state: str


class Note(NamedTuple):
    """A process was going to commit a batch under an id, with parts of so many shards."""

    tag: str
    batch: str
    parts: int


@dataclass(frozen=True)
class Stored:
    """What the databases hold, and the processes have noted."""

    revisions: Sequence[Row]
    pages: Sequence[PageRow] = ()
    notes: Sequence[Note] = ()
    # By the id of a batch, if it is committed.
    decisions: Mapping[str, bool] = field(default_factory=dict)
    keys: frozenset[str] = frozenset()
    in_doubt: Sequence[str] = ()


def check_batches(batches: Iterable[Batch], stored: Stored) -> list[str]:
    """All violations, a sentence each."""
    found = _Found(stored)
    return [
        *(f"{name}: is still in doubt" for name in stored.in_doubt),
        *(violation for batch in batches for violation in found.violations(batch)),
        *_versions(stored.revisions),
        *_pages(stored),
    ]


class _Found:
    """Looks up what was done."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._texts = {(row.slug, row.mark): row for row in stored.revisions if row.mark}
        self._count = Counter((row.slug, row.mark) for row in stored.revisions if row.mark)
        self._count.update((row.slug, REMOVE) for row in stored.revisions if _is_removal(row))
        self._count.update((row.slug, row.moved_to or "") for row in stored.revisions)
        self._arrived = {row.slug: row for row in stored.revisions if row.moved_from}
        self._ids: dict[str, set[str]] = defaultdict(set)
        for note in stored.notes:
            if note.parts > 1:
                self._ids[note.tag].add(note.batch)
        self._alone = {note.tag for note in stored.notes if note.parts == 1}

    def violations(self, batch: Batch) -> Iterator[str]:
        """What is wrong with a batch."""
        done = [self._times(change) for change in batch.changes]
        name = f"batch {batch.tag}, which was {f'{batch.outcome} {batch.reason}'.strip()},"
        if any(done) and not all(done):
            yield f"{name} is there in part: {sum(map(bool, done))} of {len(done)} changes"
        if max(done) > 1:
            yield f"{name} was done {max(done)} times"
        if any(done) and batch.outcome == "refused":
            yield f"{name} is there"
        if not all(done) and batch.outcome == "acknowledged":
            yield f"{name} is not there"
        yield from (f"{name} {fault}" for fault in self._undecided(batch, is_done=all(done)))
        yield from (f"{name} {fault}" for fault in self._otherwise(batch))

    def _times(self, change: Change) -> int:
        """How often a change was done."""
        if change.kind == PUT:
            return self._count[change.slug, change.mark]
        if change.kind == REMOVE:
            return self._count[change.slug, REMOVE]
        left = self._count[change.slug, change.moved_to]
        return min(left, int(change.moved_to in self._arrived))

    def _undecided(self, batch: Batch, *, is_done: bool) -> Iterator[str]:
        """It is there if a decision, or a shard alone, says so, and so is its key."""
        here = "is there" if is_done else "is not there"
        decided = sum(self._stored.decisions.get(id_, False) for id_ in self._ids[batch.tag])
        if decided > is_done:
            yield f"{here}, and was decided {decided} times"
        if is_done and not decided and batch.tag not in self._alone:
            yield f"{here}, and was never decided"
        if batch.named and is_done != (batch.tag in self._stored.keys):
            yield f"{here}, and its key is not so"

    def _otherwise(self, batch: Batch) -> Iterator[str]:
        """What was told of its versions is what they are."""
        for change in batch.changes if batch.outcome == "acknowledged" else ():
            slug = change.moved_to or change.slug
            row = self._texts.get((slug, change.mark)) if change.kind == PUT else None
            row = self._arrived.get(slug) if change.kind == MOVE else row
            if row and row.version != batch.versions.get(slug):
                yield f"said of {slug} version {batch.versions.get(slug)}, and it is {row.version}"


def _is_removal(row: Row) -> bool:
    return row.state == "tombstone"


def _versions(revisions: Iterable[Row]) -> Iterator[str]:
    """They rise by one, but for pages that arrive: those go on above where they were."""
    by_slug = defaultdict(list)
    for row in revisions:
        by_slug[row.slug].append(row)
    for slug, rows in by_slug.items():
        rows.sort(key=lambda row: row.version)
        if rows[0].version != 1 and not rows[0].moved_from:
            yield f"{slug}: begins with version {rows[0].version}"
        for before, row in pairwise(rows):
            rises_by_one = row.version == before.version + 1
            if not rises_by_one and not (row.moved_from and row.version > before.version):
                yield f"{slug}: version {row.version} comes after {before.version}"


def _pages(stored: Stored) -> Iterator[str]:
    """Each page is live at one slug, and each row is that of the newest revision."""
    live = Counter(page.identity for page in stored.pages if page.state == "live")
    yield from (
        f"page {page} is live at {times} slugs" for page, times in live.items() if times > 1
    )
    rows = Counter(page.slug for page in stored.pages)
    yield from (f"{slug}: is kept {times} times" for slug, times in rows.items() if times > 1)
    newest: dict[str, int] = defaultdict(int)
    for row in stored.revisions:
        newest[row.slug] = max(newest[row.slug], row.version)
    for page in stored.pages:
        if page.version != newest[page.slug]:
            yield f"{page.slug}: is at version {page.version}, its history at {newest[page.slug]}"
