"""Media types: what a client wants of an address that has more than one.

The CDN's viewer function goes by the same rule (NormalPaths in template.yaml).
"""

import re
from collections.abc import Iterator

from sheaf.http import encodings

# What is quoted is no weight and no type, whatever it holds.
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"?')


def wants_markdown(accept: str) -> bool:
    """Whether an Accept (RFC 9110, 12.5.1) names text/markdown and not text/html.

    Ranges such as `*/*` name neither, and what has the weight 0 is not wanted.

    >>> wants_markdown("text/markdown, */*;q=0.1"), wants_markdown("text/html, text/markdown")
    (True, False)
    """
    wanted = set(_wanted(accept))
    return "text/markdown" in wanted and "text/html" not in wanted


def _wanted(accept: str) -> Iterator[str]:
    for item in _QUOTED.sub("", accept).lower().split(","):
        media_type, *parameters = (part.strip(" \t") for part in item.split(";"))
        weight = next((each for each in parameters if each.startswith("q=")), "q=1")
        if encodings.thousandths(weight):
            yield media_type
