"""Folders of Markdown: which file stands for which page.

The file `guide/install.md` is the page `guide/install`. Names that start with a dot are hidden:
such a file is no page and such a page gets no file.
"""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NoReturn
from uuid import uuid4

from sheaf import slugs

_SUFFIX = ".md"


class Refused(Exception):
    """This page must not be written here; the message says why."""


def markdown_files(root: Path) -> list[PurePosixPath]:
    """The Markdown files below a folder, sorted, relative to it. Links are not followed.

    Raises OSError for a folder that cannot be read.
    """
    return sorted(_walk(root))


def slug_of(path: PurePosixPath) -> str:
    """The slug of the page that a file holds; raises slugs.BadSlug."""
    return slugs.parse(str(path).removesuffix(_SUFFIX))


def path_of(slug: str) -> PurePosixPath:
    """The file that a page belongs in, relative to the folder; raises Refused."""
    if any(segment.startswith(".") or not segment for segment in slug.split("/")):
        raise Refused("the name is hidden or leads out of the folder")
    return PurePosixPath(slug + _SUFFIX)


def write(root: Path, path: PurePosixPath, data: bytes) -> None:
    """Put a file into the folder, whole or not at all; raises Refused and OSError."""
    target = root / path
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise Refused("a link leads out of the folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{uuid4().hex}.part")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def folds_case(root: Path) -> bool:
    """Whether the folder's file system takes `Page.md` and `page.md` for one file."""
    probe = root / f".{uuid4().hex}.probe"
    probe.touch()
    try:
        return probe.with_suffix(".PROBE").exists()
    finally:
        probe.unlink()


def _walk(root: Path) -> Iterator[PurePosixPath]:
    for folder, subfolders, names in os.walk(root, onerror=_stop):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            if name.endswith(_SUFFIX) and not name.startswith(".") and not path.is_symlink():
                yield PurePosixPath(path.relative_to(root).as_posix())


def _stop(error: OSError) -> NoReturn:
    raise error
