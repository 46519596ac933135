"""Static files, under names that carry their content's hash so that browsers keep them for ever."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sheaf.hashing import content_tag

# Where they are on the site.
ADDRESS = "/-/static/"
_FOLDER = Path(__file__).with_name("static")
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# How one static file names another: import … from "./session.js"
_REFERENCE = re.compile(rb'"\./([\w-]+\.\w+)"')


class StaticFile(NamedTuple):
    """A file as it is served. Under its hashed name it never changes."""

    hashed_name: str
    media_type: str
    body: bytes

    @property
    def path(self) -> str:
        """The file's address on the site."""
        return f"{ADDRESS}{self.hashed_name}"


@cache
def read(name: str) -> StaticFile:
    """The file with this plain name, such as `style.css`; raises FileNotFoundError."""
    path = _FOLDER / name
    # References are replaced first, so the hash covers the files that this one loads too.
    body = _REFERENCE.sub(_hashed_reference, path.read_bytes())
    hashed_name = f"{path.stem}.{content_tag(body)}{path.suffix}"
    return StaticFile(hashed_name, _MEDIA_TYPES[path.suffix], body)


def url(name: str) -> str:
    """The address of the file with this plain name; raises FileNotFoundError."""
    return read(name).path


def everything() -> list[StaticFile]:
    """All files."""
    return [*_by_hashed_name().values()]


def find(hashed_name: str) -> StaticFile | None:
    """The file that a request asks for by its hashed name."""
    return _by_hashed_name().get(hashed_name)


@cache
def _by_hashed_name() -> dict[str, StaticFile]:
    files = (read(path.name) for path in _FOLDER.iterdir())
    return {file.hashed_name: file for file in files}


def _hashed_reference(match: re.Match[bytes]) -> bytes:
    return f'"./{read(match[1].decode()).hashed_name}"'.encode()
