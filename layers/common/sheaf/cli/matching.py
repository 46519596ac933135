"""Which file, which entry of the base and which page belong together.

A file is that of the page that the base names, else of the page that keeps its name, else of the
page that its name makes. Nothing here asks a disk or a site.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sheaf import slugs
from sheaf.cli.base import Entry
from sheaf.cli.client import PageItem
from sheaf.cli.folder import Found, Refused
from sheaf.cli.places import Places
from sheaf.rendering.source import SourceWarning


@dataclass(frozen=True, slots=True)
class File:
    """A file of the folder: git's id of what it holds, or the fault for which it holds no page.

    A draft is left where it is, whatever is done with the others. `unused` are the keys of its
    front matter of which a page makes nothing, and `warnings` are of the rest of it. One
    `has_templates` if it has marks of a template language, which a page shows as they are.
    """

    found: Found
    blob: str
    fault: str = ""
    is_draft: bool = False
    unused: tuple[str, ...] = ()
    has_templates: bool = False
    warnings: tuple[SourceWarning, ...] = ()

    @property
    def path(self) -> str:
        """Its path below the folder, in NFC."""
        return self.found.path


@dataclass(frozen=True, slots=True)
class Match:
    """A file, a page and what the base has of the two, each if there is one.

    `path` is where the file is or would be. `kept_at` is the path of the entry. The page belongs
    at `belongs`, if that is elsewhere; `renamed` is the file under another page's name; with
    `in_step` the file is what the page is as a file.
    """

    path: str
    slug: str
    file: File | None = None
    entry: Entry | None = None
    page: PageItem | None = None
    kept_at: str = ""
    belongs: str = ""
    renamed: File | None = None
    renamed_to: str = ""
    in_step: bool = False


@dataclass(frozen=True)
class Clash:
    """A file or a page that has no match, since another one has its name."""

    path: str
    slug: str
    reason: str
    of_page: bool = False


@dataclass
class Matches:
    """What belongs together, and what would be one with something else."""

    matches: list[Match] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    # Entries of which neither the file nor the page is there any more.
    forgotten: list[str] = field(default_factory=list)


def match(
    files: Iterable[File],
    entries: Mapping[str, Entry],
    pages: Iterable[PageItem],
    places: Places,
    key: Callable[[str], str],
) -> Matches:
    """Find what belongs together; `key` is what paths have in common that are one to the disk."""
    return _Matcher(entries, list(pages), places, key).run(list(files))


class _Matcher:
    def __init__(
        self,
        entries: Mapping[str, Entry],
        pages: list[PageItem],
        places: Places,
        key: Callable[[str], str],
    ) -> None:
        self._places, self._key = places, key
        self._by_id = {page.id: page for page in pages}
        self._by_slug = {page.slug: page for page in pages}
        self._kept = {key(path): (path, entry) for path, entry in entries.items()}
        self._paths = dict[str, str]()  # where pages belong, by their ids
        self._found = Matches()
        # Which file a page, or a slug that has none, was given to; and which paths are taken.
        self._given = dict[str, str]()
        self._taken = dict[str, str]()
        for page in pages:
            self._place(page)

    def run(self, files: list[File]) -> Matches:
        files = self._without_doubles(files)
        files = self._by_base(files)
        # Entries of files that are gone, where no other entry has given their page a file.
        gone = [kept for kept in self._kept.values() if kept[1].id not in self._given]
        self._gone = {entry.id: (path, entry) for path, entry in gone}
        files = self._by_kept_name(files)
        # A draft keeps no other file from being a page.
        for file in sorted(files, key=lambda each: each.is_draft):
            self._by_own_name(file)
        self._offer_moves()
        for page in sorted(self._by_id.values(), key=lambda each: each.slug):
            if page.id not in self._given:
                self._without_file(page)
        self._found.matches.sort(key=lambda each: each.path)
        self._found.forgotten += [
            path for path, _ in self._gone.values() if self._key(path) not in self._taken
        ]
        return self._found

    def _place(self, page: PageItem) -> None:
        try:
            path = self._places.path_of(page.file)
        except Refused as error:
            self._found.clashes.append(Clash("", page.slug, str(error), of_page=True))
            return
        if path is not None:
            self._paths[page.id] = path

    def _without_doubles(self, files: list[File]) -> list[File]:
        single = []
        for file in files:
            first = self._taken.setdefault(self._key(file.path), file.found.spelling)
            if first == file.found.spelling:
                single.append(file)
            else:
                self._clash(file, first)
        return single

    def _clash(self, file: File, first: str) -> None:
        self._cannot_be(file, f"{first} is the same page")

    def _cannot_be(self, file: File, reason: str) -> None:
        if not file.is_draft:
            self._found.clashes.append(Clash(file.found.spelling, "", reason))

    def _by_base(self, files: list[File]) -> list[File]:
        left = []
        for file in files:
            path, entry = self._kept.get(self._key(file.path), ("", None))
            page = self._by_id.get(entry.id) if entry else None
            if entry and page and page.id not in self._given:
                del self._kept[self._key(file.path)]
                self._give(file, page, entry, path)
            else:
                left.append(file)
        return left

    def _by_kept_name(self, files: list[File]) -> list[File]:
        placed = {self._key(path): id_ for id_, path in self._paths.items()}
        left = []
        for file in files:
            id_ = placed.get(self._key(file.path))
            if id_ is None or id_ in self._given:
                left.append(file)
            else:
                self._give(file, self._by_id[id_], *self._gone_entry(id_))
        return left

    def _by_own_name(self, file: File) -> None:
        try:
            slug = self._places.slug_of(file.path)
        except slugs.BadSlug as error:
            self._cannot_be(file, str(error))
            return
        page = self._by_slug.get(slug)
        if first := self._given.get(page.id if page else slug):
            self._clash(file, first)
        elif page:
            self._give(file, page, *self._gone_entry(page.id))
        else:
            self._given[slug] = file.found.spelling
            path, entry = self._kept.get(self._key(file.path), ("", None))
            if entry:
                self._gone.pop(entry.id, None)
            self._found.matches.append(Match(file.path, slug, file, entry, kept_at=path))

    def _gone_entry(self, id_: str) -> tuple[Entry | None, str]:
        """What the base has of a page under the name of a file that is no more."""
        path, entry = self._gone.pop(id_, ("", None))
        return entry, path

    def _give(self, file: File, page: PageItem, entry: Entry | None, kept_at: str) -> None:
        self._given[page.id] = file.found.spelling
        belongs = self._belongs(file.path, page)
        self._found.matches.append(
            Match(file.path, page.slug, file, entry, page, kept_at=kept_at, belongs=belongs)
        )

    def _belongs(self, path: str, page: PageItem) -> str:
        """Where a page's file has to go since the page has moved; "" if it is right where it is."""
        wanted = self._paths.get(page.id, "")
        if self._key(path) == self._key(wanted):
            return ""
        try:
            return "" if self._places.slug_of(path) == page.slug else wanted
        except slugs.BadSlug:
            return wanted

    def _offer_moves(self) -> None:
        """See which files without a page are those of pages that have none any more."""
        news = [each for each in self._found.matches if not (each.page or each.entry)]
        by_blob = {each.file.blob: each for each in news if each.file and not each.file.fault}
        often = Counter(each.file.blob for each in news if each.file)
        lost = Counter(entry.blob for _, entry in self._gone.values())
        offered = dict[str, Match]()
        for id_, (path, entry) in list(self._gone.items()):
            new, page = by_blob.get(entry.blob), self._by_id.get(id_)
            if not (new and new.file) or often[entry.blob] > 1 or lost[entry.blob] > 1:
                continue
            del self._gone[id_]
            if page is None:
                # The page was deleted meanwhile: its file stays the one of that page.
                offered[new.path] = replace(new, entry=entry, kept_at=path)
                continue
            del self._given[new.slug]
            self._given[id_] = new.path
            moved = Match(path, page.slug, None, entry, page, path)
            offered[new.path] = replace(moved, renamed=new.file, renamed_to=new.slug)
        matches = self._found.matches
        self._found.matches = [offered.get(each.path, each) for each in matches]

    def _without_file(self, page: PageItem) -> None:
        entry, kept_at = self._gone_entry(page.id)
        path = self._paths.get(page.id)
        if path is None:
            return
        first = self._taken.setdefault(self._key(path), page.slug)
        if first == page.slug:
            self._found.matches.append(Match(path, page.slug, None, entry, page, kept_at))
        else:
            reason = f"its file {path} is another page's on this disk"
            self._found.clashes.append(Clash(path, page.slug, reason, of_page=True))
