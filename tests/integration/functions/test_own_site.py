"""A site of one's own: what settings say of it, on every page and to programs."""

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from sheaf.database.outages import Unavailable
from sheaf.pages import addresses
from tests.integration.conftest import Configure
from tests.site import Site

BASE = "https://wiki.example.org"
OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
DOCUMENTS = ("/", "/nothing", "/-/recent", "/-/edit/home", "/-/sign-in", "/-/search?q=tea")
BODY = "# Tea\n\nThree *minutes*, and no more.\n"


class Head(HTMLParser):
    """What a document says in its elements, by their tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def link(self, rel: str) -> list[dict[str, str | None]]:
        return [found for tag, found in self.elements if found.get("rel") == rel]

    def meta(self, name: str) -> str | None:
        found = [each for tag, each in self.elements if tag == "meta"]
        named = [each for each in found if name in (each.get("name"), each.get("property"))]
        return named[0]["content"] if named else None

    def first(self, tag: str) -> dict[str, str | None]:
        return next(found for name, found in self.elements if name == tag)


def head(site: Site, path: str = "/") -> Head:
    return Head(site.get(path).text)


@pytest.fixture(autouse=True)
def _nothing_noted() -> Iterator[None]:
    forget_address()
    yield
    forget_address()


def forget_address() -> None:
    addresses._noted.cache_clear()
    addresses._known.cache_clear()


def test_a_page_says_where_it_is_and_what_it_is_about(site: Site, configure: Configure) -> None:
    configure(SHEAF_SITE_URL=BASE, SHEAF_SITE_NAME="Leaves & more")
    site.create("home", BODY)
    site.create("größe/tee", "---\ndescription: A cup\n---\n# Tee\n")
    home, tea = head(site), head(site, "/gr%C3%B6%C3%9Fe/tee")
    assert home.link("canonical") == [{"rel": "canonical", "href": f"{BASE}/"}]
    assert tea.link("canonical")[0]["href"] == f"{BASE}/gr%C3%B6%C3%9Fe/tee"
    names = ("og:title", "og:type", "og:url", "og:site_name", "og:description", "description")
    words = "Three minutes, and no more."
    said = ["Tea", "article", f"{BASE}/", "Leaves & more", words, words]
    assert [home.meta(name) for name in names] == said
    assert (tea.meta("description"), tea.meta("og:description")) == ("A cup", "A cup")


def test_without_an_address_a_page_says_what_it_can(site: Site) -> None:
    site.create("home", "# Home")
    found = head(site)
    assert found.link("canonical")[0]["href"] == "/"
    assert found.meta("og:title") == "Home"
    assert found.meta("og:url") is found.meta("description") is found.meta("og:description") is None
    assert not found.link("search")
    assert site.get("/-/opensearch.xml").status_code == 404


def test_a_page_needs_no_answer_to_where_it_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fail(minute: int) -> str:
        asked.append(minute)
        raise Unavailable("no answer")

    monkeypatch.setattr(addresses, "_noted", fail)
    site.create("home", "# Home")
    site.create("tea", "# Tea")
    for path in ("/", "/tea"):
        assert head(site, path).link("canonical")[0]["href"] == path
    assert len(asked) == len(set(asked))  # once a minute


def test_browsers_learn_how_to_search(site: Site, configure: Configure) -> None:
    configure(SHEAF_SITE_URL=BASE, SHEAF_SITE_NAME="The leaves & more of the Sheaf")
    site.create("home", "# Home")
    (link,) = head(site).link("search")
    answer = site.get(str(link["href"]))
    assert (answer.status_code, answer.mimetype) == (200, link["type"])
    root = ET.fromstring(answer.data)
    assert root.tag == f"{OPENSEARCH}OpenSearchDescription"
    assert root.findtext(f"{OPENSEARCH}ShortName") == "The leaves & mor"
    (url,) = root.findall(f"{OPENSEARCH}Url")
    assert url.get("template") == f"{BASE}/-/search?q={{searchTerms}}"
    again = site.get("/-/opensearch.xml", If_None_Match=answer.headers["ETag"])
    assert again.status_code == 304


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_colour_is_allowed_by_its_hash(site: Site, configure: Configure, path: str) -> None:
    configure(SHEAF_ACCENT="#1f5fa8")
    site.create("home", "# Home")
    answer = site.get(path)
    (style,) = re.findall("<style>(.*?)</style>", answer.text, re.DOTALL)
    allowed = b64encode(sha256(style.encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert f"style-src 'self' 'sha256-{allowed}';" in policy
    assert "--accent:#1f5fa8" in style
    configure(SHEAF_ACCENT="")
    plain = site.get("/-/recent")
    assert "<style" not in plain.text
    assert "style-src 'self';" in plain.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_search_engines_may_be_sent_away(site: Site, configure: Configure, path: str) -> None:
    configure(SHEAF_SITE_URL=BASE, SHEAF_INDEXED="false")
    site.create("home", "# Home")
    assert head(site, path).meta("robots") == "noindex"
    assert site.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"


def test_search_engines_may_come_otherwise(site: Site) -> None:
    site.create("home", "# Home")
    assert head(site).meta("robots") is None
    assert "Disallow: /\n" not in site.get("/robots.txt").text


@pytest.mark.parametrize("path", DOCUMENTS)
def test_the_licence_is_named_on_each_page(site: Site, configure: Configure, path: str) -> None:
    address = "https://creativecommons.org/licenses/by-sa/4.0/"
    configure(SHEAF_LICENCE=f"CC <BY-SA> 4.0 {address}")
    site.create("home", "# Home")
    (link,) = head(site, path).link("license")
    assert link["href"] == address
    assert "CC &lt;BY-SA&gt; 4.0" in site.get(path).text


def test_a_licence_without_an_address_is_a_text(site: Site, configure: Configure) -> None:
    configure(SHEAF_LICENCE="All rights reserved")
    assert "All rights reserved" in site.get("/-/recent").text
    assert not head(site, "/-/recent").link("license")


def test_pages_that_name_no_language_are_in_the_sites(site: Site, configure: Configure) -> None:
    configure(SHEAF_LANG="de")
    site.create("home", "# Haus")
    site.create("tea", "---\nlang: en\n---\n# Tea\n")
    for path, lang in {"/": "de", "/-/history/home?version=1": "de", "/tea": "en"}.items():
        found = head(site, path)
        assert (found.first("article")["lang"], found.first("html")["lang"]) == (lang, "en")
    preview = site.post("/api/previews", {"body": "# Haus"})
    assert preview.json["lang"] == "de"


def test_another_page_is_at_the_root(site: Site, configure: Configure) -> None:
    configure(SHEAF_SITE_URL=BASE, SHEAF_START_PAGE="größe/tee")
    site.create("größe/tee", "# Tee\n\n[Top](/)\n")
    site.create("home", "# Home")
    assert site.get("/").text == site.get("/gr%C3%B6%C3%9Fe/tee").text
    found = head(site)
    assert found.link("canonical")[0]["href"] == f"{BASE}/"
    assert found.first("html")["data-start"] == "größe/tee"
    assert 'href="/gr%C3%B6%C3%9Fe/tee" rel="noopener noreferrer">Top' in site.get("/").text
    assert head(site, "/home").link("canonical")[0]["href"] == f"{BASE}/home"
    assert site.get("/", Accept="text/markdown").text == "# Tee\n\n[Top](/)\n"
    assert f"<loc>{BASE}/</loc>" in site.get("/sitemap.xml?first=0&last=4095").text


def test_the_root_follows_its_page(site: Site, configure: Configure) -> None:
    configure(SHEAF_START_PAGE="tea")
    site.create("old", "# Old")
    moved = {"from": "old", "to": "tea", "if_match": '"v1"'}
    there = site.post("/api/moves", moved).json["version"]
    assert site.get("/old").headers["Location"] == "/"
    assert site.get("/old.md").headers["Location"] == "/tea.md"
    updated = site.update("tea", "# New", there)
    assert updated.json["url"] == f"/?v={updated.json['version']}"
    assert "New" in site.get("/").text
