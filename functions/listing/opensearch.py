"""How browsers search the site from their own box (OpenSearch 1.1)."""

from xml.etree import ElementTree as ET

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from listing import elements
from listing.parameters import Answer
from sheaf import settings, texts
from sheaf.pages import addresses

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]

_NAMESPACE = "http://a9.com/-/spec/opensearch/1.1/"
_MEDIA_TYPE = "application/opensearchdescription+xml"
_CACHE_CONTROL = "max-age=0, s-maxage=3600"
# What the format has room for.
_SHORT, _LONG = 16, 48


@router.get("/-/opensearch.xml", include_in_schema=False)
def description() -> Answer:
    """Where and how the site is searched; raises Unaddressed."""
    event = router.current_event
    return elements.send(event, _description(addresses.base()), _MEDIA_TYPE, _CACHE_CONTROL)


def _description(site: str) -> ET.Element:
    root = ET.Element("OpenSearchDescription", xmlns=_NAMESPACE)
    name = settings.current().site_name
    elements.add(root, "ShortName", texts.line(name, _SHORT))
    elements.add(root, "LongName", texts.line(name, _LONG))
    elements.add(root, "Description", f"Search the pages of {texts.line(name)}")
    elements.add(root, "InputEncoding", "UTF-8")
    ET.SubElement(root, "Url", type="text/html", template=f"{site}/-/search?q={{searchTerms}}")
    return root
