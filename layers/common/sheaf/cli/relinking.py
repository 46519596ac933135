"""Other addresses for links in Markdown, of which all else stays as it is, byte for byte.

Addresses stand behind `](` and `]:`, but not all that stands there is one: there is code. So each
place gets a mark, and the parser tells which of them are in links. What comes of it is taken apart
once more: if it is not the same text with those links leading elsewhere, it is not used.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from markdown_it.common.normalize_url import normalizeLink
from markdown_it.common.utils import unescapeAll
from markdown_it.helpers import parseLinkDestination

from sheaf.rendering import markdown, source
from sheaf.rendering.markdown import Skeleton
from sheaf.rendering.work import TooMuch

# The path that a link is to have in place of its own, if it is to have another one.
NewPath = Callable[[str], str | None]

# An address may begin on the next line, in a quotation as well.
_PLACE = re.compile(r"\](?:\(|:)[\s>]*<?")
_LETTER = re.compile(r"\\.|&#?\w+;|.", re.DOTALL)
_LONGEST = 4000


@dataclass(frozen=True)
class Relinked:
    """A body with other addresses, and the addresses of links that had to stay as they are."""

    body: str
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Place:
    """Where in a text a path stands that is to be another one."""

    start: int
    end: int
    path: str


def relink(body: str, new_path: NewPath) -> Relinked:
    """Give links the paths that `new_path` has for their addresses; query and fragment stay.

    It is asked for an address as HTML has it, and None has a link stay.
    """
    text = source.parse(body).text
    front = body[: len(body) - len(text)]
    try:
        done = _relink(text, new_path)
    except TooMuch:
        return Relinked(body)  # is shown as it is, without links
    return Relinked(front + done.body, done.left)


def addresses(body: str) -> list[str]:
    """The addresses of a body's links, in their order; none of a text that cannot be rendered."""
    try:
        return markdown.skeleton(source.parse(body).text).hrefs
    except TooMuch:
        return []


def _relink(text: str, new_path: NewPath) -> Relinked:
    before = markdown.skeleton(text)
    if not any(map(new_path, (*before.hrefs, *before.defined))):
        return Relinked(text)
    places = _of_links(text, list(_places(text, new_path)))
    relinked = _replaced(text, places)
    after = _checked(before, relinked, new_path)
    if after is None:
        relinked, after = _one_by_one(text, before, places, new_path)
    pairs = zip(before.hrefs, after.hrefs, strict=True)
    left = (old for old, new in pairs if old == new and new_path(old))
    return Relinked(relinked, tuple(dict.fromkeys(left)))


def _places(text: str, new_path: NewPath) -> Iterator[_Place]:
    for found in _PLACE.finditer(text):
        start = found.end()
        opening = start - found[0].endswith("<")
        address = parseLinkDestination(text, opening, min(len(text), start + _LONGEST))
        path = new_path(normalizeLink(address.str)) if address.ok else None
        if path is not None:
            end = _path_end(text, start, address.pos - (start - opening))
            yield _Place(start, end, quote(path) if "%" in text[start:end] else path)


def _path_end(text: str, start: int, end: int) -> int:
    for letter in _LETTER.finditer(text, start, end):
        if unescapeAll(letter[0]) in ("?", "#"):
            return letter.start()
    return end


def _of_links(text: str, places: Sequence[_Place]) -> list[_Place]:
    """Those that a link or the definition of a reference has, and none in code."""
    mark = "place"
    while mark in text:
        mark += "x"
    marked = _spliced(text, ((at.start, at.start, f"{mark}{n}-") for n, at in enumerate(places)))
    parts = markdown.skeleton(marked)
    found = re.compile(rf"{mark}(\d+)-")
    seen = {int(one[1]) for href in (*parts.hrefs, *parts.defined) if (one := found.match(href))}
    return [places[number] for number in sorted(seen)]


def _replaced(text: str, places: Iterable[_Place]) -> str:
    return _spliced(text, ((place.start, place.end, place.path) for place in places))


def _spliced(text: str, pieces: Iterable[tuple[int, int, str]]) -> str:
    done, at = [], 0
    for start, end, piece in pieces:
        done += [text[at:start], piece]
        at = end
    return "".join([*done, text[at:]])


def _one_by_one(
    text: str, before: Skeleton, places: Sequence[_Place], new_path: NewPath
) -> tuple[str, Skeleton]:
    """With those places alone that do no harm."""
    good: list[_Place] = []
    relinked, after = text, before
    for place in places:
        tried = _replaced(text, [*good, place])
        if parts := _checked(before, tried, new_path):
            relinked, after = tried, parts
            good.append(place)
    return relinked, after


def _checked(before: Skeleton, relinked: str, new_path: NewPath) -> Skeleton | None:
    """The text taken apart, if nothing but links leads elsewhere, and those where they should."""
    try:
        after = markdown.skeleton(relinked)
    except TooMuch:
        return None
    if after.html != before.html or len(after.hrefs) != len(before.hrefs):
        return None
    pairs = zip(before.hrefs, after.hrefs, strict=True)
    return after if all(_is_right(old, new, new_path(old)) for old, new in pairs) else None


def _is_right(old: str, new: str, path: str | None) -> bool:
    if old == new:
        return True
    was, now = urlsplit(old), urlsplit(new)
    return path == unquote(now.path) and was[3:] == now[3:]
