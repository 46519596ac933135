"""Conditional requests (RFC 9110, 8.8 and 13): entity tags and dates, and when they match.

Imported for every cached page, so it imports little.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache

ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')
# Of a document, or of the page's JSON.
_PAGE_TAG = re.compile(r'"v([0-9]{1,15})["-]')


def page_tag(version: int, content: str, encoding: str) -> str:
    """The entity tag of a page as a document: its version, its content's digest, its encoding.

    With the version in it, a reader who has seen a newer one can say so.
    """
    return f'"v{version}-{content}.{encoding}"'


def version_etag(version: int) -> str:
    """The entity tag of a page's JSON: versions never restart, so each names one content."""
    return f'"v{version}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether If-None-Match names this entity tag (weak comparison): the answer is then 304."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in ENTITY_TAG.findall(if_none_match)


def newest_version(if_none_match: str | None) -> int:
    """The newest version of a page that If-None-Match tells of; 0 if it does not."""
    return max(map(int, _PAGE_TAG.findall(if_none_match or "")), default=0)


def http_date(moment: float) -> str:
    """An instant (Unix time) as HTTP writes it: Mon, 02 Nov 2026 14:03:11 GMT."""
    return _http_date(int(moment))


@lru_cache(maxsize=1024)
def _http_date(second: int) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))


def unchanged_since(if_modified_since: str | None, modified: float) -> bool:
    """Whether something that changed then is no newer than the sender's; False for nonsense."""
    if not if_modified_since:
        return False
    if if_modified_since == http_date(modified):
        return True
    # Not needed for a date that we gave out ourselves.
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    try:
        return int(modified) <= parsedate_to_datetime(if_modified_since).timestamp()
    except (ValueError, OverflowError):
        return False
