"""Slugs: the names of pages, and the rules that make a string one."""

import unicodedata
from urllib.parse import unquote

MAX_LENGTH = 200
RESERVED_FIRST = frozenset({"api", "-"})
RESERVED = frozenset({"robots.txt", "sitemap.xml", "feed.atom", "favicon.svg"})


class BadSlug(ValueError):
    """The string breaks one of the rules for slugs; the message names the rule."""


def parse(raw: str) -> str:
    """The slug that a decoded path or a file name stands for, in Unicode NFC.

    Raises BadSlug for anything else.
    """
    slug = _parse_path(raw)
    if slug in RESERVED:
        raise BadSlug(f"The name {slug!r} is reserved.")
    if slug.endswith(".md"):
        raise BadSlug("A slug does not end in .md: that address serves the page's source.")
    return slug


def parse_quoted(raw: str) -> str:
    """As `parse`, for a path that may still be percent-encoded (no slug contains a '%')."""
    return parse(unquote(raw))


def parse_quoted_folder(raw: str) -> str:
    """What slugs begin with, before a slash, as `parse_quoted` reads it.

    It need not be a slug itself: there may be pages below `robots.txt` or `notes.md`.
    """
    return _parse_path(unquote(raw))


def _parse_path(raw: str) -> str:
    path = unicodedata.normalize("NFC", raw)
    if len(path) > MAX_LENGTH:
        raise BadSlug(f"A slug has at most {MAX_LENGTH} characters.")
    segments = path.split("/")
    for segment in segments:
        _check_segment(segment)
    if segments[0] in RESERVED_FIRST:
        raise BadSlug(f"The name {segments[0]!r} is reserved.")
    return path


def _check_segment(segment: str) -> None:
    if not segment:
        raise BadSlug("A slug has no empty segment: no slash at either end, no two in a row.")
    if segment in (".", ".."):
        raise BadSlug("A slug has no segment '.' or '..'.")
    if not all(_is_allowed(character) for character in segment):
        raise BadSlug("A slug's segments are made of letters, digits, '-', '_' and '.'.")


def _is_allowed(character: str) -> bool:
    # Combining marks (category M) belong to letters in many scripts: Devanagari, Thai, Arabic.
    return character in "-_." or unicodedata.category(character)[0] in "LNM"
