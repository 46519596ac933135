"""Proposals: which slug the title of a new page makes, and one that is free if that is taken."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select

from sheaf import slugs
from sheaf.database.tables import is_live, pages
from sheaf.pages import reads
from sheaf.sharding import ownership, scattering
from sheaf.slugs import BadSlug

# So many numbers are tried.
_MOST = 20


@dataclass(frozen=True)
class Proposal:
    """The slug that a title makes. It is taken if there is a page, or one was that has moved on.

    `free` is the first that is not: the same, or one with a number; None if there are very many.
    """

    slug: str
    taken: bool
    free: str | None


def propose(title: str, folder: str) -> Proposal:
    """What a page with this title would be called in a folder, which need not be spelled as one.

    Raises BadSlug if there is no room for a name, and Unavailable.
    """
    names = list(dict.fromkeys(_names(title, slugs.folder_from_path(folder))))
    taken = {slug for (slug,) in scattering.rows(_taken(names))}
    return Proposal(names[0], names[0] in taken, next((s for s in names if s not in taken), None))


def _names(title: str, folder: str) -> Iterator[str]:
    yield slugs.from_title(title, folder)
    with suppress(BadSlug):
        for number in range(2, _MOST + 1):
            yield slugs.from_title(title, folder, f"-{number}")


def _taken(names: list[str]) -> Select[Any]:
    """Those of these slugs at which something is shown; for all shards."""
    shown = or_(is_live, pages.c.moved_to.is_not(None))
    return select(pages.c.slug).where(
        reads.is_one_of(names), shown, ownership.readable(pages.c.slot)
    )
