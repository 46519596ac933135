"""A page's source: Markdown, with YAML front matter before it if its author likes.

The text is stored byte for byte. Title and tags are read from it, here and nowhere else, so
that an imported file, a page saved in the browser and an exported file agree.
"""

import re
from dataclasses import dataclass
from typing import Any

import yaml

_FRONT_MATTER = re.compile(
    r"\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_MAX_FRONT_MATTER = 8192
MAX_TITLE = 200
MAX_TAG = 100
MAX_TAGS = 50


@dataclass(frozen=True)
class Source:
    """The parts of a page's source; `title` is the front matter's, if it gives one."""

    title: str | None
    tags: tuple[str, ...]
    text: str


def parse(body: str) -> Source:
    """Split front matter from text. What is no mapping in valid YAML is text, not front matter."""
    found = _FRONT_MATTER.match(body)
    meta = _mapping(found[1]) if found and len(found[1]) <= _MAX_FRONT_MATTER else None
    if found is None or meta is None:
        return Source(None, (), body.removeprefix("\ufeff"))
    return Source(_title(meta.get("title")), _tags(meta.get("tags")), body[found.end() :])


def title(parts: Source, heading: str | None, slug: str) -> str:
    """What a page is called: by its front matter, else its first heading, else its slug's end."""
    return (parts.title or heading or slug.rpartition("/")[2])[:MAX_TITLE]


def _mapping(front_matter: str) -> dict[str, Any] | None:
    try:
        meta = yaml.safe_load(front_matter)
    # A date such as 2026-13-40 is a ValueError; hundreds of nested brackets are too deep.
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return meta if isinstance(meta, dict) else None


def _title(value: object) -> str | None:
    return _line(value) or None


def _tags(value: object) -> tuple[str, ...]:
    values = value.split(",") if isinstance(value, str) else value
    names = map(_line, values) if isinstance(values, list) else ()
    return tuple(dict.fromkeys(name[:MAX_TAG] for name in names if name))[:MAX_TAGS]


def _line(value: object) -> str:
    # YAML can spell characters that no database takes ("\0") and that no reader sees.
    text = str(value) if isinstance(value, str | int | float) else ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
