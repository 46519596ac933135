"""A page's source: Markdown, with front matter before it if its author likes.

The text is stored byte for byte. Title and tags are read from it, here and nowhere else, so
that an imported file, a page saved in the browser and an exported file agree.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from sheaf import texts
from sheaf.rendering import front_matter
from sheaf.rendering.front_matter import Data

# Of a page's text, in UTF-8.
MAX_BYTES = 1024 * 1024
MAX_TITLE = 200
MAX_TAG = 100
MAX_TAGS = 50


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
    """The parts of a page's source; `title` is the front matter's, if it gives one.

    `data` is all that the front matter says. A block that is none is in `text`, byte for byte, and
    `warnings` says so.
    """

    title: str | None
    tags: tuple[str, ...]
    text: str
    data: dict[str, Data] = field(default_factory=dict)
    warnings: tuple[SourceWarning, ...] = ()


def parse(body: str) -> Source:
    """Split front matter from text."""
    text = body.removeprefix("\ufeff")
    if not text.startswith(front_matter.BEGINNINGS):
        return Source(None, (), text)
    try:
        block = front_matter.read(text)
    except front_matter.Unreadable as why:
        reason = f"This is not front matter and stays text: {why.reason}."
        return Source(None, (), text, warnings=(SourceWarning(why.line, reason),))
    if block is None:
        return Source(None, (), text)
    data, rest = block.data, text[block.end :]
    warnings = tuple(_ignored(data, text[: block.end]))
    return Source(_title(data.get("title")), _tags(data.get("tags")), rest, data, warnings)


def title(parts: Source, first: Heading | None, slug: str, given: str | None = None) -> Title:
    """What a page is called: as it is given, else by its front matter, else its first heading.

    Without any of them it is the end of the slug. A text shows its title itself if its first
    heading is of the first level and says the same.
    """
    of_heading = texts.line(first.text, MAX_TITLE) if first else ""
    name = given or parts.title or of_heading or slug.rpartition("/")[2]
    is_in_text = first is not None and first.level == 1 and of_heading == name
    return Title(name, "" if is_in_text else f"<h1>{escape(name)}</h1>\n")


def names(title: str, tags: Iterable[str]) -> tuple[str, list[str]]:
    """A title and tags that an older release may have stored, as they would be stored today.

    A title of which nothing can be seen becomes "".
    """
    lines = filter(None, (texts.line(tag, MAX_TAG) for tag in tags))
    return texts.line(title, MAX_TITLE), list(dict.fromkeys(lines))


def _title(value: object) -> str | None:
    return _line(value, MAX_TITLE) or None


def _tags(value: object) -> tuple[str, ...]:
    values = value.split(",") if isinstance(value, str) else value
    names = [_line(_tag(each), MAX_TAG) for each in values] if isinstance(values, list) else []
    return tuple(dict.fromkeys(filter(None, names)))[:MAX_TAGS]


def _tag(value: object) -> object:
    """A tag as it was meant: to YAML `- Install: the basics` is a map, which no tag is."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, rest),) = value.items()
        return f"{name}: {rest}" if isinstance(rest, str) else value
    return value


def _line(value: object, longest: int) -> str:
    text = value if isinstance(value, str) else ""
    # YAML can spell lone surrogates, which no database takes.
    return texts.line(text.encode(errors="ignore").decode(), longest)


def _ignored(data: dict[str, Data], block: str) -> Iterator[SourceWarning]:
    """Of a title and of tags what is none, and so has no effect."""
    title, tags = data.get("title", ""), data.get("tags", "")
    if not isinstance(title, str):
        yield SourceWarning(_line_of("title", block), "The title is no text, and is not used.")
    if isinstance(tags, dict):
        yield SourceWarning(_line_of("tags", block), "The tags are no list, and are not used.")
    elif not all(isinstance(_tag(tag), str) for tag in tags):
        yield SourceWarning(_line_of("tags", block), "A tag that is no text is left out.")


def _line_of(key: str, block: str) -> int:
    found = re.search(rf"^[ \t{{]*[\"']?{key}\b", block, re.MULTILINE)
    return block.count("\n", 0, found.start()) + 1 if found else 1
