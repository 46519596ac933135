"""The Atom feed of what happened to pages (RFC 4287), of the site or of a folder."""

from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from listing import days, elements
from listing.parameters import Answer, Folder, folder_of
from sheaf import settings
from sheaf.pages import addresses, lists
from sheaf.pages.events import Event
from sheaf.paging import PageRequest
from sheaf.rendering import templates

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]

ADDRESS = "/-/feed.atom"
_NAMESPACE = "http://www.w3.org/2005/Atom"
_MEDIA_TYPE = "application/atom+xml"
_ENTRIES = 50
# A CDN may keep it for a minute.
_CACHE_CONTROL = "max-age=0, s-maxage=60"


def address_of(folder: str) -> str:
    """The address of a folder's feed, or of the site's ("")."""
    return f"{ADDRESS}?folder={quote(folder)}" if folder else ADDRESS


@router.get(ADDRESS, include_in_schema=False)
def feed(folder: Folder = None) -> Answer:
    """The newest changes, without imports; raises Unaddressed."""
    name, site = folder_of(folder), addresses.base()
    events = lists.read(lists.changes(name), PageRequest(_ENTRIES)).items
    event = router.current_event
    return elements.send(event, _feed(site, name, events), _MEDIA_TYPE, _CACHE_CONTROL)


def _feed(site: str, folder: str, events: list[Event]) -> ET.Element:
    root = ET.Element("feed", xmlns=_NAMESPACE)
    name = settings.current().site_name
    itself = site + address_of(folder)
    listed = f"{site}/-/recent" + (f"?folder={quote(folder)}" if folder else "")
    elements.add(root, "id", itself)
    elements.add(root, "title", f"{name}: changes in {folder}" if folder else f"{name}: changes")
    elements.add(root, "updated", templates.machine_time(_updated(events)))
    ET.SubElement(root, "link", rel="self", type=_MEDIA_TYPE, href=itself)
    ET.SubElement(root, "link", rel="alternate", type="text/html", href=listed)
    for event in events:
        _add_entry(root, site, event)
    return root


def _updated(events: list[Event]) -> datetime:
    """When the feed was last changed: one without entries as the site was, or today."""
    newest = events or lists.read(lists.changes(imports=True), PageRequest(1)).items
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0)
    return newest[0].created_at if newest else today


def _add_entry(root: ET.Element, site: str, event: Event) -> None:
    entry = ET.SubElement(root, "entry")
    # The same wherever the site is: an event has an id of its own.
    elements.add(entry, "id", f"urn:uuid:{event.id}")
    elements.add(entry, "title", f"{event.title} ({event.kind})")
    elements.add(entry, "updated", templates.machine_time(event.created_at))
    author = ET.SubElement(entry, "author")
    elements.add(author, "name", event.author)
    elements.add(author, "uri", f"{site}/-/users/{quote(event.author)}")
    link = site + days.show(event).link
    ET.SubElement(entry, "link", rel="alternate", type="text/html", href=link)
    elements.add(entry, "summary", event.comment or _sentence(event))


def _sentence(event: Event) -> str:
    if event.kind == "moved":
        here, there = event.moved_from or event.slug, event.moved_to or event.slug
        return f"{event.author} moved {here} to {there}."
    return f"{event.author} {event.kind} {event.slug}."
