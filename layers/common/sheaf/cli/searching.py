"""What a search has found, as people read it: where the pages are, and why each came where."""

from collections.abc import Iterator
from urllib.parse import quote

from sheaf import slugs
from sheaf.cli.client import FoundPage, FoundPages

# What was looked for, where that is not all of the words as they were typed.
_INSTEAD = {
    "apart": "no page has all of it as it was typed; these have its words, but apart",
    "beginnings": "no page has all of these words; these have words that begin so",
    "some": "no page has all of these words; these have most of them",
}


def instead(found: FoundPages) -> str | None:
    """What was looked for, if it is not what was typed."""
    if not found.items:
        return "no page has all of these words"
    if found.meant:
        return f"no page has what was typed; results for: {found.meant}"
    return _INSTEAD.get(found.matched)


def lines(found: FoundPages, site: str, *, explains: bool) -> Iterator[str]:
    """The title and the address of each page and, if it `explains`, why it is there."""
    for place, page in enumerate(found.items, 1):
        yield f"{page.title}\t{site}{_path(page.slug)}"
        if explains:
            yield f"  {place}. {_why(page)}"
    if explains and found.ends_early:
        yield "More pages have these words than are put in order: the list ends before the last."


def _why(page: FoundPage) -> str:
    links = "1 page links" if page.links == 1 else f"{page.links:,} pages link"
    return f"{_PLACES.get(page.place, page.place)}; the words weigh {page.rank:.2f}; {links} to it"


_PLACES = {
    "title": "the words are its title",
    "beginning of the title": "its title begins with the words",
    "in the title": "its title has all the words",
    "heading": "its title, headings and tags have all the words",
    "text": "its text has the words",
}


def _path(slug: str) -> str:
    return "/" if slug == slugs.HOME else f"/{quote(slug)}"
