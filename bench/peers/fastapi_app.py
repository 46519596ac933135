"""FastAPI with redis-py, for Lambda by Mangum.

The client is the one that blocks: an instance has no other request to serve meanwhile, and a
connection of asyncio's costs more.
"""

import os

import prepared
import redis
from fastapi import FastAPI, Request, Response
from mangum import Mangum

app = FastAPI()
client = redis.Redis.from_url(os.environ["SHEAF_CACHE_URL"])


@app.get("/{slug:path}")
async def page(slug: str, request: Request) -> Response:
    """The page."""
    body, headers = prepared.cached(client, f"fastapi:{slug}")
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers)


handler = Mangum(app, lifespan="off")
