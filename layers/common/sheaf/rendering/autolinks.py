"""Bare addresses as links, as in GitHub's Markdown: `https://…`, `www.…` and e-mail addresses.

They are looked for in what the parser leaves as text, once, so that no text makes it look again.
"""

import re
from collections.abc import Callable, Iterator

from markdown_it.common.normalize_url import normalizeLink
from markdown_it.token import Token

_HINTS = ("://", "www.", "@")
_FOUND = re.compile(
    r"(?<![A-Za-z])(?:(?i:https?)://|(?<![^\s*_~(])www\.)[^\s<]+"
    r"|(?<![\w.+/-])(?:mailto:)?[A-Za-z0-9.+_-]++@[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)++"
)
_DOMAIN = re.compile(r"(?:\w+://)?([\w-]+(?:\.[\w-]+)*)")
_ENTITY = re.compile(r"&[A-Za-z0-9]+;\Z")
_LONGEST_ENTITY = 34
_UNITS = 12


def may_be_in(text: str) -> bool:
    """Whether a text may have bare addresses; most have none."""
    return any(hint in text for hint in _HINTS)


def linked(children: list[Token], spend: Callable[[int], None]) -> Iterator[Token]:
    """The parts of a paragraph with the bare addresses in its text as links.

    `spend` is told of the work that each of them makes.
    """
    links = 0
    for child in children:
        links += child.nesting if child.tag == "a" else 0
        if child.type == "text" and not links and may_be_in(child.content):
            yield from _parts(child, spend)
        else:
            yield child


def _parts(token: Token, spend: Callable[[int], None]) -> Iterator[Token]:
    text, at = token.content, 0
    for found in _FOUND.finditer(text):
        spend(_UNITS)
        shown = found[0] if _is_mail(found[0]) else _trimmed(found[0])
        if href := _href(shown):
            yield Token("text", "", 0, content=text[at : found.start()], level=token.level)
            yield Token("link_open", "a", 1, {"href": href}, level=token.level, markup="autolink")
            yield Token("text", "", 0, content=shown, level=token.level + 1)
            yield Token("link_close", "a", -1, level=token.level, markup="autolink")
            at = found.start() + len(shown)
    yield Token("text", "", 0, content=text[at:], level=token.level)


def _href(shown: str) -> str:
    """The address that is meant; "" if it is none."""
    if _is_mail(shown):
        is_address = shown[-1] not in "-_"
        return normalizeLink(f"mailto:{shown.removeprefix('mailto:')}") if is_address else ""
    domain = _DOMAIN.match(shown)
    if not domain or "_" in "".join(domain[1].split(".")[-2:]):
        return ""
    return normalizeLink(f"http://{shown}" if shown.startswith("www.") else shown)


def _is_mail(shown: str) -> bool:
    return "@" in shown and "://" not in shown and not shown.startswith("www.")


def _trimmed(address: str) -> str:
    """The address without what belongs to the sentence around it."""
    extra = address.count(")") - address.count("(")
    end = len(address)
    while end:
        last = address[end - 1]
        if last in "?!.,:*_~'\"":
            end -= 1
        elif last == ")" and extra > 0:
            end, extra = end - 1, extra - 1
        elif last == ";":
            entity = _ENTITY.search(address, max(0, end - _LONGEST_ENTITY), end)
            end = entity.start() if entity else end - 1
        else:
            break
    return address[:end]
