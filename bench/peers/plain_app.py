"""The same writes without a lock: SELECT, and an UPDATE that checks the version.

It stores what Sheaf stores, by the same statement, and renders the same HTML. It has no tokens, no
cache and no edit leases.
"""

from typing import Any
from uuid import uuid4

from sqlalchemy import select
from werkzeug import Request, Response

from bench.locked_write import SELECT
from sheaf.database.tables import pages
from sheaf.http import responses
from sheaf.pages import claims, editing, saves
from sheaf.pages.claims import Claim
from sheaf.pages.saves import LockLost, Write
from sheaf.sharding import shards


@Request.application
def app(request: Request) -> Response:
    """GET or PUT of one page, as in Sheaf's API."""
    slug = request.path.removeprefix("/api/pages/")
    with shards.owning(slug).connect() as connection:
        return (
            _put(connection, slug, request) if request.method == "PUT" else _get(connection, slug)
        )


def _get(connection: Any, slug: str) -> Response:
    found = connection.execute(select(pages.c.version, pages.c.body).where(pages.c.slug == slug))
    version, body = found.one()
    return _answer(version, {"version": version, "body": body})


def _put(connection: Any, slug: str, request: Request) -> Response:
    content = editing.compose(slug, request.get_json()["body"])
    if "If-None-Match" in request.headers:
        claim = claims.claim(connection, slug, 1, uuid4())
    else:
        claim = Claim(slug, *connection.execute(SELECT.where(pages.c.slug == slug)).one())
        if request.headers["If-Match"] != f'"v{claim.version}"':
            return Response(status=412)
    try:
        saved = saves.save(connection, claim, Write(uuid4(), "plain", "", "live", content))
    except LockLost:
        return Response(status=412)
    return _answer(saved.version, {"version": saved.version})


def _answer(version: int, value: dict[str, object]) -> Response:
    text = responses.encode(value)
    return Response(text, headers={"etag": f'"v{version}"'}, content_type="application/json")
