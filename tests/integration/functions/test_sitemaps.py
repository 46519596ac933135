"""Sitemaps: an index of parts, each page in one of them, within what sitemaps.org allows."""

import re
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from listing import sitemaps
from sheaf.hashing import SLOTS
from sheaf.sharding import shards
from tests.integration.conftest import Configure
from tests.site import CREATE, Site

BASE = "https://wiki.example.org"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture
def spread(spread: Site, configure: Configure) -> Site:
    """It knows where it is."""
    configure(SHEAF_SITE_URL=BASE)
    return spread


def locations(site: Site, path: str, root: str, child: str) -> list[str]:
    """The addresses in a sitemap, whose form is looked at."""
    answer = site.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/xml"), answer.text
    assert len(answer.data) < 50_000_000
    found = ET.fromstring(answer.data)
    assert found.tag == f"{SITEMAP}{root}"
    assert {each.tag for each in found} <= {f"{SITEMAP}{child}"}
    assert len(found) <= 50_000
    names = {f"{SITEMAP}loc"} | ({f"{SITEMAP}lastmod"} if child == "url" else set())
    for each in found:
        assert [inner.tag for inner in each] == sorted(names, key=lambda tag: "loc" not in tag)
    for when in found.iter(f"{SITEMAP}lastmod"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(when.text))
    found_at = [str(loc.text) for loc in found.iter(f"{SITEMAP}loc")]
    assert all(each.isascii() and len(each) < 2048 for each in found_at)
    return found_at


def parts(site: Site) -> list[str]:
    index = locations(site, "/sitemap.xml", "sitemapindex", "sitemap")
    # A sitemap tells of addresses in its own folder only.
    assert all(each.startswith(f"{BASE}/sitemap.xml?") for each in index)
    return [each.removeprefix(BASE) for each in index]


def everything(site: Site) -> list[str]:
    found = [locations(site, part, "urlset", "url") for part in parts(site)]
    return [each for part in found for each in part]


def test_each_live_page_is_in_one_part(spread: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    slugs = ["home", *(f"guide/page-{number}" for number in range(30)), "größe/茶"]
    for slug in [*slugs, "deleted", "moves"]:
        spread.put(slug, {"body": "x", "origin": "import"}, CREATE)
    spread.delete("deleted", 1)
    spread.post("/api/moves", {"from": "moves", "to": "moved", "if_match": '"v1"'})
    expected = sorted(
        f"{BASE}/{'' if slug == 'home' else quote(slug)}" for slug in [*slugs, "moved"]
    )
    assert len(parts(spread)) == 1
    assert sorted(everything(spread)) == expected
    for engine in shards.everywhere():
        with engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE pages")
    monkeypatch.setattr(sitemaps, "_PAGES", 5)
    assert len(parts(spread)) == 8
    assert sorted(everything(spread)) == expected


def test_an_empty_site_has_a_sitemap_of_nothing(spread: Site) -> None:
    assert len(parts(spread)) == 1
    assert everything(spread) == []


def test_the_cdn_keeps_it_for_an_hour(spread: Site) -> None:
    answer = spread.get("/sitemap.xml")
    assert answer.headers["Cache-Control"] == "max-age=0, s-maxage=3600"
    etag = answer.headers["ETag"]
    assert spread.get("/sitemap.xml", If_None_Match=etag).status_code == 304


def test_a_part_is_bounded_whatever_is_asked_for(
    spread: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        spread.create(f"page-{number}", "x")
    monkeypatch.setattr(sitemaps, "_MOST_PAGES", 4)
    assert len(locations(spread, "/sitemap.xml?first=0&last=4095", "urlset", "url")) == 4


@pytest.mark.parametrize("query", ["first=-1&last=3", "first=0&last=4096", "first=a&last=b"])
def test_there_are_so_many_slots_and_no_more(spread: Site, query: str) -> None:
    assert spread.get(f"/sitemap.xml?{query}").status_code == 400


@pytest.mark.parametrize(
    ("pages", "count"),
    [(0, 1), (2000, 1), (2001, 2), (50_000, 32), (1_000_000, 512), (10**9, SLOTS)],
)
def test_as_many_parts_as_pages_fill(pages: int, count: int) -> None:
    assert sitemaps._parts(pages) == count


@pytest.mark.parametrize("count", [1, 2, 512, SLOTS])
def test_the_parts_have_all_slots_between_them(count: int) -> None:
    index = sitemaps._index(BASE, count)
    ranges = [
        (int(first), int(last))
        for first, last in re.findall(r"first=(\d+)&last=(\d+)", " ".join(index.itertext()))
    ]
    assert len(ranges) == count
    assert [slot for first, last in ranges for slot in range(first, last + 1)] == list(range(SLOTS))
