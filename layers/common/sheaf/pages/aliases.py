"""Aliases: names that a page's text says the page has as well. They become redirects to it.

Upkeep makes them when it relays a change of the page, where no page is and none ever was. They stay
when the text does not name them any more, and whoever makes a page there has it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import select

from sheaf import slugs, telemetry
from sheaf.caching.entry import Entry
from sheaf.database.tables import pages
from sheaf.pages import editing, lookups, reads
from sheaf.pages.edit_leases import LeaseHeld
from sheaf.pages.errors import Busy, Overtaken, Taken
from sheaf.pages.outbox import Change
from sheaf.pages.reads import Page
from sheaf.pages.saves import Content
from sheaf.rendering import links, source
from sheaf.rendering.metadata import ALIASES
from sheaf.rendering.source import BEGINNING, SourceWarning
from sheaf.sharding import ownership, scattering

# Makes what the cache keeps at a slug.
Document = Callable[[str, Page | None], Entry]

# Each takes some milliseconds, and upkeep has to end in time.
_MADE_AT_ONCE = 200
# Somebody is at work there, and may yet give up.
_AT_WORK = (Busy, Overtaken, LeaseHeld)


@dataclass(frozen=True)
class Named:
    """The slugs that aliases stand for, and why others stand for none."""

    slugs: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def of(text: str, slug: str, file: str = "") -> Named:
    """The aliases of a page at `slug`, by its text or the beginning of that.

    `file` is the page's, if that is not {slug}.md.
    """
    if ALIASES not in text[:BEGINNING]:
        return Named()
    named, faults = dict[str, None](), []
    for alias in source.parse(text).metadata.aliases:
        try:
            named[links.alias(alias, slug, file)] = None
        except slugs.BadSlug as error:
            faults.append(f"The alias {alias} leads nowhere. {error}")
    named.pop(slug, None)
    return Named(tuple(named), tuple(faults))


def warned(slug: str, content: Content, file: str | None = None) -> Content:
    """What is to be saved at a slug, with warnings of aliases that will not lead there.

    If it has aliases, the database is asked once. Raises Unavailable.
    """
    named = of(content.body, slug, file or "")
    taken = _found(named.slugs)
    faults = [*named.faults]
    faults += [
        _reason(alias, taken[alias]) for alias in named.slugs if _is_taken(alias, slug, taken)
    ]
    if not faults:
        return content
    line = source.line_of(ALIASES, content.body)
    warnings = [SourceWarning(line, fault) for fault in faults]
    return replace(content, warnings=(*content.warnings, *warnings))


def make(changes: Iterable[Change], document: Document) -> set[str]:
    """Have the aliases of pages that have changed lead to them, and publish the `document` of each.

    Done again, it changes nothing. Returns the slugs of pages that are to be seen to again: more
    was to do than upkeep has time for, or somebody was at work at an alias. Raises Unavailable and
    LockError.
    """
    newest = {change.slug: change for change in changes}
    named = {slug: of(each.beginning, slug, each.file).slugs for slug, each in newest.items()}
    there = _found({alias for aliases in named.values() for alias in aliases})
    maker = _Maker(there, document)
    return {slug for slug, aliases in named.items() if not maker.make(newest[slug], aliases)}


class _Maker:
    """Makes aliases lead to pages; `there` is what is at them: None, or where it leads."""

    def __init__(self, there: dict[str, str | None], document: Document) -> None:
        self._there, self._document = there, document
        self._left = _MADE_AT_ONCE

    def make(self, change: Change, aliases: Iterable[str]) -> bool:
        """Make those of a page; whether that is all."""
        taken, is_all = [], True
        for alias in aliases:
            if alias not in self._there:
                is_all &= self._lead(alias, change)
            elif _is_taken(alias, change.slug, self._there):
                taken.append(alias)
        if taken:
            telemetry.logger().warning("aliases taken", slug=change.slug, aliases=taken)
        return is_all

    def _lead(self, alias: str, change: Change) -> bool:
        if not self._left:
            return False
        self._left -= 1
        document = partial(self._document, alias)
        try:
            editing.lead(alias, change.slug, change.author or "", document=document)
        except Taken:
            # Since a moment ago. It is told when the page changes again.
            self._there[alias] = None
        except _AT_WORK:
            return False
        else:
            self._there[alias] = change.slug
        return True


def _is_taken(alias: str, slug: str, there: dict[str, str | None]) -> bool:
    """Whether something is at an alias that does not lead to the page."""
    if alias not in there:
        return False
    moved_to = there[alias]
    return moved_to is None or slug not in (moved_to, lookups.destination(moved_to))


def _reason(alias: str, moved_to: str | None) -> str:
    if moved_to:
        return f"The alias {alias} leads to {moved_to} already."
    return f"The alias {alias} leads nowhere: a page is there, or was."


def _found(names: Iterable[str]) -> dict[str, str | None]:
    """What is at these slugs, or ever was: where it leads, if it does."""
    wanted = [*names]
    if not wanted:
        return {}
    statement = select(pages.c.slug, pages.c.moved_to).where(
        reads.is_one_of(wanted), pages.c.version > 0, ownership.readable(pages.c.slot)
    )
    return dict(map(tuple, scattering.rows(statement)))
