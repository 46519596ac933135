"""Changes: what a batch does to pages, which slugs that touches, and when it may be done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID, uuid4

from sqlalchemy import Connection

from sheaf.pages import aliases, claims, drafts, editing, preconditions, reads, saves
from sheaf.pages.claims import Claim
from sheaf.pages.errors import NotOffered, OtherFile, Overtaken, Taken
from sheaf.pages.idempotency import Saved
from sheaf.pages.preconditions import Precondition
from sheaf.pages.reads import Page, PageItem
from sheaf.pages.saves import EMPTY, Content, Write
from sheaf.sharding import shards

Claims: TypeAlias = Mapping[str, Claim]
# Makes of a page's slug, body, title, tags and file what is stored of it.
Compose: TypeAlias = Callable[[str, str, str | None, list[str] | None, str | None], Content]

# Where no page ever was; a claim will find that, too.
_LONG_AGO = datetime.fromtimestamp(0, UTC)
_NONE = Page(
    *(UUID(int=0), "", "", [], "claimed", 0, "", _LONG_AGO, _LONG_AGO, ""),
    origin="edit",
    file="",
    body="",
    html="",
)


@dataclass(frozen=True)
class Put:
    """A new page, or a page's new text.

    Without a body the text stays, and of title and tags what is None; else those come from it.
    """

    slug: str
    precondition: Precondition
    body: str | None = None
    title: str | None = None
    tags: list[str] | None = None
    comment: str = ""
    # As a Write's.
    origin: str = ""
    file: str | None = None

    @property
    def slugs(self) -> tuple[str, ...]:
        """The slugs at which something is done; the last one's page tells what came of it."""
        return (self.slug,)

    def plan(self, compose: Compose) -> "Plan":
        """The same, with what can be made ready; raises NotOffered and what `compose` does."""
        if self.body is not None:
            file = self._file()
            content = compose(self.slug, self.body, self.title, self.tags, file)
            return _PutPlan(self, aliases.warned(self.slug, content, file))
        if self.precondition.versions is None:
            raise NotOffered(f"A new page has a body: {self.slug}.")
        page = shards.read(self.slug, reads.find) or _NONE
        title, tags = self.title or page.title, page.tags if self.tags is None else self.tags
        content = compose(self.slug, page.body, title, tags, self._file())
        return _PutPlan(self, content, page.version)

    def _file(self) -> str | None:
        """The page's file, of which its own text says nothing."""
        if self.file is not None or self.precondition.versions is None:
            return self.file
        return shards.read(self.slug, claims.look).file


@dataclass(frozen=True)
class Remove:
    """A page's end."""

    slug: str
    precondition: Precondition
    origin: str = ""

    @property
    def slugs(self) -> tuple[str, ...]:
        """As Put's."""
        return (self.slug,)

    def plan(self, _compose: Compose) -> "Plan":
        """As Put's."""
        return _RemovePlan(self)


@dataclass(frozen=True)
class Move:
    """A page goes to another slug, where no live page is: with its id, its tags and its drafts."""

    slug: str
    moved_to: str
    precondition: Precondition

    @property
    def slugs(self) -> tuple[str, ...]:
        """As Put's."""
        return (self.slug, self.moved_to)

    def plan(self, compose: Compose) -> "Plan":
        """As Put's."""
        here, there = self.slugs
        page = shards.read(here, reads.find) or _NONE
        content = compose(there, page.body, page.title, page.tags, None)
        return _MovePlan(self, content, page, shards.read(here, drafts.ids))


Change: TypeAlias = Put | Remove | Move


@dataclass(frozen=True)
class _PutPlan:
    change: Put
    content: Content
    # Whose text it is, if the page's own stays.
    version: int | None = None

    def check(self, claimed: Claims, author: str) -> None:
        """Raise why it may not be done to the pages as they were claimed."""
        found = claimed[self.change.slug]
        _check(found, self.change.precondition, author, deletes=False, origin=self.change.origin)
        if self.version not in (None, found.version):
            raise Overtaken(found.slug)
        try:
            editing.check_file(found, self._write(author))
        except OtherFile as error:
            raise Overtaken(found.slug) from error

    def save(self, connection: Connection, slug: str, claimed: Claims, author: str) -> Page:
        """Do what is to be done at one of the slugs; what is there then."""
        return _page(saves.save(connection, claimed[slug], self._write(author)), self.content)

    def _write(self, author: str) -> Write:
        sent = self.change
        return Write(
            *(uuid4(), author, sent.comment, "live", self.content),
            origin=sent.origin,
            file=sent.file,
        )

    def saved(self, claimed: Claims, page: Page) -> Saved:
        """What came of it."""
        return Saved(page, not claimed[self.change.slug].live, self.content.warnings)


@dataclass(frozen=True)
class _RemovePlan:
    change: Remove

    def check(self, claimed: Claims, author: str) -> None:
        """As above."""
        found = claimed[self.change.slug]
        _check(found, self.change.precondition, author, deletes=True)

    def save(self, connection: Connection, slug: str, claimed: Claims, author: str) -> Page:
        """As above."""
        write = Write(uuid4(), author, "", "tombstone", EMPTY, origin=self.change.origin)
        return _page(saves.save(connection, claimed[slug], write), EMPTY)

    def saved(self, _claimed: Claims, page: Page) -> Saved:
        """As above."""
        return Saved(page, is_new=False, warnings=())


@dataclass(frozen=True)
class _MovePlan:
    change: Move
    content: Content
    page: Page
    drafts: list[UUID]

    def check(self, claimed: Claims, author: str) -> None:
        """As above."""
        here, there = (claimed[slug] for slug in self.change.slugs)
        editing.check_lease(there.slug, there.lease, author, None)
        _check(here, self.change.precondition, author, deletes=True)
        if there.live:
            raise Taken(there)
        if self.page.version != here.version:
            raise Overtaken(here.slug)

    def save(self, connection: Connection, slug: str, claimed: Claims, author: str) -> Page:
        """As above."""
        here, there = self.change.slugs
        found, together = claimed[slug], shards.owning(here) is shards.owning(there)
        if slug == here:
            away = Write(uuid4(), author, "", "redirect", EMPTY)
            left = saves.redirect(connection, found, away, there)
            if not together:
                drafts.remove(connection, self.drafts)
            return _page(left, EMPTY, there)
        home = Write(uuid4(), author, "", "live", self.content)
        arrived = saves.arrive(connection, found, home, self.page)
        if together:
            drafts.move(connection, here, there)
        else:
            for some in drafts.read(here, self.drafts):
                drafts.add(connection, there, some)
        return _page(arrived, self.content)

    def saved(self, _claimed: Claims, page: Page) -> Saved:
        """As above."""
        return Saved(page, is_new=True, warnings=self.content.warnings)


Plan: TypeAlias = _PutPlan | _RemovePlan | _MovePlan


def _check(
    found: Claim, precondition: Precondition, author: str, *, deletes: bool, origin: str = ""
) -> None:
    editing.check_lease(found.slug, found.lease, author, None)
    preconditions.check(precondition, found, deletes=deletes, origin=origin)


def _page(item: PageItem, content: Content, moved_to: str | None = None) -> Page:
    return Page.of(item, content.body, content.html, moved_to)
