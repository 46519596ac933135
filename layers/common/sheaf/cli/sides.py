"""The two sides of an import or export, and what the base is told when they are in step.

Whatever is written says which state it replaces: a page by its version, a file by what it held when
it was looked at. So what changed meanwhile is left as it is.
"""

from dataclasses import dataclass

from sheaf.cli.base import Base, Entry, settled
from sheaf.cli.client import Client, PageItem
from sheaf.cli.folder import Folder, Found
from sheaf.cli.listing import Known
from sheaf.cli.matching import File, Match
from sheaf.cli.places import Places


class Left(Exception):
    """Nothing was done, and that is no failure; the message says why."""


class Stale(Exception):
    """One side is not in the state any more that was to be replaced; the message says which."""


class InConflict(Exception):
    """Both sides have changed what only a person can put together; the message says what."""


@dataclass(frozen=True)
class Sides:
    """A site and a folder, where the pages of one are in the other, and what is known of both."""

    client: Client
    folder: Folder
    places: Places
    base: Base
    known: Known

    def in_step(self, match: Match, page: PageItem, found: Found, blob: str) -> None:
        """Note that a file, with this blob, and its page have one text."""
        stamp = settled(found.stamp)
        entry = Entry(page.slug, page.id, page.version, blob, page.blob, stamp)
        self._keep(match, found.path, entry)

    def merged_into_file(self, match: Match, page: PageItem, found: Found) -> None:
        """Note that a file has all that this version of its page has, and more."""
        self._keep(match, found.path, Entry(page.slug, page.id, page.version, "", ""))

    def carried_over(self, match: Match, path: str) -> None:
        """Note that the file is at another path, and as far in step as before."""
        if match.entry:
            self._keep(match, path, match.entry)

    def out_of_step(self, match: Match) -> None:
        """Note that a file and its page have no text in common any more."""
        if match.kept_at:
            self.base.forget(match.kept_at)

    def check_unchanged(self, file: File) -> None:
        """Raise Stale if the file is another than was looked at, Refused and OSError."""
        if not file.fault and self.folder.blob(file.found) != file.blob:
            raise Stale("the file was changed meanwhile")

    def _keep(self, match: Match, path: str, entry: Entry) -> None:
        if match.kept_at != path:
            self.out_of_step(match)
        self.base.keep(path, entry)
