"""The manual's pictures, which the site on a laptop shows in its pages of the manual.

Elsewhere the manual is no part of a site, and neither are these.
"""

from pathlib import Path
from typing import NamedTuple

from werkzeug import Request, Response

from sheaf.hashing import content_tag
from sheaf.http.responses import REVALIDATE, safe

MOUNT = "/images"
MEDIA_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}
# Opened by its own address a drawing may have styles, but runs nothing and loads nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Image(NamedTuple):
    """A file as it is served."""

    media_type: str
    body: bytes


class Images:
    """Exactly the pictures that a folder has now, below /images.

    A page with the name of one of them, such as `images/architecture.svg`, is not reachable there.
    """

    def __init__(self, folder: Path) -> None:
        """Read all pictures in `folder`, which need not be there."""
        self._images = {
            f"{MOUNT}/{path.relative_to(folder).as_posix()}": _read(path)
            for path in folder.rglob("*")
            if path.suffix in MEDIA_TYPES
        }

    def respond(self, request: Request) -> Response | None:
        """Answer who reads a picture, or return None for any other request."""
        image = self._images.get(request.path)
        if image is None or request.method not in ("GET", "HEAD"):
            return None
        headers = safe({"cache-control": REVALIDATE, "content-security-policy": POLICY})
        answer = Response(image.body, headers=headers, content_type=image.media_type)
        answer.set_etag(content_tag(image.body))
        return answer.make_conditional(request)


def _read(path: Path) -> Image:
    return Image(MEDIA_TYPES[path.suffix], path.read_bytes())
