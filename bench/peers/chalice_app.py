"""Chalice with redis-py. Its routes have no greedy variables, so it serves slugs without "/"."""

import os

import prepared
import redis
from chalice import Chalice, Response

app = Chalice(app_name="peer")
app.api.binary_types.append("text/html")
client = redis.Redis.from_url(os.environ["SHEAF_CACHE_URL"])


@app.route("/{slug}")
def page(slug: str) -> Response:
    """The page."""
    body, headers = prepared.cached(client, f"chalice:{slug}")
    if app.current_request.headers.get("if-none-match") == headers["etag"]:
        return Response(b"", headers, 304)
    return Response(body, headers)
