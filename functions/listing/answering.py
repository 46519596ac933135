"""A page of a list as an answer, with the addresses of the pages around it."""

from dataclasses import asdict
from typing import Any
from urllib.parse import quote, unquote, urlencode

from aws_lambda_powertools.event_handler import Response as PowertoolsResponse
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from sheaf.http import responses
from sheaf.http.resolver import send
from sheaf.pages.lists import Listed

Answer = PowertoolsResponse[str]


def in_json(listed: Listed[Any], event: BaseProxyEvent) -> Answer:
    """The answer to a request for this page of a list."""
    body = {
        "items": [asdict(item) for item in listed.items],
        "next": listed.next,
        "prev": listed.prev,
        **({"partial": True} if listed.partial else {}),
    }
    links = {"first": address(event, None)}
    for rel, cursor in (("next", listed.next), ("prev", listed.prev)):
        if cursor:
            links[rel] = address(event, cursor)
    link = ", ".join(f'<{target}>; rel="{rel}"' for rel, target in links.items())
    return send(responses.json_text(body, headers={"link": link}))


def address(event: BaseProxyEvent, cursor: str | None) -> str:
    """The address of the request, at a cursor or the start of its list."""
    query = dict(event.query_string_parameters or {})
    for place in ("cursor", "page"):
        query.pop(place, None)
    if cursor:
        query["cursor"] = cursor
    path = quote(unquote(event.path))
    return f"{path}?{urlencode(query)}" if query else path
