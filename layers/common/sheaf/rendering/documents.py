"""Documents: whole HTML pages, made of what storage holds and the templates."""

from http import HTTPStatus

from sheaf import settings
from sheaf.caching import Entry
from sheaf.hashing import etag
from sheaf.rendering import templates
from sheaf.storage.pages import Page


def site() -> dict[str, str]:
    """What every template may say about the site."""
    current = settings.current()
    return {
        "name": current.site_name,
        "sign_in_url": current.sign_in_url,
        "token_url": current.token_url,
        "client_id": current.client_id,
    }


def entry(page: Page) -> Entry:
    """A page as the cache keeps it: the document, or the fact that the page was deleted."""
    if page.state != "live":
        return Entry(page.version, int(HTTPStatus.GONE), "", page.title, "")
    body = templates.render("page.html", page=page, site=site())
    return Entry(page.version, int(HTTPStatus.OK), etag(body.encode()), page.title, body)


def error(status: HTTPStatus, detail: str, slug: str | None = None) -> str:
    """The document for an error; `slug` if a page could be made there."""
    return templates.render(
        "error.html", status=int(status), title=status.phrase, detail=detail, slug=slug, site=site()
    )
