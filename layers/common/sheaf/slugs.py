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
    slug = unicodedata.normalize("NFC", raw)
    if len(slug) > MAX_LENGTH:
        raise BadSlug(f"A slug has at most {MAX_LENGTH} characters.")
    segments = slug.split("/")
    for segment in segments:
        _check_segment(segment)
    if segments[0] in RESERVED_FIRST or slug in RESERVED:
        raise BadSlug(f"The name {slug if slug in RESERVED else segments[0]!r} is reserved.")
    if slug.endswith(".md"):
        raise BadSlug("A slug does not end in .md: that address serves the page's source.")
    return slug


def parse_quoted(raw: str) -> str:
    """As `parse`, for a path that may still be percent-encoded (no slug contains a '%')."""
    return parse(unquote(raw))


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
