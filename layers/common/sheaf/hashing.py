"""Digests and hash slots: the one place that says which hash function does which job.

SHA-256 names content (ETags, static files), places slugs in slots and signs cursors.
SHA-1 is used only where git's object format demands it; it proves nothing about an author.
MD5 is used only for S3, whose protocol has it, to notice accidents on the way.
"""

import base64
import hashlib
import hmac
from functools import lru_cache

SLOTS = 4096


@lru_cache(maxsize=1024)  # each request asks for the same one several times
def slot(slug: str) -> int:
    """The hash slot, 0 to 4095, in which a slug (or a user's handle) lives for ever."""
    return int.from_bytes(hashlib.sha256(slug.encode()).digest()[:8], "big") % SLOTS


def content_tag(data: bytes) -> str:
    """Twenty hex digits that name this content: equal content, equal tag (80 bits)."""
    return hashlib.sha256(data).hexdigest()[:20]


def git_blob_id(data: bytes) -> str:
    """The id that `git hash-object` gives a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def content_md5(data: bytes) -> str:
    """The header Content-MD5 (RFC 1864) of a body: S3 refuses what has arrived as something else.

    The header is defined with MD5. Against accidents, and against nobody's intent, that will do.
    """
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def sign(key: bytes, message: bytes) -> bytes:
    """The HMAC-SHA-256 of a message, 32 bytes."""
    return hmac.digest(key, message, "sha256")
