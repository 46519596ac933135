"""What a search has found, as people read it: where the pages are, and why each came where."""

from collections.abc import Iterator
from urllib.parse import quote

from sheaf.cli.client import FoundPage, FoundPages

# Which words a page has, where that is not all of them as they were typed.
_MATCHED = {
    "literal": "NOT or OR as words",
    "apart": "all of the words, but apart or in other forms",
    "beginnings": "words that begin so",
    "some": "some of the words",
}
_PLACES = {
    "title": "they are its title",
    "beginning of the title": "its title begins with them",
    "in the title": "they are in its title",
    "heading": "they are in its title, headings and tags",
    "text": "they are in its text",
}


def instead(found: FoundPages) -> str | None:
    """What was looked for where not all pages have what was typed."""
    if not found.items:
        return "no page has all of these words"
    others = [page for page in found.items if page.matched != "all"]
    if not others:
        return None
    words = _words(others[0], found)
    if len(others) == len(found.items):
        return f"no page has all of it as it was typed; these have {words}"
    return f"pages from number {len(found.items) - len(others) + 1} on have {words}"


def lines(found: FoundPages, site: str, *, explains: bool) -> Iterator[str]:
    """The title and the address of each page and, if it `explains`, why it is there."""
    for number, page in enumerate(found.items, 1):
        yield f"{page.title}  {site}{_path(page.slug)}"
        if explains:
            yield f"  {number}. has {_words(page, found)}; {_why(page)}"
    if explains and found.optional:
        yield f"not all of them have {', '.join(found.optional)}, as so many pages do"
    if explains and found.ends_early:
        yield "more pages have them than are put in order: the list ends before the last"


def _path(slug: str) -> str:
    # Which page is the site's root as well only the site knows.
    return f"/{quote(slug)}"


def _words(page: FoundPage, found: FoundPages) -> str:
    if page.matched == "meant" and found.meant:
        return f"what may have been meant: {found.meant}"
    return _MATCHED.get(page.matched, "all of the words")


def _why(page: FoundPage) -> str:
    links = "1 page links" if page.links == 1 else f"{page.links:,} pages link"
    return f"{_PLACES.get(page.place, page.place)}, and weigh {page.rank:.2f}; {links} to it"
