"""Metadata: what a text says of itself in its front matter, as far as that is understood.

What a value cannot mean has no effect, and is told; a key that means nothing here is named. Nobody
has checked what is said: dates and authors are texts, and who saved a page when is known otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sheaf import texts
from sheaf.rendering.front_matter import Data

MAX_TITLE = 200
MAX_TAG = 100
MAX_TAGS = 50
MAX_DESCRIPTION = 500
MAX_DATE = 100
MAX_AUTHOR = 100
MAX_AUTHORS = 10
ALIASES = "aliases"
MAX_ALIAS = 1000
MAX_ALIASES = 20
_MAX_KEY = 100

Direction = Literal["ltr", "rtl", "auto"]

# Numbers are those of TOML and JSON, where a generator takes one for the other.
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")

# What says the same, by what it is taken for; the first that is there counts.
_TAGS = ("tags", "keywords")
_UPDATED = ("updated", "lastmod", "last_modified_at")
_AUTHORS = ("authors", "author")
# What is told of a key calls it so, or one of what is under it.
_NAMES = {
    "lang": "language",
    "dir": "direction",
    "tags": "A tag",
    "keywords": "A keyword",
    ALIASES: "An alias",
}


@dataclass(frozen=True)
class Metadata:
    """What a text says of itself; `unused` are the keys of which nothing is made.

    `aliases` are as they are written (see links.py). A draft is one to its author: the site
    shows it all the same.
    """

    title: str | None = None
    tags: tuple[str, ...] = ()
    lang: str | None = None
    direction: Direction = "auto"
    description: str = ""
    is_draft: bool = False
    date: str = ""
    updated: str = ""
    authors: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """What is said under a key and has no effect, or none that its author may expect; and why."""

    key: str
    reason: str


def read(data: Mapping[str, Data]) -> tuple[Metadata, list[Fault]]:
    """What front matter says, and what of it has no effect."""
    reader = _Reader(data)
    return reader.metadata(), reader.faults


class _Reader:
    """Reads one key after another; what is left has no meaning here."""

    def __init__(self, data: Mapping[str, Data]) -> None:
        self._data = data
        self._unused = dict.fromkeys(data)
        self.faults: list[Fault] = []

    def metadata(self) -> Metadata:
        return Metadata(
            title=self._line("title", MAX_TITLE) or None,
            tags=self._tags(),
            lang=self._lang(),
            direction=self._direction(),
            description=self._line("description", MAX_DESCRIPTION),
            is_draft=self._is_draft(),
            date=self._line("date", MAX_DATE),
            updated=self._line(self._first(_UPDATED), MAX_DATE),
            authors=self._authors(),
            aliases=self._aliases(),
            unused=tuple(filter(None, (_line(key, _MAX_KEY) for key in self._unused))),
        )

    def _take(self, key: str) -> Data:
        self._unused.pop(key, None)
        return self._data.get(key, "")

    def _fault(self, key: str, reason: str) -> None:
        self.faults.append(Fault(key, reason))

    def _first(self, keys: Sequence[str]) -> str:
        return next((key for key in keys if key in self._data), keys[0])

    def _line(self, key: str, longest: int) -> str:
        value = self._take(key)
        if not isinstance(value, str):
            self._fault(key, f"The {_NAMES.get(key, key)} is no text, and is not used.")
        return _line(value, longest)

    def _lines(self, key: str, split: Callable[[str], list[str]], longest: int) -> list[str]:
        """The lines of a list, or of a text that `split` makes one."""
        value = self._take(key)
        if isinstance(value, dict):
            self._fault(key, f"The {key} are no list, and are not used.")
            return []
        items = split(value) if isinstance(value, str) else [*map(_as_meant, value)]
        if not all(isinstance(item, str) for item in items):
            self._fault(key, f"{_NAMES[key]} that is no text is left out.")
        return list(dict.fromkeys(filter(None, (_line(item, longest) for item in items))))

    def _tags(self) -> tuple[str, ...]:
        return tuple(self._lines(self._first(_TAGS), _words, MAX_TAG)[:MAX_TAGS])

    def _lang(self) -> str | None:
        written = self._line("lang", MAX_TITLE)
        if not written:
            return None
        tag = texts.language(written)
        if not tag:
            self._fault("lang", "The language is no tag such as en or pt-BR, and is not used.")
        return tag

    def _direction(self) -> Direction:
        written = self._line("dir", MAX_TITLE).lower()
        known: tuple[Direction, ...] = get_args(Direction)
        found = next((direction for direction in known if direction == written), None)
        if written and not found:
            self._fault("dir", "The direction is none of ltr, rtl and auto, and is not used.")
        return found or "auto"

    def _is_draft(self) -> bool:
        hiding = {"draft": _YES, "published": _NO}
        said = [key for key, values in hiding.items() if self._is(key, values)]
        for key in said:
            reason = f"Nothing is hidden: readers see the page, whatever {key} says."
            self._fault(key, reason)
        return bool(said)

    def _is(self, key: str, wanted: Sequence[str]) -> bool:
        written = self._line(key, MAX_TITLE).lower()
        if written and written not in (*_YES, *_NO):
            self._fault(key, f"The key {key} is neither true nor false, and is not used.")
        return written in wanted

    def _authors(self) -> tuple[str, ...]:
        key = self._first(_AUTHORS)
        value = self._take(key)
        items = value if isinstance(value, list) else [value]
        names = [_line(_called(item), MAX_AUTHOR) for item in items]
        if not all(isinstance(_called(item), str) for item in items):
            self._fault(key, "An author without a name is left out.")
        return tuple(dict.fromkeys(filter(None, names)))[:MAX_AUTHORS]

    def _aliases(self) -> tuple[str, ...]:
        found = self._lines(ALIASES, _parts, MAX_ALIAS)
        if len(found) > MAX_ALIASES:
            self._fault(ALIASES, f"Only the first {MAX_ALIASES} aliases are used.")
        return tuple(found[:MAX_ALIASES])


def _words(written: str) -> list[str]:
    """As Jekyll and Obsidian take it: between commas or, where there are none, between blanks."""
    return written.split(",") if "," in written else written.split()


def _parts(written: str) -> list[str]:
    return written.split(",")


def _as_meant(value: Data) -> Data:
    """An item as it was meant: to YAML `- Install: the basics` is a map, which no tag is."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, rest),) = value.items()
        return f"{name}: {rest}" if isinstance(rest, str) else value
    return value


def _called(author: Data) -> Data:
    """The name of an author, of whom some say more than that."""
    return author.get("name", author) if isinstance(author, dict) else author


def _line(value: Data, longest: int) -> str:
    if not value or not isinstance(value, str):
        return ""
    # YAML can spell lone surrogates, which no database takes.
    return texts.line(value.encode(errors="ignore").decode(), longest)
