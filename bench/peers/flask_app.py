"""Flask with Flask-Caching, for gunicorn and, by apig-wsgi, for Lambda, as their manuals say.

The view's result is cached, so a cache hit is one GET and the view does not run.
"""

import os

import prepared
from apig_wsgi import make_lambda_handler
from flask import Flask, Response, request
from flask_caching import Cache

app = Flask(__name__)
cache = Cache(
    app,
    config={
        "CACHE_TYPE": "RedisCache",
        "CACHE_REDIS_URL": os.environ["SHEAF_CACHE_URL"],
        "CACHE_DEFAULT_TIMEOUT": prepared.SECONDS,
    },
)


@app.get("/<path:slug>")
@cache.cached()
def page(slug: str) -> tuple[bytes, dict[str, str]]:  # noqa: ARG001
    """The page."""
    body, headers = prepared.page()
    return body, headers


@app.after_request
def conditional(response: Response) -> Response:
    """Make it a 304 for a browser that has the page."""
    return response.make_conditional(request)


handler = make_lambda_handler(app, binary_support=True)
