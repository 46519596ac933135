"""Links in the HTML of an article: which pages they may mean, and how they look once that is known.

An article is stored with each link leading where it most likely does, and with what was written
where that may mean several pages: no reader ever gets that. Which pages there are is looked up when
the article is shown (see pages/destinations.py). All that is read here was cleaned before it was
stored: no value of an attribute has a `<`, a `>` or a quotation mark in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape, unescape

from sheaf.rendering import links
from sheaf.rendering.links import Target

# The attributes that keep what was written: an address, and the name in `[[Name]]`.
WRITTEN, NAME = "data-written", "data-name"
_TAG = re.compile(r"<a ([^<>]*)>")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_KEPT = re.compile(rf' (?:{WRITTEN}|{NAME})="[^"]*"')
_HREF = re.compile(r'\bhref="[^"]*"')
_MISSING = ' class="missing"'
_WHY = ' title="There is no page yet."'


@dataclass(frozen=True)
class Link:
    """The pages that a link may lead to by its path, the likeliest first; its name, if it has one.

    None of a link is "".
    """

    readings: tuple[Target, ...]
    name: str = ""


def found(html: str, slug: str, file: str = "") -> dict[str, Link]:
    """The links to pages of the site in the article of the page at `slug`, by their tags.

    They come in their order. `file` is as for `links.readings`.
    """
    tags = {tag: _link(tag, slug, file) for tag in dict.fromkeys(_TAG.findall(html))}
    return {tag: link for tag, link in tags.items() if link}


def shown(html: str, decided: Mapping[str, Target | None] | None = None) -> str:
    """An article as readers get it.

    Links lead where it was `decided` by their tags; those that lead to no page (None) look missing.
    All others lead where it was stored.
    """
    known = decided or {}
    return _TAG.sub(lambda tag: f"<a {_attributes(tag[1], known)}>", html)


def _link(tag: str, slug: str, file: str) -> Link | None:
    given = {name: unescape(value) for name, value in _ATTRIBUTE.findall(tag)}
    href, name = given.get("href", ""), given.get(NAME)
    if name:
        return Link(links.named(name, slug, file, href.partition("#")[2]), name)
    readings = links.readings(given.get(WRITTEN, href), slug, file)
    return Link(readings) if readings else None


def _attributes(tag: str, decided: Mapping[str, Target | None]) -> str:
    attributes = _KEPT.sub("", f" {tag}").lstrip()
    if tag not in decided:
        return attributes
    target = decided[tag]
    if target is None:
        return attributes + _MISSING + ("" if ' title="' in f" {tag}" else _WHY)
    return _HREF.sub(lambda _: f'href="{escape(target.href)}"', attributes, count=1)
