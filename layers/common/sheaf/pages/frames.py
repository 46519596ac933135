"""The frame around every document: menu and footer, which are pages that settings name."""

from dataclasses import dataclass

from sheaf import settings, telemetry
from sheaf.database.outages import Unavailable
from sheaf.pages import destinations, lookups
from sheaf.pages.reads import Page
from sheaf.rendering import articles

# Of HTML: each document has all of it.
MOST_CHARACTERS = 20_000


@dataclass(frozen=True)
class Frame:
    """Safe HTML; "" of what the site has not, or what would be too much on each document."""

    menu: str = ""
    footer: str = ""


def current() -> Frame:
    """The frame as its pages are now; without those that a database does not give."""
    named = settings.current()
    return Frame(_part(named.menu), _part(named.footer))


def _part(slug: str) -> str:
    page = _page(slug) if slug else None
    if page is None or page.state != "live":
        return ""
    article = articles.part(articles.of_stored(page.html, page.body, page.title))
    if len(article) > MOST_CHARACTERS:
        telemetry.log("WARNING", "frame left out", slug=slug, reason="its page is too long")
        return ""
    return destinations.shown(article, page.slug, page.file)


def _page(slug: str) -> Page | None:
    try:
        page = lookups.at(slug)
        return lookups.at(page.moved_to) if page and page.moved_to else page
    except Unavailable as error:
        telemetry.log("WARNING", "frame not read", slug=slug, reason=telemetry.reason(error))
        return None
