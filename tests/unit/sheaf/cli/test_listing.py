"""What has changed on a site is all that has: against a model of one, with databases whose clocks
differ, and with changes that come to light later than their time says."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sheaf.cli import listing
from sheaf.cli.base import Entry
from sheaf.cli.client import Client, Event, Mark, PageItem
from sheaf.cli.listing import Known, Listing
from tests.unit.sheaf.cli import sides_of

START = datetime(2026, 11, 30, tzinfo=UTC)
SLUGS = ("a", "b", "c", "d")
State = Literal["live", "tombstone", "redirect"]
slugs, seconds = st.sampled_from(SLUGS), st.integers(0, 400)


@dataclass
class Row:
    """What a database has of a slug."""

    id: str
    state: State
    version: int
    at: datetime


@dataclass
class Site(Client):
    """A site of two databases: each slug is in one of them, and has the times of its clock."""

    now: datetime = START
    clocks: dict[str, timedelta] = field(default_factory=lambda: dict.fromkeys(SLUGS, timedelta()))
    gateway: timedelta = timedelta()
    rows: dict[str, Row] = field(default_factory=dict)
    told: list[Event] = field(default_factory=list)
    # What was done and cannot be seen yet: when it can, the rows, and the event.
    late: list[tuple[datetime, dict[str, Row], Event]] = field(default_factory=list)
    named: int = 0
    whole_lists: int = 0

    def mark(self) -> Mark:
        return Mark(self.now + self.gateway, next(self.events(), None))

    def events(self) -> Iterator[Event]:
        by_time = sorted(self.told, key=lambda event: (event.created_at, event.slug, event.version))
        return reversed(by_time)

    def pages(self) -> Iterator[PageItem]:
        self.whole_lists += 1
        return self.live()

    def pages_by_update(self) -> Iterator[PageItem]:
        return iter(sorted(self.live(), key=lambda page: page.updated_at, reverse=True))

    def live(self) -> Iterator[PageItem]:
        for slug, row in self.rows.items():
            if row.state == "live":
                yield sides_of.page(slug, version=row.version, of=row.id, updated_at=row.at)

    def version(self, slug: str) -> int:
        return self.rows[slug].version if slug in self.rows else 0

    def is_busy(self, slug: str) -> bool:
        return any(slug in rows for _, rows, _ in self.late)

    def is_live(self, slug: str) -> bool:
        return slug in self.rows and self.rows[slug].state == "live"

    def time(self, slug: str) -> datetime:
        return self.now + self.clocks[slug]

    def write(self, slug: str, state: State, later: int = 0) -> None:
        kind: Any = "deleted" if state == "tombstone" else "edited"
        old, version, at = self.rows.get(slug), self.version(slug) + 1, self.time(slug)
        row = Row(old.id if old else self.name(), state, version, at)
        self.tell({slug: row}, Event(self.name(), kind, slug, version, at), later)

    def move(self, slug: str, other: str, later: int = 0) -> None:
        version = max(self.version(slug), self.version(other)) + 2
        gone = Row(self.name(), "redirect", self.version(slug) + 1, self.time(slug))
        arrived = Row(self.rows[slug].id, "live", version, self.time(other))
        event = Event(self.name(), "moved", other, version, arrived.at, moved_from=slug)
        self.tell({slug: gone, other: arrived}, event, later)

    def tell(self, rows: dict[str, Row], event: Event, later: int) -> None:
        self.late.append((self.now + timedelta(seconds=later), rows, event))
        self.wait(0.001)

    def wait(self, length: float) -> None:
        self.now += timedelta(seconds=length)
        due = [one for one in self.late if one[0] <= self.now]
        self.late = [one for one in self.late if one[0] > self.now]
        for _, rows, event in due:
            self.rows |= rows
            self.told.append(event)

    def name(self) -> str:
        self.named += 1
        return f"no. {self.named}"


def ask(site: Site, known: Listing | None) -> Listing:
    return listing.current(site, known, lambda page: page)


def by_slug(pages: Any) -> list[PageItem]:
    return sorted(pages, key=lambda page: page.slug)


class Asking(RuleBasedStateMachine):
    """Whatever happens, what is known is what is there."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site()
        self.known: Listing | None = None
        self.copy: Site | None = None

    @rule(slug=slugs, later=st.integers(0, 110))
    def save(self, slug: str, later: int) -> None:
        if not self.site.is_busy(slug):
            self.site.write(slug, "live", later)

    @rule(slug=slugs)
    def delete(self, slug: str) -> None:
        if self.site.is_live(slug) and not self.site.is_busy(slug):
            self.site.write(slug, "tombstone")

    @rule(slug=slugs, other=slugs, later=st.integers(0, 110))
    def move(self, slug: str, other: str, later: int) -> None:
        is_free = self.site.is_live(slug) and not self.site.is_live(other)
        if is_free and not (self.site.is_busy(slug) or self.site.is_busy(other)):
            self.site.move(slug, other, later)

    @rule(length=seconds)
    def wait(self, length: int) -> None:
        self.site.wait(length)

    @rule(one=st.integers(-80, 80), other=st.integers(-80, 80))
    def set_clocks(self, one: int, other: int) -> None:
        ahead = timedelta(seconds=one), timedelta(seconds=other)
        self.site.clocks = {slug: ahead[number % 2] for number, slug in enumerate(SLUGS)}

    @rule(ahead=st.integers(-6000, 90))
    def set_gateways_clock(self, ahead: int) -> None:
        """It may be behind as far as it likes."""
        self.site.gateway = timedelta(seconds=ahead)

    @rule()
    def copy_site(self) -> None:
        self.copy = deepcopy(self.site)

    @rule()
    def restore_site(self) -> None:
        if self.copy and not self.site.late:
            now, named = self.site.now, self.site.named
            self.site = replace(deepcopy(self.copy), now=now, named=named, late=[])

    @rule()
    def look(self) -> None:
        self.known = ask(self.site, self.known)

    @invariant()
    def knows_all(self) -> None:
        now = ask(self.site, self.known)
        assert by_slug(now.pages) == by_slug(self.site.live())


TestAsking = Asking.TestCase
TestAsking.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.fixture
def site() -> Site:
    """A site of four pages, the last of which is some hours old."""
    site = Site()
    for slug in SLUGS:
        site.write(slug, "live")
        site.wait(3600)
    return site


def check_brought_up(site: Site, known: Listing) -> Listing:
    """What has happened is found without a list of all pages."""
    lists = site.whole_lists
    now = ask(site, known)
    assert by_slug(now.pages) == by_slug(site.live())
    assert site.whole_lists == lists
    return now


def check_listed(site: Site, known: Listing | None) -> None:
    """All pages are listed."""
    lists = site.whole_lists
    assert by_slug(ask(site, known).pages) == by_slug(site.live())
    assert site.whole_lists == lists + 1


def test_only_changes_are_asked_for(site: Site) -> None:
    known = ask(site, None)
    assert check_brought_up(site, known) is known
    site.write("a", "live")
    site.write("b", "tombstone")
    site.move("c", "b")
    known = check_brought_up(site, known)
    assert {page.slug for page in known.pages} == {"a", "b", "d"}
    site.wait(3600)
    assert {page.slug for page in check_brought_up(site, known).pages} == {"a", "b", "d"}


def test_what_comes_to_light_late_is_found(site: Site) -> None:
    site.write("a", "live", later=110)
    site.clocks["b"] = timedelta(seconds=80)
    site.wait(100)
    site.write("b", "live")
    known = ask(site, None)
    site.wait(20)
    assert check_brought_up(site, known).pages != known.pages


def test_a_page_that_another_one_passed_over_is_in_doubt(site: Site) -> None:
    known = ask(site, None)
    site.write("b", "tombstone")
    site.move("a", "b")
    site.rows["e"] = Row("no", "tombstone", 1, site.now)
    site.clocks["e"] = timedelta()
    site.move("b", "e")
    check_listed(site, known)


def test_a_page_that_is_neither_there_nor_gone_is_in_doubt(site: Site) -> None:
    known = ask(site, None)
    site.clocks["a"] = timedelta(hours=-2)
    site.write("a", "live")
    site.told[-1] = replace(site.told[-1], created_at=site.now)
    check_listed(site, known)


def test_another_past_is_in_doubt(site: Site) -> None:
    copy = deepcopy(site)
    site.write("a", "live")
    known = ask(site, None)
    copy.wait(10)
    check_listed(copy, known)


def test_clocks_that_go_back_or_differ_are_in_doubt(site: Site) -> None:
    known = ask(site, None)
    site.gateway = timedelta(minutes=-1)
    check_listed(site, known)
    site.gateway = timedelta()
    site.clocks["a"] = timedelta(minutes=4)
    site.write("a", "live")
    check_listed(site, known)


def test_all_pages_are_listed_once_a_week(site: Site) -> None:
    known = ask(site, None)
    for _ in range(6):
        site.wait(24 * 3600)
        site.write("a", "live")
        known = check_brought_up(site, known)
    site.wait(24 * 3600)
    check_listed(site, known)


def test_much_that_has_changed_is_no_reason_to_ask_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_MANY", 3)
    known = ask(site, None)
    for _ in range(2):
        site.write("a", "live")
    site.wait(600)
    known = check_brought_up(site, known)
    site.wait(600)
    for slug in SLUGS:
        site.write(slug, "live")
    check_listed(site, known)
    known = ask(site, known)
    monkeypatch.setattr(Site, "events", lambda self: iter(self.told[-1:]))
    check_listed(site, known)


class Kept(Known):
    """What a folder knows of the site."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "https://pages.example.com")


def test_what_is_known_is_there_the_next_time(site: Site, tmp_path: Path) -> None:
    first = Kept(tmp_path)
    entries: dict[str, Entry] = {"a.md": sides_of.entry("a")}
    assert by_slug(first.pages(site, entries)) == by_slug(site.live())
    first.save()
    written = first.file.stat().st_mtime_ns
    second = Kept(tmp_path)
    assert list(second.pages(site, entries)) == list(first.pages(site, entries))
    second.save()
    assert (site.whole_lists, second.file.stat().st_mtime_ns) == (1, written)


def test_what_was_wrong_is_forgotten(site: Site, tmp_path: Path) -> None:
    for number in (1, 2):
        known = Kept(tmp_path)
        known.pages(site, {})
        known.save()
        known.forget()
        known.save()
        known.save()
        assert site.whole_lists == number


@pytest.mark.parametrize("text", ["", "{", '{"format":2}\n', "null\n", "[]\n{}\n"])
def test_what_cannot_be_read_is_not_known(site: Site, tmp_path: Path, text: str) -> None:
    known = Kept(tmp_path)
    known.pages(site, {})
    known.save()
    known.file.write_text(text)
    assert by_slug(Kept(tmp_path).pages(site, {})) == by_slug(site.live())
    assert site.whole_lists == 2
