"""A page's source: Markdown, with front matter before it if its author likes.

The text is stored byte for byte. Title, tags and all else that it says of itself are read from it,
here and nowhere else, so that an imported file, a page saved in the browser and an exported file
agree.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import NamedTuple

from sheaf import texts
from sheaf.rendering import front_matter, metadata
from sheaf.rendering.front_matter import Data
from sheaf.rendering.metadata import MAX_TAG, MAX_TITLE, Metadata

# Of a page's text, in UTF-8.
MAX_BYTES = 1024 * 1024
# All front matter, with the lines around it, is within so many characters.
BEGINNING = front_matter.MAX_LENGTH + 100


@dataclass(frozen=True)
class SourceWarning:
    """Something in a source that its author may not have meant: the line, from 1, and why."""

    line: int
    reason: str


class Heading(NamedTuple):
    """A heading of a text: its words, and its level from 1 to 6."""

    text: str
    level: int


class Title(NamedTuple):
    """What a page is called, and the HTML that shows it above a text: "" if the text does so."""

    text: str
    headline: str


@dataclass(frozen=True)
class Source:
    """The parts of a page's source: its text, and what its front matter says of it.

    `data` is all that is there, and `metadata` what is understood. A block that is no front matter
    is in `text`, byte for byte, and `warnings` says so.
    """

    text: str
    metadata: Metadata = field(default_factory=Metadata)
    data: Mapping[str, Data] = field(default_factory=dict)
    warnings: tuple[SourceWarning, ...] = ()


@lru_cache(maxsize=2)  # of what is saved, a document is made next
def parse(body: str) -> Source:
    """Split front matter from text."""
    text = body.removeprefix("\ufeff")
    if not text.startswith(front_matter.BEGINNINGS):
        return Source(text)
    try:
        block = front_matter.read(text)
    except front_matter.Unreadable as why:
        reason = f"This is not front matter and stays text: {why.reason}."
        return Source(text, warnings=(SourceWarning(why.line, reason),))
    if block is None:
        return Source(text)
    said, faults = metadata.read(block.data)
    before = text[: block.end]
    warnings = tuple(SourceWarning(line_of(fault.key, before), fault.reason) for fault in faults)
    return Source(text[block.end :], said, block.data, warnings)


def title(parts: Source, first: Heading | None, slug: str, given: str | None = None) -> Title:
    """What a page is called: as it is given, else by its front matter, else its first heading.

    Without any of them it is the end of the slug. A text shows its title itself if its first
    heading is of the first level and says the same.
    """
    of_heading = texts.line(first.text, MAX_TITLE) if first else ""
    name = given or parts.metadata.title or of_heading or slug.rpartition("/")[2]
    is_in_text = first is not None and first.level == 1 and of_heading == name
    return Title(name, "" if is_in_text else f"<h1>{escape(name)}</h1>\n")


def names(title: str, tags: Iterable[str]) -> tuple[str, list[str]]:
    """A title and tags that an older release may have stored, as they would be stored today.

    A title of which nothing can be seen becomes "".
    """
    lines = filter(None, (texts.line(tag, MAX_TAG) for tag in tags))
    return texts.line(title, MAX_TITLE), list(dict.fromkeys(lines))


def line_of(key: str, block: str) -> int:
    """The line of front matter, from 1, at which a key is; 1 if it is not found there."""
    found = re.search(rf"^[ \t{{]*[\"']?{key}\b", block, re.MULTILINE)
    return block.count("\n", 0, found.start()) + 1 if found else 1
