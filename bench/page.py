"""The page that is read: written through the API, read through the gateway, and as an event."""

import gzip
import json
import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from werkzeug import Request
from werkzeug.test import EnvironBuilder

from bench import prose
from bench.servers import ISSUER
from local.gateway import events
from local.gateway.config import MOUNT, GatewayConfig
from local.gateway.routing import Router
from local.laptop import issuer
from local.laptop.app import create_app

WORDS = 3850
# What a browser sends that matters to a cache.
HEADERS = {"Accept": "text/html,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br, zstd"}
# Of the transport, not of the page.
_TRANSPORT = ("connection", "content-length", "date", "server")


@dataclass(frozen=True)
class Page:
    """A page as it is sent: its HTML's size, its headers and its compressed body."""

    slug: str
    html_bytes: int
    headers: dict[str, str]
    body: bytes

    def save(self, path: Path) -> None:
        """Write it where the peers read what to keep in their caches."""
        content = {"headers": self.headers, "body": b64encode(self.body).decode()}
        path.write_text(json.dumps(content))


class Site:
    """A site to which the page is written, and from which it is read as a browser reads it."""

    def __init__(self, client: httpx.Client, token: str) -> None:
        self._client, self._token = client, token

    @classmethod
    def here(cls, home: Path) -> "Site":
        """The site in this process, behind the local gateway."""
        transport = httpx.WSGITransport(create_app())
        client = httpx.Client(transport=transport, base_url=ISSUER.removesuffix(MOUNT))
        return cls(client, issuer.mint(home, ISSUER, "bench", "editor"))

    @classmethod
    def at(cls, url: str, home: Path) -> "Site":
        """The local site that runs at this address, with its state in `home`."""
        return cls(httpx.Client(base_url=url), issuer.mint(home, url + MOUNT, "bench", "editor"))

    def write(self, slug: str) -> None:
        """Save the page as the editor does, which also puts it into the cache."""
        headers = {"Authorization": f"Bearer {self._token}", "If-None-Match": "*"}
        body = {"body": prose.markdown(WORDS)}
        self._client.put(f"/api/pages/{slug}", json=body, headers=headers).raise_for_status()

    def read(self, slug: str) -> Page:
        """The page as it is sent; what comes uncompressed is compressed here, for the peers."""
        html, _ = self._get(slug, {"Accept-Encoding": "identity"})
        body, headers = self._get(slug, HEADERS)
        if "content-encoding" not in headers:
            headers["content-encoding"], body = "gzip", gzip.compress(body)
        return Page(slug, len(html), headers, body)

    def _get(self, slug: str, headers: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
        with self._client.stream("GET", f"/{slug}", headers=headers) as answer:
            body = b"".join(answer.raise_for_status().iter_raw())
        kept = {name: value for name, value in answer.headers.items() if name not in _TRANSPORT}
        return body, kept


def event(slug: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """What API Gateway's HTTP API hands to a function for a GET of the page."""
    client = {"REMOTE_ADDR": "127.0.0.1"}
    built = EnvironBuilder(f"/{slug}", headers=headers.items(), environ_base=client)
    request = Request(built.get_environ())
    match = _router().match("GET", request.path)
    if match is None:
        raise LookupError(f"no function answers {request.path}")
    return events.build(request, match, None)


def rest_event(slug: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """The same from API Gateway's REST API, the only one that Chalice answers."""
    modern = event(slug, headers)
    context = {"resourcePath": "/{slug}", "httpMethod": "GET", "path": f"/{slug}"}
    return {
        "resource": "/{slug}",
        "path": f"/{slug}",
        "httpMethod": "GET",
        "headers": modern["headers"],
        "multiValueQueryStringParameters": None,
        "pathParameters": {"slug": slug},
        "stageVariables": None,
        "requestContext": {**modern["requestContext"], **context},
        "body": None,
        "isBase64Encoded": False,
    }


@cache
def _router() -> Router:
    return Router(GatewayConfig.read(os.environ).load().routes)
