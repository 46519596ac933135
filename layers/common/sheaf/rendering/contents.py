"""Contents: the headings of an article, each a link to itself, and the list of them beside it.

All that is read here was cleaned before it was stored: tags are whole, and headings are not within
one another.
"""

import re
from collections.abc import Sequence
from html import escape, unescape
from typing import NamedTuple

from sheaf import texts

# An article of fewer needs no list of them.
LEAST = 3
# Of more than so many headings those of the second level are left out, and then what is behind.
_MOST_LISTED = 120
# So much of a heading is listed.
_MOST_CHARACTERS = 120
# Headings behind so many are no links: work and size are bounded.
_MOST_LINKED = 1000
_HEADING = re.compile(r'<h([1-6]) ([^<>]*\bid="([^"<>]*)"[^<>]*)>(.*?)</h\1>', re.DOTALL)
_TITLE = re.compile(r"\s*<h1[ >]")
_NOTES = '<section class="footnotes"'
# What is no word of a heading: the number of a note, and tags.
_UNSAID = re.compile(r"<sup\b.*?</sup>|<[^<>]*>", re.DOTALL)
_IN_WORDS = re.compile(r'\balt="[^"]*[^"\s]')


class Heading(NamedTuple):
    """A heading of an article: its address and its words, both as HTML, and its depth from 1 on."""

    address: str
    text: str
    depth: int


class Contents(NamedTuple):
    """What an article contains, in two levels: the first headings, and how many are left out."""

    headings: Sequence[Heading] = ()
    left_out: int = 0


def linked(article: str) -> tuple[str, Contents]:
    """An article whose headings are links to themselves, and what it contains.

    The title is neither, and notes have no part in it. Of few headings none is listed.

    >>> linked('<h1 id="a">A</h1><h2 id="b">B</h2>')[0]
    '<h1 id="a">A</h1><h2 id="b"><a href="#b">B</a></h2>'
    """
    end_of_title = article.find("</h1>") if _TITLE.match(article) else -1
    start = end_of_title + len("</h1>") if end_of_title >= 0 else 0
    text, notes, rest = article[start:].partition(_NOTES)
    found = [_heading(match) for match in _HEADING.finditer(text)]
    shown = _HEADING.sub(_link, text, count=_MOST_LINKED)
    return article[:start] + shown + notes + rest, _listed([each for each in found if each.text])


def _heading(match: re.Match[str]) -> Heading:
    words = unescape(_UNSAID.sub("", match[4]))
    return Heading(match[3], escape(texts.line(words, _MOST_CHARACTERS)), int(match[1]))


def _link(match: re.Match[str]) -> str:
    level, attributes, address, inner = match.groups()
    if not _is_named(inner):
        return f'<h{level} role="presentation" {attributes}>{inner}</h{level}>'
    there = f'<a href="#{address}"'
    # A link within a link is none: such a heading has one of its own, behind it.
    if "<a " in inner:
        inner = f'{inner} {there} aria-label="Link to this heading"></a>'
    else:
        inner = f"{there}>{inner}</a>"
    return f"<h{level} {attributes}>{inner}</h{level}>"


def _is_named(inner: str) -> bool:
    """Whether a heading has words, or an image has: to who hears the page, others are none."""
    return bool(_UNSAID.sub("", inner).strip() or _IN_WORDS.search(inner))


def _listed(headings: Sequence[Heading]) -> Contents:
    """Those of the first two levels that there are, if they are enough."""
    levels = sorted({each.depth for each in headings})[:2]
    depths = {level: depth for depth, level in enumerate(levels, 1)}
    listed = [each._replace(depth=depths[each.depth]) for each in headings if each.depth in depths]
    if len(listed) > _MOST_LISTED:
        listed = [each for each in listed if each.depth == 1]
    if len(listed) < LEAST:
        return Contents()
    return Contents(listed[:_MOST_LISTED], max(0, len(listed) - _MOST_LISTED))
