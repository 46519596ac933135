"""What a CDN should forget of the pages that have changed, in paths as CloudFront takes them."""

from collections.abc import Collection
from urllib.parse import quote

# CloudFront works on 15 wildcards at a time, and each costs as much as a path without one. Where
# more pages than this change within a minute, everything is forgotten, which is one.
_AT_MOST = 10


def paths(slugs: Collection[str]) -> list[str]:
    """A path for each page: it covers its Markdown and its ?v= as well, and pages below it.

    The site's root is the address of home.
    """
    if len(slugs) > _AT_MOST:
        return ["/*"]
    root = ["/"] if "home" in slugs else []
    return root + [f"/{quote(slug)}*" for slug in sorted(slugs)]
