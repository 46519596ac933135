"""Elements: XML for programs, which is made of them and never of text."""

import re
from xml.etree import ElementTree as ET

from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from listing.parameters import Answer
from sheaf.hashing import content_tag
from sheaf.http import responses
from sheaf.http.resolver import send as send_response

# What XML 1.0 has no way to say. Old titles may hold it.
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def add(parent: ET.Element, name: str, text: str) -> None:
    """Add an element that holds a text."""
    ET.SubElement(parent, name).text = _UNSPEAKABLE.sub("\ufffd", text)


def send(event: BaseProxyEvent, root: ET.Element, media_type: str, cache_control: str) -> Answer:
    """The answer that a document is, with an entity tag of its content: 304 to who has it."""
    body = ET.tostring(root, "utf-8", xml_declaration=True)
    etag = f'"{content_tag(body)}"'
    if_none_match = event.headers.get("if-none-match")
    answer = responses.text(body.decode(), media_type, etag, if_none_match, cache_control)
    return send_response(answer)
