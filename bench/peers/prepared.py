"""The page that the peers keep in their caches: the bytes and headers that Sheaf sends."""

import json
import os
import pickle
from base64 import b64decode
from pathlib import Path
from typing import Any

SECONDS = 24 * 3600
Page = tuple[bytes, dict[str, str]]


def page() -> Page:
    """Body, compressed, and headers; stands for reading and rendering, which no cache hit does."""
    content = json.loads(Path(os.environ["BENCH_PAGE"]).read_text())
    return b64decode(content["body"]), content["headers"]


def cached(client: Any, key: str) -> Page:
    """The page from Redis in one round trip; if it is not there, it is put there."""
    data = client.get(key)
    if data is not None:
        found: Page = pickle.loads(data)
        return found
    made = page()
    client.set(key, pickle.dumps(made), ex=SECONDS)
    return made
