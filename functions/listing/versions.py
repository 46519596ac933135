"""Versions of a page, and what changed between two: they never change, so each is made once."""

import time
from dataclasses import asdict
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from listing.parameters import Answer, View
from sheaf.caching.entry import Entry
from sheaf.http import documents, problems, responses
from sheaf.http.representations import Difference
from sheaf.http.requests import Request
from sheaf.http.resolver import send
from sheaf.pages import diffs, lookups, read_through
from sheaf.pages.errors import NotFound
from sheaf.pages.revisions import Revision
from sheaf.rendering import linked, markdown, source, templates

_HTML, _JSON = "text/html; charset=utf-8", "application/json"
_MARKDOWN = "text/markdown; charset=utf-8"


def version(event: BaseProxyEvent, slug: str, number: int) -> Answer:
    """A version with its text, for programs; raises NotFound."""

    def make() -> Entry:
        return _json(slug, number, asdict(lookups.revision(slug, number)))

    return _kept(event, slug, f"json&version={number}", make)


def version_document(event: BaseProxyEvent, slug: str, number: int) -> Answer:
    """A version as it was, or that it deleted or moved the page, for people; raises NotFound."""

    def make() -> Entry:
        found = lookups.revision(slug, number)
        parts = source.parse(found.body)
        rendered = markdown.render_stored(parts.text, slug, found.file)
        title = source.title(parts, rendered.heading, slug, found.title)
        # Which pages there are changes: of a version, which does not, links all look alike.
        article = linked.shown(title.headline + rendered.html)
        shown = {"revision": asdict(found), "said": parts.metadata, "article": article}
        return _html("revision.html", slug, number, **shown)

    return _kept(event, slug, f"version={number}", make)


def version_source(event: BaseProxyEvent, slug: str, number: int) -> Answer:
    """The Markdown of a version, byte for byte; raises NotFound, also where it has none."""

    def make() -> Entry:
        found = lookups.revision(slug, number)
        if found.state != "live":
            raise NotFound(f"text in version {number} of page {slug}")
        return documents.of_version(slug, number, found.body.encode(), _MARKDOWN)

    return _kept(event, slug, f"source&version={number}", make)


def difference(event: BaseProxyEvent, slug: str, old: int | None, new: int | None) -> Answer:
    """What changed between two versions, for programs; raises NotFound."""
    if old is None or new is None:
        raise problems.bad_request("Name two versions, ?from=…&to=…")

    def make(old: int, new: int) -> Entry:
        before, after = _two(slug, old, new)
        found: Difference = {"from": old, "to": new, "diff": diffs.unified(before, after)}
        return _json(slug, new, found)

    return _kept(event, slug, f"json&from={old}&to={new}", partial(make, old, new))


def difference_document(event: BaseProxyEvent, slug: str, old: int, new: int, view: View) -> Answer:
    """What changed between two versions, for people; raises NotFound."""

    def make() -> Entry:
        before, after = _two(slug, old, new)
        shown = diffs.shown(before, after)
        return _html("diff.html", slug, new, before=before, after=after, shown=shown, view=view)

    what = f"from={old}&to={new}" + (f"&view={view}" if view else "")
    return _kept(event, slug, what, make)


def _two(slug: str, old: int, new: int) -> tuple[Revision, Revision]:
    return lookups.revision(slug, old), lookups.revision(slug, new)


def _json(slug: str, version: int, value: object) -> Entry:
    return documents.of_version(slug, version, responses.encode(value).encode(), _JSON)


def _html(template: str, slug: str, version: int, **context: Any) -> Entry:
    html = templates.render(template, site=documents.site(), slug=slug, **context)
    return documents.of_version(slug, version, html.encode(), _HTML)


def _kept(event: BaseProxyEvent, slug: str, what: str, make: read_through.Make) -> Answer:
    now = time.time()
    entry = read_through.immutable(slug, what, make, now)
    return send(responses.of(entry, Request(event.raw_event), now))
