"""What language models read first: the pages by folder, in Markdown (https://llmstxt.org)."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from listing.parameters import Answer
from sheaf import settings, texts
from sheaf.hashing import content_tag
from sheaf.http import responses
from sheaf.http.resolver import send
from sheaf.pages import addresses, lists
from sheaf.pages.errors import Unaddressed
from sheaf.pages.lists import Filters, Listed
from sheaf.pages.reads import PageItem
from sheaf.paging import PageRequest
from sheaf.rendering import templates

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]

ADDRESS = "/llms.txt"
_MEDIA_TYPE = "text/plain; charset=utf-8"
_CACHE_CONTROL = "max-age=0, s-maxage=3600"
# As many as a model can look through. The longest titles and addresses make 3 MB of it.
_PAGES = 1000
# What is Markdown, or HTML, within a line.
_MARKS = re.compile(r"[\\`*_\[\]<>&~|$!#]")


@router.get(ADDRESS, include_in_schema=False)
def llms() -> Answer:
    """The first pages by slug, each with the address of its source; raises Unavailable."""
    found = lists.read(lists.all_pages(Filters(), "slug"), PageRequest(_PAGES))
    body = "\n".join(_lines(_site(), found))
    etag = f'"{content_tag(body.encode())}"'
    if_none_match = router.current_event.headers.get("if-none-match")
    return send(responses.text(body, _MEDIA_TYPE, etag, if_none_match, _CACHE_CONTROL))


def _site() -> str:
    """Where the site is; "" if it does not know: then addresses begin with a slash."""
    try:
        return addresses.base()
    except Unaddressed:
        return ""


def _lines(site: str, found: Listed[PageItem]) -> Iterator[str]:
    yield f"# {_escaped(settings.current().site_name)}"
    for folder, pages in _by_folder(found.items):
        yield f"\n## {_escaped(folder)}/\n"
        yield from (_link(page.title, site + templates.source_path(page.slug)) for page in pages)
    if found.next:
        yield "\n## More pages\n"
        yield _link(
            "All that come after these, as JSON",
            f"{site}/api/pages?sort=slug&cursor={quote(found.next)}",
        )
    yield ""


def _by_folder(pages: Sequence[PageItem]) -> list[tuple[str, list[PageItem]]]:
    """The folders, each before those in it, with their pages; "" is the top."""
    folders: dict[str, list[PageItem]] = defaultdict(list)
    for page in pages:
        folders[page.slug.rpartition("/")[0]].append(page)
    return sorted(folders.items(), key=lambda item: item[0].split("/"))


def _link(title: str, address: str) -> str:
    return f"- [{_escaped(title)}]({address})"


def _escaped(text: str) -> str:
    """A text on one line, which Markdown shows as it is."""
    return _MARKS.sub(r"\\\g<0>", texts.line(text))
