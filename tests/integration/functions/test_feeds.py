"""The Atom feeds of the site and of folders: valid by RFC 4287, and what readers can go by."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listing import elements, feeds
from sheaf.database import site_url
from sheaf.pages import addresses
from sheaf.sharding import shards
from tests.integration.conftest import Configure
from tests.site import CREATE, Site

BASE = "https://wiki.example.org"
ATOM = "{http://www.w3.org/2005/Atom}"
# RFC 3339 as RFC 4287 wants it: with capital letters.
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def addressed(site: Site, configure: Configure) -> Site:
    configure(SHEAF_SITE_URL=f"{BASE}/")
    return site


@pytest.fixture(autouse=True)
def _nothing_noted() -> Iterator[None]:
    addresses._noted.cache_clear()
    yield
    addresses._noted.cache_clear()


def read(site: Site, query: str = "") -> ET.Element:
    answer = site.get(f"/-/feed.atom{query}")
    assert (answer.status_code, answer.mimetype) == (200, "application/atom+xml"), answer.text
    root = ET.fromstring(answer.data)
    check(root)
    return root


def check(feed: ET.Element) -> None:
    """What RFC 4287, 4.1.1 and 4.1.2, asks for, and no element that it does not know."""
    assert feed.tag == f"{ATOM}feed"
    known = {"id", "title", "updated", "link", "entry"}
    assert {each.tag.removeprefix(ATOM) for each in feed} <= known
    _check_common(feed)
    assert {link.get("rel") for link in feed.findall(f"{ATOM}link")} == {"self", "alternate"}
    for entry in feed.findall(f"{ATOM}entry"):
        known = {"id", "title", "updated", "link", "author", "summary"}
        assert {each.tag.removeprefix(ATOM) for each in entry} == known
        _check_common(entry)
        (author,) = entry.findall(f"{ATOM}author")
        assert author.findtext(f"{ATOM}name")
        assert str(author.findtext(f"{ATOM}uri")).startswith(f"{BASE}/-/users/")
    ids = [str(each.text) for each in feed.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids))


def _check_common(element: ET.Element) -> None:
    for name in ("id", "title", "updated"):
        (found,) = element.findall(f"{ATOM}{name}")
        assert found.text
        assert not found.attrib  # so a title is plain text
    assert INSTANT.fullmatch(str(element.findtext(f"{ATOM}updated")))
    for link in element.findall(f"{ATOM}link"):
        href = str(link.get("href"))
        assert href.startswith(f"{BASE}/")
        assert href.isascii()
        assert " " not in href
    (alternate,) = [
        link for link in element.findall(f"{ATOM}link") if link.get("rel") == "alternate"
    ]
    assert alternate.get("type") == "text/html"


def titles(feed: ET.Element) -> list[str]:
    return [str(entry.findtext(f"{ATOM}title")) for entry in feed.findall(f"{ATOM}entry")]


def test_the_newest_changes_without_imports(addressed: Site) -> None:
    addressed.put("guide/tea", {"body": "# Tea & \\<cups>\n", "comment": "Why"}, CREATE)
    addressed.put("cups", {"body": "# Cups\n", "origin": "import"}, CREATE)
    addressed.delete("guide/tea", 1)
    feed = read(addressed)
    assert titles(feed) == ["Tea & <cups> (deleted)", "Tea & <cups> (created)"]
    deleted, created = feed.findall(f"{ATOM}entry")
    assert created.findtext(f"{ATOM}summary") == "Why"
    assert deleted.findtext(f"{ATOM}summary") == "alice deleted guide/tea."
    assert feed.findtext(f"{ATOM}updated") == deleted.findtext(f"{ATOM}updated")
    assert feed.findtext(f"{ATOM}id") == f"{BASE}/-/feed.atom"


def test_an_entry_is_known_by_its_event_wherever_the_site_is(addressed: Site) -> None:
    addressed.create("größe/茶", "# Tea\n")
    (event,) = addressed.get("/api/changes").json["items"]
    (entry,) = read(addressed).findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}id") == f"urn:uuid:{uuid.UUID(event['id'])}"
    (link,) = entry.findall(f"{ATOM}link")
    assert link.get("href") == f"{BASE}/-/history/{quote('größe/茶')}?version=1"
    path = str(link.get("href")).removeprefix(BASE)
    assert addressed.get(path).status_code == 200
    told = datetime.fromisoformat(event["created_at"]).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert entry.findtext(f"{ATOM}updated") == told


def test_a_folder_has_a_feed_of_its_own(addressed: Site) -> None:
    addressed.create("größe/tea", "# Tea\n")
    addressed.create("cups", "# Cups\n")
    feed = read(addressed, f"?folder={quote('größe')}")
    assert titles(feed) == ["Tea (created)"]
    assert feed.findtext(f"{ATOM}title") == "Sheaf: changes in größe"
    (itself,) = [link for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"]
    assert itself.get("href") == f"{BASE}/-/feed.atom?folder={quote('größe')}"
    assert titles(read(addressed, "?folder=nothing")) == []


def test_no_more_than_fifty_are_told(addressed: Site) -> None:
    for number in range(52):
        addressed.create(f"page-{number}", "x")
    found = titles(read(addressed))
    assert (len(found), found[0]) == (50, "page-51 (created)")


def test_what_has_not_changed_is_not_sent_again(addressed: Site) -> None:
    addressed.create("tea", "# Tea\n")
    first = addressed.get("/-/feed.atom")
    assert first.headers["Cache-Control"] == "max-age=0, s-maxage=60"
    etag = first.headers["ETag"]
    assert addressed.get("/-/feed.atom", If_None_Match=etag).status_code == 304
    addressed.update("tea", "# Tea\n\nmore", 1)
    again = addressed.get("/-/feed.atom", If_None_Match=etag)
    assert (again.status_code, again.headers["ETag"] == etag) == (200, False)


def test_a_feed_without_changes_is_as_old_as_the_newest_change(addressed: Site) -> None:
    before = datetime.now(UTC).date()
    updated = datetime.fromisoformat(read(addressed).findtext(f"{ATOM}updated", ""))
    assert before <= updated.date() <= datetime.now(UTC).date()
    assert (updated.hour, updated.minute, updated.second) == (0, 0, 0)
    addressed.create("tea", "# Tea")
    newest = read(addressed).findtext(f"{ATOM}updated")
    assert read(addressed, "?folder=empty").findtext(f"{ATOM}updated") == newest


@pytest.mark.parametrize("path", ["/-/feed.atom", "/sitemap.xml", "/sitemap.xml?first=0&last=9"])
def test_without_an_address_there_is_none_and_the_setting_is_named(site: Site, path: str) -> None:
    answer = site.get(path, Host="evil.example.net")
    assert answer.status_code == 404
    assert "SHEAF_SITE_URL" in answer.text
    assert "evil" not in answer.text
    assert "application/atom+xml" not in site.get("/-/recent").text
    assert "Sitemap" not in site.get("/robots.txt").text


def test_the_address_is_never_that_of_the_request(addressed: Site) -> None:
    addressed.create("tea", "# Tea\n")
    for path in ("/-/feed.atom", "/sitemap.xml", "/sitemap.xml?first=0&last=4095", "/robots.txt"):
        answer = addressed.get(path, Host="evil.example.net", X_Forwarded_Host="evil.example.net")
        assert BASE in answer.text
        assert "evil" not in answer.text


def test_the_address_that_a_release_has_noted_will_do(site: Site) -> None:
    shards.on(0, site_url.keep, "https://d1.cloudfront.net")
    shards.on(0, site_url.keep, BASE)
    site.create("tea", "# Tea\n")
    assert titles(read(site)) == ["Tea (created)"]
    assert f"Sitemap: {BASE}/sitemap.xml" in site.get("/robots.txt").text
    recent = site.get("/-/recent?folder=a").text
    assert '<link rel="alternate" type="application/atom+xml"' in recent
    assert 'href="/-/feed.atom?folder=a"' in recent


@pytest.mark.parametrize("folder", ["a//b", "api", "a%20b"])
def test_a_bad_folder_is_refused(addressed: Site, folder: str) -> None:
    assert addressed.get(f"/-/feed.atom?folder={folder}").status_code == 400


@given(st.text())
def test_any_text_can_be_told(text: str) -> None:
    root = ET.Element("feed")
    elements.add(root, "title", text)
    try:
        sent = ET.tostring(root, "utf-8")
    except UnicodeEncodeError:
        raise AssertionError(text) from None
    (found,) = ET.fromstring(sent)
    spoken = re.sub("\r\n?", "\n", text)  # as XML has lines end
    told = "".join(
        c if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff") else "\ufffd" for c in spoken
    )
    assert (found.text or "") == told


def test_addresses_of_feeds() -> None:
    assert feeds.address_of("") == "/-/feed.atom"
    assert feeds.address_of("a/ü b") == "/-/feed.atom?folder=a/%C3%BC%20b"
