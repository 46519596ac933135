"""Origin: whether a request has come by way of the site's own CDN.

The CDN sends the origin verification secret. A request without it is direct access to the origin,
where there would be no firewall and no cache. Imported for every cached page, so it imports little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

HEADER = "x-sheaf-origin"


def is_ours(headers: Mapping[str, str], keys: Sequence[str]) -> bool:
    """Whether the headers, named in lower case, have any of these keys; without keys, yes."""
    if not keys:
        return True
    from hmac import compare_digest  # noqa: PLC0415 - where there is no CDN nobody needs it

    given = headers.get(HEADER, "").encode()
    return any(compare_digest(given, key.encode()) for key in keys)
