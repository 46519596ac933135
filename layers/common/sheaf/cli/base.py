"""The base of a folder: what each of its files was when it and its page were last in step.

It is kept in the folder, out of sight, a file for each site and prefix. It may be behind the truth,
never ahead of it: an entry is made when both sides have the text. So one that is missing or old
makes the command ask or merge where it need not, and overwrite nothing.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from sheaf.cli.connection import ClientError
from sheaf.cli.folder import NO_STAMP, OWN, Refused, Stamp, read_regular, write_whole
from sheaf.hashing import content_tag

# A file that was changed so lately may change again without its times telling.
_UNSETTLED_NS = 2_000_000_000


class BadBase(ClientError):
    """What was kept of a folder cannot be read; the message names the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file and its page when they were last in step: `blob` is the file's, `source` the page's.

    They differ if the file has front matter for what was set apart from the page's text. Empty
    ones are of a file that was merged with this version, and is not on the site yet.
    """

    slug: str
    id: str
    version: int
    blob: str
    source: str
    stamp: Stamp = NO_STAMP


@dataclass(frozen=True)
class _Head:
    """The first line of what is kept; in each of the others there is a path and its entry."""

    format: Literal[2]
    site: str
    prefix: str


@dataclass(frozen=True)
class _Before:
    """What releases before kept, on one line."""

    format: Literal[1]
    site: str
    prefix: str
    files: dict[str, Entry]


_HEAD: TypeAdapter[_Head | _Before] = TypeAdapter(_Head | _Before)
_LINE = TypeAdapter(tuple[str, Entry])


class Base:
    """The entries of a folder for a site and a prefix, by the paths of files."""

    def __init__(self, root: Path, site: str, prefix: str) -> None:
        self.file = own_file(root, site, prefix, "json")
        self._site, self._prefix = site, prefix
        self._entries: dict[str, Entry] = {}
        self._changed = False

    @classmethod
    def load(cls, root: Path, site: str, prefix: str) -> "Base":
        """What was kept, or nothing. Raises BadBase, and OSError."""
        base = cls(root, site, prefix)
        try:
            base._entries = _entries(BytesIO(read_regular(base.file)))
        except FileNotFoundError:
            return base
        except (Refused, ValidationError) as error:
            message = (
                f"{base.file} cannot be read, or was written by another release. Without it"
                " no edit of a person is overwritten either: remove it to go on."
            )
            raise BadBase(message) from error
        return base

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The entries, by the paths of the files in NFC."""
        return self._entries

    def keep(self, path: str, entry: Entry) -> None:
        """Note that a file and its page are in step."""
        if self._entries.get(path) != entry:
            self._entries[path] = entry
            self._changed = True

    def forget(self, path: str) -> None:
        """Note that this file is no more, or has no page any more."""
        if self._entries.pop(path, None):
            self._changed = True

    def save(self) -> None:
        """Write it if it is another one; raises OSError."""
        if not self._changed:
            return
        write_own(self.file, self._lines())

    def _lines(self) -> Iterator[bytes]:
        yield _HEAD.dump_json(_Head(2, self._site, self._prefix)) + b"\n"
        for line in sorted(self._entries.items(), key=itemgetter(0)):
            yield _LINE.dump_json(line) + b"\n"


def _entries(lines: BytesIO) -> dict[str, Entry]:
    head = _HEAD.validate_json(next(lines, b""))
    return head.files if isinstance(head, _Before) else dict(map(_entry, lines))


def _entry(line: bytes) -> tuple[str, Entry]:
    path, entry = _LINE.validate_json(line)
    # Of thousands of files there is room for one text where two are the same.
    return path, replace(entry, source=entry.blob) if entry.source == entry.blob else entry


def own_file(root: Path, site: str, prefix: str, ending: str) -> Path:
    """Where something is kept of a folder, for a site and a prefix."""
    return root / OWN / f"{content_tag(f'{site} {prefix}'.encode())}.{ending}"


def write_own(file: Path, lines: Iterable[bytes]) -> None:
    """Write such a file, and see that git leaves it alone; raises OSError."""
    ignore = file.with_name(".gitignore")
    if not ignore.exists():
        write_whole(ignore, b"*\n")
    write_whole(file, lines)


def settled(stamp: Stamp) -> Stamp:
    """The stamp of a file, if it will tell that the file was changed; else one of no file."""
    age = time.time_ns() - max(stamp.mtime_ns, stamp.ctime_ns)
    return stamp if age > _UNSETTLED_NS else NO_STAMP
