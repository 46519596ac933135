"""What must hold in the database after any faults: pure functions that list what does not.

Two workloads. A write of a *page* says in its body which text it replaces. A write of a *pair*
of pages, which are locked and claimed together, says which versions of both it saw, so that each
sum of the two versions is seen by one write only; a missing fence shows there and nowhere else,
because of a single row the version takes care.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from sheaf.hashing import git_blob_id


@dataclass(frozen=True)
class Revision:
    """A row of `revisions`, as far as it is checked."""

    slug: str
    version: int
    based_on: int | None
    write_id: UUID
    body: str

    @property
    def mark(self) -> str:
        """What its writer calls the write."""
        return str(json.loads(self.body)["mark"])


@dataclass(frozen=True)
class Attempt:
    """A write that somebody tried: `outcome` is acknowledged, refused or unknown."""

    mark: str
    slug: str
    outcome: str
    version: int = 0
    reason: str = ""


def digest(body: str) -> str:
    """What a text is called by the one that replaces it."""
    return git_blob_id(body.encode())


def page_body(mark: str, replaced: str | None) -> str:
    """A text that says which text it replaces; None is for the first."""
    return json.dumps({"mark": mark, "on": None if replaced is None else digest(replaced)})


def pair_body(mark: str, seen: Sequence[int]) -> str:
    """A text that says which versions of the pair its writer saw."""
    return json.dumps({"mark": mark, "seen": list(seen)})


def check(revisions: Iterable[Revision], attempts: Iterable[Attempt]) -> list[str]:
    """All violations, a sentence each."""
    ordered = sorted(revisions, key=lambda revision: (revision.slug, revision.version))
    tried = list(attempts)
    return [
        *_versions(ordered),
        *_origins(ordered),
        *_texts(ordered),
        *_write_ids(ordered),
        *_pairs(ordered),
        *_outcomes(ordered, tried),
    ]


def _versions(ordered: Sequence[Revision]) -> Iterator[str]:
    for slug, group in groupby(ordered, key=lambda revision: revision.slug):
        versions = [revision.version for revision in group]
        if versions != list(range(1, len(versions) + 1)):
            yield f"{slug}: the versions do not rise by one: {_excerpt(versions)}"


def _excerpt(versions: Sequence[int]) -> str:
    at = next(i for i, version in enumerate(versions) if version != i + 1)
    return f"{versions[max(0, at - 1) : at + 2]} from the {at + 1}. on"


def _origins(ordered: Iterable[Revision]) -> Iterator[str]:
    for revision in ordered:
        if revision.based_on != (revision.version - 1 or None):
            yield f"{_name(revision)}: is recorded as based on {revision.based_on}"


def _texts(ordered: Sequence[Revision]) -> Iterator[str]:
    """Each text of a page names the one before it."""
    texts = {(revision.slug, revision.version): revision.body for revision in ordered}
    for revision in ordered:
        said = json.loads(revision.body)
        replaced = texts.get((revision.slug, revision.version - 1))
        if "on" in said and said["on"] != (None if replaced is None else digest(replaced)):
            yield f"{_name(revision)}: its writer had not read the text that it replaced"


def _write_ids(ordered: Iterable[Revision]) -> Iterator[str]:
    found = Counter(str(revision.write_id) for revision in ordered)
    found.update(revision.mark for revision in ordered)
    yield from (f"write {name} was stored {n} times" for name, n in found.items() if n > 1)


def _pairs(ordered: Iterable[Revision]) -> Iterator[str]:
    """Over all revisions of a pair the sums that were seen are 0, 1, 2, … once each."""
    pairs: dict[str, list[int]] = defaultdict(list)
    for revision in ordered:
        if seen := json.loads(revision.body).get("seen"):
            pairs[revision.slug.rpartition("/")[0]].append(sum(seen))
    for pair, sums in pairs.items():
        for total, n in sorted(Counter(sums).items()):
            if n > 1:
                yield f"{pair}: {n} writers saw the same state, {total}"
        missing = set(range(len(sums))) - set(sums)
        yield from (f"{pair}: nobody saw the state {total}" for total in sorted(missing))


def _outcomes(ordered: Iterable[Revision], tried: Sequence[Attempt]) -> Iterator[str]:
    stored = {revision.mark: revision for revision in ordered}
    for attempt in tried:
        revision = stored.get(attempt.mark)
        if attempt.outcome == "acknowledged" and not _is(revision, attempt):
            yield f"{attempt.slug} version {attempt.version}: was acknowledged and is not there"
        if attempt.outcome == "refused" and revision:
            yield f"{_name(revision)}: was refused ({attempt.reason}) and is there"
    for mark in stored.keys() - {attempt.mark for attempt in tried}:
        yield f"{_name(stored[mark])}: nobody tried to write it"


def _is(revision: Revision | None, attempt: Attempt) -> bool:
    return revision is not None and (revision.slug, revision.version) == (
        attempt.slug,
        attempt.version,
    )


def _name(revision: Revision) -> str:
    return f"{revision.slug} version {revision.version}"
