"""Proposals: which slug the title of a new page makes, and one that is free if that is taken."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select

from sheaf import slugs
from sheaf.database.tables import is_live, pages
from sheaf.pages import lookups, reads
from sheaf.sharding import ownership, scattering
from sheaf.slugs import BadSlug

# So many numbers are tried.
_MOST = 20


@dataclass(frozen=True)
class Proposal:
    """The slug that a title makes. It is taken if there is a page, or one was that has moved on.

    `free` is the first that is not: the same, or one with a number; None if there are very many.
    `moved_to` is where the slug leads, if it does. `alike` is a page whose slug is another only by
    capitals.
    """

    slug: str
    taken: bool
    free: str | None
    moved_to: str | None
    alike: str | None


def propose(title: str, folder: str) -> Proposal:
    """What a page with this title would be called in a folder, which need not be spelled as one.

    Raises BadSlug if there is no room for a name, and Unavailable.
    """
    names = list(dict.fromkeys(_names(title, slugs.folder_from_path(folder))))
    slug, spellings = names[0], _spellings(names[0])
    taken = dict(map(tuple, scattering.rows(_taken([*names, *spellings]))))
    free = next((name for name in names if name not in taken), None)
    moved_to = taken.get(slug)
    alike = next((each for each in spellings if each in taken and not taken[each]), None)
    return Proposal(slug, slug in taken, free, moved_to and lookups.destination(moved_to), alike)


def _names(title: str, folder: str) -> Iterator[str]:
    yield slugs.from_title(title, folder)
    with suppress(BadSlug):
        for number in range(2, _MOST + 1):
            yield slugs.from_title(title, folder, f"-{number}")


def _spellings(slug: str) -> list[str]:
    """The usual ones with other capitals: `Team-notes`, `team-notes`, `Team-Notes`."""
    folder, slash, name = slug.rpartition("/")
    of_words = "-".join(word[:1].upper() + word[1:] for word in name.lower().split("-"))
    of_name = name[:1].upper() + name[1:].lower()
    found = [f"{folder}{slash}{each}" for each in (of_name, name.lower(), of_words, name.upper())]
    return [each for each in dict.fromkeys([*found, slug.lower()]) if each != slug]


def _taken(names: list[str]) -> Select[Any]:
    """Those of these slugs at which something is shown, and where they lead; for all shards."""
    shown = or_(is_live, pages.c.moved_to.is_not(None))
    return select(pages.c.slug, pages.c.moved_to).where(
        reads.is_one_of(names), shown, ownership.readable(pages.c.slot)
    )
