"""The plan of an import, an export or both: what is to be done with each file and its page.

It is decided by the three states of a text: as the file has it, as the page has it, and as both had
it when they were last in step. Nothing here asks a disk or a site.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sheaf.cli.client import PageItem
from sheaf.cli.matching import File, Match

IMPORT = "import"


class Kind(StrEnum):
    """What is done with a file and its page, or why nothing is, as people are told of it."""

    CREATE = "created"
    UPDATE = "updated"
    MERGE = "merged"
    WRITE = "written"
    MOVE_PAGE = "page moved"
    MOVE_FILE = "file moved"
    DELETE_PAGE = "page deleted"
    DELETE_FILE = "file deleted"
    KEEP = "unchanged"
    LEAVE = "left"
    CONFLICT = "in conflict"
    FAIL = "failed"


@dataclass(frozen=True)
class Aim:
    """Which sides may be written to, and what may be done that undoes somebody's work."""

    to_site: bool = False
    to_folder: bool = False
    delete: bool = False
    overwrite: bool = False
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What to do with a match, and why, where that is not plain."""

    kind: Kind
    match: Match
    reason: str = ""


class Deleted:
    """The pages that were deleted: by their ids, and by their slugs."""

    def __init__(self, pages: Iterable[PageItem] = ()) -> None:
        items = list(pages)
        self.ids = {page.id for page in items}
        self.by_slug = {page.slug: page for page in items}


Decided = tuple[Kind, str]
_EDITED = "a person has saved the page, and there is no base to merge on: --overwrite replaces it"
_BOTH_NEW = "the file is new, and so is the page, with another text: --overwrite replaces it"
_IS_DRAFT = "a draft, and its page stays as it is: --drafts takes it"
_BOTH_GONE = "changed on the site, and its file was removed"


def decide(match: Match, deleted: Deleted, aim: Aim, *, has_base: bool = False) -> Step | None:
    """What to do with a match, if anything.

    If a folder `has_base` for this site, a page that is not in it is new since, whoever made it.
    """
    decided: Decided | None
    if match.renamed:
        decided = _renamed(match, match.renamed, aim)
    elif match.file and match.file.is_draft:
        decided = _draft(match)
    elif match.file and match.page:
        decided = _both(match, match.file, match.page, aim, is_new=has_base and not match.entry)
    elif match.file:
        decided = _file_alone(match, match.file, deleted, aim)
    else:
        decided = _page_alone(match, aim)
    return Step(decided[0], match, decided[1]) if decided else None


def is_based(match: Match) -> bool:
    """Whether the base knows these very two: a site set up anew has other pages."""
    return bool(match.entry and match.page and match.entry.id == match.page.id)


def changed_here(match: Match) -> bool:
    """Whether the file is another than the base has it."""
    return not (match.entry and match.file and match.entry.blob == match.file.blob)


def changed_there(match: Match) -> bool:
    """Whether the page is another than the base has it. One that has moved may have its text."""
    entry, page = match.entry, match.page
    if not (entry and page):
        return True
    return page.blob != entry.source if match.belongs else page.version != entry.version


def is_in_step(match: Match) -> bool:
    """Whether a file and its page have one text, as far as that is known."""
    unchanged = is_based(match) and not (changed_here(match) or changed_there(match))
    return match.in_step or unchanged


def _draft(match: Match) -> Decided | None:
    if not match.page:
        return None
    return (Kind.KEEP, "") if is_in_step(match) else (Kind.LEAVE, _IS_DRAFT)


def _both(match: Match, file: File, page: PageItem, aim: Aim, *, is_new: bool) -> Decided:
    if file.fault and aim.to_site:
        return Kind.FAIL, file.fault
    if match.belongs and is_based(match):
        return _misplaced(match, aim)
    if is_in_step(match):
        return Kind.KEEP, ""
    if is_based(match) and not (changed_here(match) and changed_there(match)):
        return _one_way(match, aim)
    if file.blob == page.blob:
        # Title or tags are set apart from the text.
        return (Kind.WRITE, "") if aim.to_folder else (Kind.KEEP, "")
    return _merged(aim) if is_based(match) else _without_base(page, aim, is_new=is_new)


def _merged(aim: Aim) -> Decided:
    if aim.overwrite:
        return (Kind.UPDATE if aim.to_site else Kind.WRITE), ""
    return Kind.MERGE, ""


def _one_way(match: Match, aim: Aim) -> Decided:
    if changed_here(match):
        if aim.to_site:
            return Kind.UPDATE, ""
        return (Kind.WRITE, "") if aim.overwrite else (Kind.LEAVE, "changed here only")
    if aim.to_folder:
        return Kind.WRITE, ""
    return (Kind.UPDATE, "") if aim.overwrite else (Kind.LEAVE, "changed on the site only")


def _without_base(page: PageItem, aim: Aim, *, is_new: bool) -> Decided:
    if not aim.to_site:
        if aim.overwrite:
            return Kind.WRITE, ""
        return Kind.LEAVE, "another text is in the file: --overwrite replaces it"
    if aim.overwrite or (page.origin == IMPORT and not is_new):
        return Kind.UPDATE, ""
    return (Kind.CONFLICT, _BOTH_NEW) if is_new else (Kind.LEAVE, _EDITED)


def _misplaced(match: Match, aim: Aim) -> Decided:
    """What to do with a page that has moved on the site, away from its file."""
    here, there = changed_here(match), changed_there(match)
    if here and there:
        return _merged(aim)
    if here and aim.to_site:
        return Kind.UPDATE, ""
    if here:
        return Kind.LEAVE, f"changed here only; the page is at {match.slug} now"
    if aim.to_folder:
        return Kind.MOVE_FILE, f"to {match.belongs}, as the page has moved"
    return Kind.LEAVE, f"the page is at {match.slug} now"


def _file_alone(match: Match, file: File, deleted: Deleted, aim: Aim) -> Decided | None:
    if file.fault and aim.to_site:
        return Kind.FAIL, file.fault
    if match.entry and match.entry.id in deleted.ids:
        return _deleted_there(match, aim)
    if not aim.to_site:
        return None
    tombstone = deleted.by_slug.get(match.slug)
    if tombstone and tombstone.origin != IMPORT and not aim.overwrite:
        return Kind.LEAVE, "a person has deleted the page: --overwrite brings it back"
    return Kind.CREATE, ""


def _deleted_there(match: Match, aim: Aim) -> Decided:
    if aim.to_site and aim.overwrite:
        return Kind.CREATE, ""
    if changed_here(match):
        return Kind.CONFLICT, "changed here, and its page was deleted"
    if aim.to_folder and aim.delete:
        return Kind.DELETE_FILE, "its page was deleted"
    hint = ": --delete removes the file" if aim.to_folder else ""
    return Kind.LEAVE, f"its page was deleted{hint}"


def _page_alone(match: Match, aim: Aim) -> Decided | None:
    if match.entry is None:
        return (Kind.WRITE, "") if aim.to_folder else None
    if aim.to_folder and not aim.to_site and aim.overwrite:
        return Kind.WRITE, ""
    if changed_there(match):
        return Kind.CONFLICT, _BOTH_GONE
    if aim.to_site and aim.delete:
        return Kind.DELETE_PAGE, "its file was removed"
    hint = ": --delete deletes the page" if aim.to_site else ": --overwrite writes it again"
    return Kind.LEAVE, f"its file was removed{hint}"


def _renamed(match: Match, renamed: File, aim: Aim) -> Decided:
    if aim.to_site and aim.moves:
        return Kind.MOVE_PAGE, f"to {match.renamed_to}, as its file was"
    command = f"sheaf move {match.slug} {match.renamed_to}"
    return Kind.LEAVE, f"was moved to {renamed.path}: {command}"
