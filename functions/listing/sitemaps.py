"""Sitemaps, for search engines: an index of parts, of which each has the pages of some hash slots.

Slots are filled by chance, so parts are of about one size, however many pages there are and
whichever come and go; and none is counted off to.
"""

from typing import Annotated
from xml.etree import ElementTree as ET

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from listing import elements
from listing.parameters import Answer
from sheaf.hashing import SLOTS
from sheaf.pages import addresses
from sheaf.pages.addresses import Located
from sheaf.rendering import templates

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]

ADDRESS = "/sitemap.xml"
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_CACHE_CONTROL = "max-age=0, s-maxage=3600"
# So many pages a part shall have: far fewer than a sitemap may, since an answer has at most 6 MB,
# and an address up to 2 KB. A site may grow by some times before its size is known again.
_PAGES, _MOST_PAGES = 2000, 10_000

Slot = Annotated[int | None, Query(ge=0, lt=SLOTS)]


@router.get(ADDRESS, include_in_schema=False)
def sitemap(first: Slot = None, last: Slot = None) -> Answer:
    """The index, or the part of all slots from the first to the last; raises Unaddressed."""
    site = addresses.base()
    if first is None or last is None:
        root = _index(site, _parts(addresses.about_how_many()))
    else:
        root = _part(site, addresses.of_slots(range(first, last + 1), _MOST_PAGES))
    return elements.send(router.current_event, root, "application/xml", _CACHE_CONTROL)


def _parts(pages: int) -> int:
    """How many parts so many pages make: a power of two, so that slots change parts rarely."""
    parts = 1
    while parts * _PAGES < pages and parts < SLOTS:
        parts *= 2
    return parts


def _index(site: str, parts: int) -> ET.Element:
    root = ET.Element("sitemapindex", xmlns=_NAMESPACE)
    size = SLOTS // parts
    for first in range(0, SLOTS, size):
        part = ET.SubElement(root, "sitemap")
        elements.add(part, "loc", f"{site}{ADDRESS}?first={first}&last={first + size - 1}")
    return root


def _part(site: str, pages: list[Located]) -> ET.Element:
    root = ET.Element("urlset", xmlns=_NAMESPACE)
    for page in pages:
        url = ET.SubElement(root, "url")
        elements.add(url, "loc", site + templates.page_path(page.slug))
        elements.add(url, "lastmod", templates.machine_time(page.updated_at))
    return root
