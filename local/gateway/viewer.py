"""What the CDN's viewer function does before any cache (NormalPaths in template.yaml).

That each page has one address is not needed here, where nothing is kept.
"""

from werkzeug import Request

from local.gateway import events
from sheaf import settings, slugs
from sheaf.http import media_types


def lead_to_source(request: Request) -> None:
    """Have a request for a page be one for its source, if its sender wants Markdown and no HTML."""
    accept = request.headers.get("Accept", "")
    name = events.decoded_path(request).removeprefix("/")
    if (
        request.method in ("GET", "HEAD")
        and "markdown" in accept.lower()
        and media_types.wants_markdown(accept)
        and _may_be_a_page(name)
    ):
        start = "" if name else settings.start_page()
        # As WSGI has it: each byte is a character.
        request.environ["PATH_INFO"] += f"{start}.md".encode().decode("latin-1")


def _may_be_a_page(name: str) -> bool:
    try:
        return slugs.parse(name or settings.start_page()) not in slugs.RESERVED
    except slugs.BadSlug:
        return False
