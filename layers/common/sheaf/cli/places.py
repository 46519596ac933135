"""Which page a file of a folder holds, and which file of it is a page's.

The folder has all pages of a site, or with a prefix those below it: then `manual/install.md` of the
site is its `install.md`.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

from sheaf import slugs
from sheaf.cli.folder import checked
from sheaf.hashing import content_tag

# What file systems take at most, in UTF-8.
_MAX_SEGMENT = 255


@dataclass(frozen=True)
class Places:
    """The files of a folder and the pages of a site; without a prefix ("") it has all of them."""

    prefix: str = ""

    def slug_of(self, path: str) -> str:
        """The slug of the page that a file holds; raises slugs.BadSlug."""
        return slugs.from_file(self.file_of(path))

    def file_of(self, path: str) -> str:
        """A file's path below the folder of all pages."""
        return f"{self.prefix}/{path}" if self.prefix else path

    def sent_file(self, path: str, slug: str) -> str:
        """The file to tell the site of; "" if it would not take it as that of the page."""
        file = self.file_of(path)
        try:
            slugs.check_file(file, slug)
        except slugs.BadFile:
            return ""
        return file if len(file) <= slugs.MAX_FILE else ""

    def path_of(self, file: str) -> str | None:
        """Where the page with this file belongs; None if that is not in this folder.

        A segment that no disk would take is shortened, always in the same way. Raises
        folder.Refused if no page may be there.
        """
        segments = file.split("/")
        if self.prefix:
            depth = self.prefix.count("/") + 1
            above, segments = segments[:depth], segments[depth:]
            if not segments or slugs.folder_from_path("/".join(above)) != self.prefix:
                return None
        return "/".join(map(_shortened, checked("/".join(segments)).split("/")))


def _shortened(segment: str) -> str:
    if len(segment.encode()) <= _MAX_SEGMENT:
        return segment
    suffix = PurePosixPath(segment).suffix if slugs.is_markdown(segment) else ""
    end = f"-{content_tag(segment.encode())[:8]}{suffix}"
    return segment.encode()[: _MAX_SEGMENT - len(end)].decode(errors="ignore") + end
