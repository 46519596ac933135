"""Documents: whole HTML pages, made of what storage holds and the templates, ready to send."""

from base64 import b64encode
from http import HTTPStatus

from sheaf import settings
from sheaf.caching.entry import Entry
from sheaf.hashing import content_tag
from sheaf.http import encodings, responses
from sheaf.http.conditions import page_tag
from sheaf.http.problems import Problem
from sheaf.http.responses import Response
from sheaf.pages.errors import Deleted, NotFound
from sheaf.pages.reads import Page
from sheaf.rendering import templates

# A better one would make a page an eighth smaller and its save ten times slower.
_QUALITY = 5
STORED_ENCODING = "br"
# The header that the template's CacheTagConfig names.
CDN_TAG = "cache-tag"


def site() -> dict[str, str]:
    """What every template may say about the site."""
    current = settings.current()
    return {
        "name": current.site_name,
        "sign_in_url": current.sign_in_url,
        "token_url": current.token_url,
        "client_id": current.client_id,
    }


def cdn_tag(slug: str) -> str:
    """What the CDN knows everything by that it has of a page: ASCII, and without a comma."""
    return content_tag(slug.encode())


def of(slug: str, page: Page | None) -> Entry:
    """What is at a slug, as the cache keeps it: a page, or that there is none."""
    return entry(page) if page else absent(slug)


def entry(page: Page) -> Entry:
    """A page as the cache keeps it: the document, or the fact that the page was deleted."""
    if page.state != "live":
        return absent(page.slug, page.version)
    html = templates.render("page.html", page=page, site=site()).encode()
    of_page = cdn_tag(page.slug)
    tag = page_tag(page.version, content_tag(html)[:8], STORED_ENCODING)
    headers = {**responses.PAGE, **responses.policy(), "etag": tag, CDN_TAG: of_page}
    modified = max(page.updated_at.timestamp(), settings.current().build)
    return ready(html, "text/html; charset=utf-8", headers, version=page.version, modified=modified)


def absent(slug: str, version: int = 0) -> Entry:
    """What is said where no page is: there never was one, or this version deleted it."""
    why = Deleted(slug, version) if version else NotFound(f"page {slug}")
    status = HTTPStatus.GONE if version else HTTPStatus.NOT_FOUND
    html = error(status, str(why), slug).encode()
    headers = {**responses.ABSENT, **responses.policy(), CDN_TAG: cdn_tag(slug)}
    return ready(html, "text/html; charset=utf-8", headers, version=version, status=status)


def ready(
    data: bytes,
    media_type: str,
    headers: dict[str, str],
    *,
    version: int = 0,
    status: int = 200,
    modified: float = 0.0,
    quality: int = _QUALITY,
) -> Entry:
    """Bytes as they are sent most often: in brotli, and that in base64 as API Gateway wants it."""
    common = {"content-type": media_type, "content-encoding": STORED_ENCODING}
    body = b64encode(encodings.compress(data, STORED_ENCODING, quality))
    return Entry(version, body, int(status), responses.safe({**common, **headers}), modified)


def problem(found: Problem, path: str) -> Response:
    """The answer to a request that met a problem: for programs in JSON, for people a document."""
    if path.startswith("/api/"):
        return responses.problem(found)
    return responses.html(error(found.status, found.detail), found.status, found.headers)


def error(status: HTTPStatus, detail: str, slug: str | None = None) -> str:
    """The document for an error; `slug` if a page could be made there."""
    return templates.render(
        "error.html", status=int(status), title=status.phrase, detail=detail, slug=slug, site=site()
    )
