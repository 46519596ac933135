"""Folders of Markdown on a disk: what is in them, read and written safely.

A file is known by its path below the folder in Unicode's composed form (NFC), as pages are. Disks
may have another spelling: some hand names out decomposed, and some take `Page.md` and `page.md` for
one file. Whatever is there already is found under its own spelling, and never written beside.
"""

import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from pathlib import Path, PurePosixPath
from uuid import uuid4

from sheaf import slugs
from sheaf.hashing import git_blob_id

# No request may be larger, so no page is: such a file need not be read.
MAX_BYTES = 1024 * 1024
# Where the command keeps what it knows of a folder: hidden, so that it is no page.
OWN = ".sheaf"
# Why something holds no page, beside its ending.
LINK, SPECIAL, HIDDEN, DRAFT = "symbolic link", "special file", "hidden name", "draft"
NO_ENDING = "without an ending"
# What may hang who opens it is not waited for, and a link put there meanwhile is not followed.
_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class Refused(Exception):
    """This file must not be read or written; the message says why."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes with a file's content, as far as the disk says: its size and its times."""

    size: int = -1
    mtime_ns: int = 0
    ctime_ns: int = 0


# Of no file.
NO_STAMP = Stamp()


@dataclass(frozen=True, slots=True)
class Found:
    """A Markdown file: its path in NFC, how the disk spells it, and what the disk says of it."""

    path: str
    spelling: str
    stamp: Stamp


@dataclass
class Contents:
    """What is in a folder: its Markdown files, in order, and how much else there is of what."""

    files: list[Found] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


class Folder:
    """A folder of Markdown. With `dry` nothing is written there, not even to try its disk."""

    def __init__(self, root: Path, *, dry: bool = False) -> None:
        self.root = root
        self._dry = dry
        # By their keys, how the disk spells the paths that are there.
        self._spellings: dict[str, str] = {}

    def contents(self) -> Contents:
        """What is there. Links are not followed, and nothing is opened.

        Raises OSError for a folder that cannot be read.
        """
        contents = Contents()
        self._spellings.clear()
        if self.root.is_dir():
            self._walk("", contents)
        contents.files.sort(key=lambda file: (file.path, file.spelling))
        return contents

    @cached_property
    def folds_case(self) -> bool:
        """Whether the disk takes `Page.md` and `page.md` for one file."""
        if not self.root.is_dir():
            return False
        for there in self.root.iterdir():
            if (other := there.name.swapcase()) != there.name:
                return _is_same(there, self.root / other)
        return not self._dry and _folds_case(self.root)

    def key(self, path: str) -> str:
        """What two paths have in common if they are one file to this disk."""
        composed = unicodedata.normalize("NFC", path)
        return composed.casefold() if self.folds_case else composed

    def read(self, file: Found) -> bytes:
        """What a file holds; raises Refused, and OSError."""
        return read_regular(self.root / file.spelling, MAX_BYTES)

    def blob(self, file: Found) -> str:
        """Git's id of what a file holds; raises Refused, and OSError."""
        return git_blob_id(self.read(file))

    def write(self, path: str, data: bytes, *, is_new: bool = False) -> Found:
        """Put a file there, whole or not at all, and say how it is there.

        Raises Refused, also if one is there that is to be new, and OSError.
        """
        spelling = self._spelling(path)
        target = self._inside(spelling)
        if is_new and os.path.lexists(target):
            raise Refused("a file is there already")
        write_whole(target, data)
        self._note(spelling)
        return Found(path, spelling, _stamp(target.lstat()))

    def remove(self, file: Found) -> None:
        """Remove a file, and the folders that it leaves empty; raises Refused and OSError."""
        target = self._inside(file.spelling)
        target.unlink()
        self._spellings.pop(self.key(file.spelling), None)
        for parent in target.parents:
            if parent == self.root or any(parent.iterdir()):
                break
            parent.rmdir()

    def _walk(self, above: str, contents: Contents) -> None:
        with os.scandir(self.root / above) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            spelling = f"{above}/{entry.name}" if above else entry.name
            self._note(spelling)
            if spelling == OWN:
                continue
            if reason := _passed_over(entry):
                contents.passed_over[reason] += 1
            elif entry.is_dir(follow_symlinks=False):
                self._walk(spelling, contents)
            else:
                path = unicodedata.normalize("NFC", spelling)
                stamp = _stamp(entry.stat(follow_symlinks=False))
                contents.files.append(Found(path, spelling, stamp))

    def _note(self, spelling: str) -> None:
        # The first of two spellings stays: it is the one that holds the page.
        self._spellings.setdefault(self.key(spelling), spelling)

    def _spelling(self, path: str) -> str:
        """How a path is spelled on the disk, as far as it is there."""
        known = ""
        for segment in path.split("/"):
            wanted = f"{known}/{segment}" if known else segment
            known = self._spellings.get(self.key(wanted), wanted)
        return known

    def _inside(self, spelling: str) -> Path:
        target = self.root / spelling
        if not target.parent.resolve().is_relative_to(self.root.resolve()):
            raise Refused("a link leads out of the folder")
        if os.path.lexists(target) and not stat.S_ISREG(target.lstat().st_mode):
            raise Refused("something is there that is not a regular file")
        return target


def checked(path: str) -> str:
    """The path, if a page may be there; raises Refused."""
    if any(segment.startswith(".") or not segment for segment in path.split("/")):
        raise Refused("the name is hidden or leads out of the folder")
    return path


def read_regular(path: Path, limit: float = inf) -> bytes:
    """What a file holds; raises Refused if it is none or larger than that, and OSError."""
    descriptor = os.open(path, _OPEN)
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("not a regular file")
        if status.st_size > limit:
            raise Refused("larger than 1 MiB")
        return opened.read()


def write_whole(target: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file whole or not at all, with the folders above it; raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{uuid4().hex}.part")
    try:
        with unfinished.open("wb") as opened:
            opened.writelines([data] if isinstance(data, bytes) else data)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _passed_over(entry: os.DirEntry[str]) -> str:
    """Why an entry of a folder holds no page; "" if it may."""
    if entry.name.startswith("."):
        return HIDDEN
    if entry.is_symlink():
        return LINK
    if entry.is_dir():
        return ""
    if not entry.is_file():
        return SPECIAL
    if slugs.is_markdown(entry.name):
        return ""
    return PurePosixPath(entry.name).suffix.lower() or NO_ENDING


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _is_same(one: Path, other: Path) -> bool:
    return other.exists() and one.exists() and one.samefile(other)


def _folds_case(root: Path) -> bool:
    probe = root / f".{uuid4().hex}.probe"
    probe.touch()
    try:
        return probe.with_suffix(".PROBE").exists()
    finally:
        probe.unlink()
