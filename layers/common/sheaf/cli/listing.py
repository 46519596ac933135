"""The pages of a site, by what has changed since they were last asked for.

What they were then is kept beside the base, a line for each page. The site is asked what has
happened since (its events name the slugs at which a page may be another one, or none) and which
pages have been changed since: those take the place of what is kept. Where that may not be the whole
truth, all pages are listed. Whoever writes says what it builds on, so that a list which is wrong
all the same leads to a refusal; after one it is forgotten.

A time is that of the database which has the page, and is there to be seen a little later: a change
of several pages up to two minutes, if its writer dies. So what is asked for begins five minutes
before the last time, which leaves three for clocks that differ.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO
from itertools import takewhile
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from sheaf.cli.base import Entry, own_file, write_own
from sheaf.cli.client import Client, Event, Mark, PageItem
from sheaf.cli.folder import Refused, read_regular

# How far back what has happened may still come to light, and what of it clocks may differ.
OVERLAP, _SKEW = timedelta(minutes=5), timedelta(minutes=3)
# So often all pages are listed, whatever seems to have happened.
_WHOLE = timedelta(days=7)
# More changes than these, and than half of the pages, take longer to ask for than all pages do.
_MANY = 200


class Doubt(Exception):
    """What is known of a site, and what has happened there since, may not be all of it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The live pages of a site at a time, and when all of them were listed."""

    mark: Mark
    whole: datetime
    pages: Sequence[PageItem]


@dataclass(frozen=True, slots=True)
class _Head:
    """The first line of what is kept."""

    format: Literal[1]
    mark: Mark
    whole: datetime


Share: TypeAlias = Callable[[PageItem], PageItem]
_HEAD, _PAGE = TypeAdapter(_Head), TypeAdapter(PageItem)


class Known:
    """What a folder knows of the pages of a site."""

    def __init__(self, root: Path, site: str) -> None:
        self.file = own_file(root, site, "", "pages")
        self._kept: Listing | None = None
        self._now: Listing | None = None

    def pages(self, client: Client, entries: Mapping[str, Entry]) -> Sequence[PageItem]:
        """The live pages as they are now; raises ClientError. `entries` are those of the base."""
        share = _sharing(entries)
        self._kept = _loaded(self.file, share)
        self._now = current(client, self._kept, share)
        return self._now.pages

    def forget(self) -> None:
        """Have all pages listed the next time, for something was not as the list said."""
        self._now = None

    def save(self) -> None:
        """Keep it for the next time; raises OSError."""
        if self._now is None:
            self.file.unlink(missing_ok=True)
        elif self._now is not self._kept:
            write_own(self.file, _lines(self._now))


def _sharing(entries: Mapping[str, Entry]) -> Share:
    """What has a page take its texts from the entries: of many thousand there is not room twice."""
    texts = {
        text: text
        for path, entry in entries.items()
        for text in (path, entry.slug, entry.id, entry.source)
    }

    def share(page: PageItem) -> PageItem:
        slug, file = texts.get(page.slug, page.slug), texts.get(page.file, page.file)
        id_, blob = texts.get(page.id, page.id), texts.get(page.blob, page.blob)
        return replace(page, id=id_, slug=slug, file=file, blob=blob)

    return share


def _loaded(file: Path, share: Share) -> Listing | None:
    """What is kept; None if that is nothing, or nothing that this release can read."""
    try:
        lines = BytesIO(read_regular(file))
        head = _HEAD.validate_json(next(lines, b""))
        return Listing(head.mark, head.whole, [share(_PAGE.validate_json(line)) for line in lines])
    except (OSError, Refused, ValidationError):
        return None


def _lines(listing: Listing) -> Iterator[bytes]:
    yield _HEAD.dump_json(_Head(1, listing.mark, listing.whole)) + b"\n"
    for page in listing.pages:
        yield _PAGE.dump_json(page) + b"\n"


def current(client: Client, known: Listing | None, share: Share) -> Listing:
    """The live pages as they are now; raises ClientError."""
    mark = client.mark()
    with suppress(Doubt):
        return _brought_up(client, known, mark)
    return Listing(mark, mark.time, list(map(share, client.pages())))


def _brought_up(client: Client, known: Listing | None, mark: Mark) -> Listing:
    """What is known, with what has happened since; raises Doubt."""
    if not (known and known.mark.newest and mark.newest and _goes_on(known, mark, mark.newest)):
        raise Doubt
    before, since = known.mark.newest, known.mark.time - OVERLAP
    if before.id == mark.newest.id and before.created_at < since:
        return known
    # The last event that is known has to come again: another past has another.
    since = min(since, before.created_at)
    bound = max(_MANY, len(known.pages) // 2)
    if sum(page.updated_at >= since for page in known.pages) > bound:
        raise Doubt
    events = _events(client, before, since, bound)
    changed = list(takewhile(lambda page: page.updated_at >= since, client.pages_by_update()))
    return Listing(mark, known.whole, _merged(known.pages, since, events, changed))


def _goes_on(known: Listing, mark: Mark, newest: Event) -> bool:
    """Whether the clocks that tell the times agree, as far as anybody sees, and it is not long."""
    is_time = known.mark.time <= mark.time < known.whole + _WHOLE
    return is_time and newest.created_at <= mark.time + _SKEW


def _events(client: Client, before: Event, since: datetime, bound: int) -> list[Event]:
    """What has happened, the newest first; raises Doubt if it is much, or has another past."""
    events = list[Event]()
    for event in takewhile(lambda event: event.created_at >= since, client.events()):
        events.append(event)
        if len(events) > bound:
            raise Doubt
    if all(event.id != before.id for event in events):
        raise Doubt
    return events


def _merged(
    pages: Iterable[PageItem],
    since: datetime,
    events: Sequence[Event],
    changed: Sequence[PageItem],
) -> list[PageItem]:
    """The pages, of which some have changed; raises Doubt where events say something else."""
    slugs, ids = {page.slug for page in changed}, {page.id for page in changed}
    last = _last(events, slugs)
    left = {event.moved_from for event in events}
    merged = list[PageItem]()
    for page in pages:
        if page.slug in slugs or page.id in ids:
            continue
        event = last.get(page.slug)
        if event is None and page.slug not in left and page.updated_at < since:
            merged.append(page)
        elif event is None or event.kind != "deleted" or event.version <= page.version:
            raise Doubt
    return [*merged, *changed]


def _last(events: Iterable[Event], there: Collection[str]) -> dict[str, Event]:
    """What happened last at each slug; raises Doubt if no page is there that should be."""
    last, seen = dict[str, Event](), set[str | None]()
    for event in events:
        if not (event.slug in seen or event.slug in there or event.kind == "deleted"):
            raise Doubt
        last.setdefault(event.slug, event)
        seen |= {event.slug, event.moved_from}
    return last
