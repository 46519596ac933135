"""Documents: whole HTML pages, made of what storage holds and the templates, ready to send."""

from base64 import b64encode
from http import HTTPStatus
from typing import Any

from sheaf import settings, slugs, texts
from sheaf.caching.entry import Entry
from sheaf.hashing import content_tag
from sheaf.http import encodings, responses
from sheaf.http.conditions import page_tag
from sheaf.http.problems import Problem
from sheaf.http.responses import Response
from sheaf.pages import addresses, destinations, frames, surroundings
from sheaf.pages.errors import Redirected
from sheaf.pages.frames import Frame
from sheaf.pages.reads import Page
from sheaf.pages.revisions import Revision
from sheaf.pages.surroundings import Surroundings
from sheaf.pages.tree import Folder
from sheaf.rendering import accents, articles, contents, linked, templates
from sheaf.rendering.source import parse
from sheaf.slugs import BadSlug

# A better one would make a page an eighth smaller and its save ten times slower.
_QUALITY = 5
STORED_ENCODING = "br"
# What a page shows of others comes and goes.
_LOOKED_UP_SECONDS = 60
# The header that the template's CacheTagConfig names.
CDN_TAG = "cache-tag"
# What an error is to people.
_TITLES = {
    HTTPStatus.PERMANENT_REDIRECT: "This page has moved",
    HTTPStatus.BAD_REQUEST: "This address cannot be read",
    HTTPStatus.FORBIDDEN: "You may not do this",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.UNPROCESSABLE_ENTITY: "This address cannot be read",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
    HTTPStatus.SERVICE_UNAVAILABLE: "One moment, please",
}


def site(frame: Frame | None = None) -> dict[str, Any]:
    """What every template may say about the site; the frame is looked up unless it is given."""
    current, around = settings.current(), frame or frames.current()
    return {
        "menu": around.menu,
        "footer": around.footer,
        "name": current.site_name,
        "accent": accents.style(current.accent) if current.accent else "",
        "lang": current.lang,
        "licence": current.licence,
        "licence_url": current.licence_url,
        "start_page": current.start_page,
        "indexed": current.indexed,
        "sign_in_url": current.sign_in_url,
        "token_url": current.token_url,
        "sign_out_url": current.sign_out_url,
        "client_id": current.client_id,
    }


def cdn_tag(slug: str) -> str:
    """What the CDN knows everything by that it has of a page: ASCII, and without a comma."""
    return content_tag(slug.encode())


def of(slug: str, page: Page | None, below: Folder | None = None) -> Entry:
    """What is at a slug, as the cache keeps it: a page, else what is `below` it, if anything is."""
    if page:
        return entry(page)
    return folder(slug, below) if below and below.entries else absent(slug)


def saved_at(slug: str, page: Page | None) -> Entry:
    """As `of`, for a writer, who does not look around: the first reader does."""
    return saved(page) if page else absent(slug)


def saved(page: Page) -> Entry:
    """As `entry`, for a writer, who does not look around: the first reader does."""
    return entry(page, looks=False)


def entry(page: Page, *, looks: bool = True) -> Entry:
    """A page as the cache keeps it: the document, or the fact that the page was deleted.

    If nobody `looks` where its links lead and what is around it, it is to be made again as soon as
    it is read.
    """
    if page.moved_to:
        return moved(page, page.moved_to)
    if page.state != "live":
        return deleted(page)
    html = document(page, looks=looks).encode()
    of_page = cdn_tag(page.slug)
    tag = page_tag(page.version, content_tag(html)[:8], STORED_ENCODING)
    headers = {**responses.PAGE, **responses.policy(), "etag": tag, CDN_TAG: of_page}
    modified = max(page.updated_at.timestamp(), settings.current().build)
    return ready(
        html,
        "text/html; charset=utf-8",
        headers,
        version=page.version,
        modified=modified,
        fresh_for=_LOOKED_UP_SECONDS * looks,
    )


def document(page: Page, *, looks: bool = True) -> str:
    """The document of a live page; without what is around it if nobody `looks`."""
    stored = articles.of_stored(page.html, page.body, page.title)
    if looks:
        article = destinations.shown(stored, page.slug, page.file)
        around, frame = surroundings.of(page), frames.current()
    else:
        article, around, frame = linked.shown(stored), Surroundings(), Frame()
    return templates.render("page.html", **_shown(page, article, around), site=site(frame))


def _shown(page: Page, article: str, around: Surroundings) -> dict[str, Any]:
    """What is shown of a page, and told to programs that look for it."""
    said = parse(page.body).metadata
    html, contained = contents.linked(article)
    return {
        "page": page,
        "said": said,
        "article": html,
        "contents": contained,
        "around": around,
        "description": said.description or articles.first_words(article),
        "address": addresses.known(),
    }


def folder(slug: str, below: Folder) -> Entry:
    """What is shown where there is no page, but a folder of this name."""
    html = templates.render("folder.html", slug=slug, folder=below, site=site())
    return _missing(slug, html, HTTPStatus.OK)


def absent(slug: str) -> Entry:
    """What is said where there never was a page."""
    return _missing(slug, missing(slug, slug), HTTPStatus.NOT_FOUND)


def deleted(page: Page) -> Entry:
    """What is said where a page was: who deleted it, and how it comes back."""
    html = templates.render("deleted.html", page=page, site=site())
    return _missing(page.slug, html, HTTPStatus.GONE, page.version)


def _missing(slug: str, html: str, status: HTTPStatus, version: int = 0) -> Entry:
    headers = {**responses.ABSENT, **responses.policy(), CDN_TAG: cdn_tag(slug)}
    media_type = "text/html; charset=utf-8"
    return ready(html.encode(), media_type, headers, version=version, status=status)


def moved(page: Page, moved_to: str) -> Entry:
    """What is said where a page was, for as long as a page may be kept."""
    there = templates.page_path(moved_to)
    status, why = HTTPStatus.PERMANENT_REDIRECT, str(Redirected(page.slug, moved_to))
    headers = {**responses.MOVED, **responses.policy(), CDN_TAG: cdn_tag(page.slug)}
    return ready(
        error(status, why).encode(),
        "text/html; charset=utf-8",
        {**headers, "location": there},
        version=page.version,
        status=status,
    )


def source(slug: str, revision: Revision) -> Entry:
    """The Markdown of a page as it is at its address, which is that of the newest version."""
    text = revision.body.encode()
    tag = page_tag(revision.version, content_tag(text)[:8], STORED_ENCODING)
    headers = {**responses.PAGE, "etag": tag, CDN_TAG: cdn_tag(slug)}
    return ready(text, "text/markdown; charset=utf-8", headers, version=revision.version)


def of_version(slug: str, version: int, data: bytes, media_type: str) -> Entry:
    """What is said of a version of a page, or of two, and never changes under its address."""
    tag = f'"{content_tag(data)}.{STORED_ENCODING}"'
    headers = {**responses.OF_VERSION, "etag": tag, CDN_TAG: cdn_tag(slug)}
    if media_type.startswith("text/html"):
        headers |= responses.policy()
    return ready(data, media_type, headers, version=version)


def ready(
    data: bytes,
    media_type: str,
    headers: dict[str, str],
    *,
    version: int = 0,
    status: int = 200,
    modified: float = 0.0,
    quality: int = _QUALITY,
    fresh_for: int | None = None,
) -> Entry:
    """Bytes as they are sent most often: in brotli, and that in base64 as API Gateway wants it."""
    common = {"content-type": media_type, "content-encoding": STORED_ENCODING}
    body = b64encode(encodings.compress(data, STORED_ENCODING, quality))
    sent = responses.safe({**common, **headers})
    return Entry(version, body, int(status), sent, modified, fresh_for=fresh_for)


def problem(found: Problem, path: str) -> Response:
    """The answer to a request that met a problem: for programs in JSON, for people a document."""
    if path.startswith("/api/"):
        return responses.problem(found)
    is_address = found.name == "invalid-fields"
    html = error(found.status, found.detail, is_address=is_address)
    return responses.html(html, found.status, found.headers)


def missing(path: str, slug: str | None) -> str:
    """The document where no page is; `slug` is what the path stands for, None if nothing does."""
    return templates.render(
        "missing.html", status=404, path=path, slug=slug, words=slugs.words(path), site=site()
    )


def misnamed(path: str) -> Response:
    """404 at an address that no page can have; the nearest one that a page can have is offered."""
    path = texts.line(path, slugs.MAX_LENGTH)
    try:
        nearest = slugs.from_path(path)
    except BadSlug:
        nearest = None
    has_a_name = any(map(str.isalnum, path))
    return responses.html(missing(path, nearest if has_a_name else None), HTTPStatus.NOT_FOUND)


def error(status: HTTPStatus, detail: str, *, is_address: bool = False) -> str:
    """The document for an error; `is_address` if something in the address is to blame."""
    return templates.render(
        "error.html",
        status=int(status),
        title=_TITLES.get(status, "This did not work"),
        detail=detail,
        is_address=is_address,
        site=site(Frame()),
    )
