"""What a CDN should forget of the pages that have changed, in paths as CloudFront takes them."""

from collections.abc import Collection
from urllib.parse import quote

# Each path costs half a cent, and the CDN asks for every page again after a minute anyway. Where
# more pages than this change between two runs of upkeep, all are forgotten, which is one path.
_AT_MOST = 3


def paths(slugs: Collection[str]) -> list[str]:
    """A path for each page: it covers its Markdown and its ?v= as well, and pages below it.

    The site's root is the address of home.
    """
    if len(slugs) > _AT_MOST:
        return ["/*"]
    root = ["/"] if "home" in slugs else []
    return root + [f"/{quote(slug)}*" for slug in sorted(slugs)]
