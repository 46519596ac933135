"""Tags: links to the pages that have them, and all of them on a page."""

import re

from tests.site import Site


def test_a_pages_tags_lead_to_all_that_have_them(site: Site) -> None:
    html = site.publish("a", "---\ntags: [Tea, 'c/c++ & more', Über uns]\n---\n# A\n").text
    site.create("b", "---\ntags: [tea]\n---\n# B\n")
    site.create("c", "# C")
    links = re.findall(r'<li><a href="([^"]*)" rel="tag">([^<]*)', html)
    assert links == [
        ("/-/tags?tag=Tea", "Tea"),
        ("/-/tags?tag=c/c%2B%2B%20%26%20more", "c/c++ &amp; more"),
        ("/-/tags?tag=%C3%9Cber%20uns", "Über uns"),
    ]
    for address, name in links:
        answer = site.get(address)
        assert f"<h1>Pages tagged <bdi>{name}</bdi></h1>" in answer.text
        assert '<a class="what" href="/a">' in answer.text
        assert '<a class="what" href="/c">' not in answer.text
    assert '<a class="what" href="/b">' in site.get("/-/tags?tag=tea").text


def test_all_tags_are_on_a_page(site: Site) -> None:
    assert "No page has a tag" in site.get("/-/tags").text
    assert "No page has a tag" in site.get("/-/tags?tag=").text
    assert site.get("/api/tags").json == {"items": [], "ends_early": False}
    site.create("a", "---\ntags: [Tea, <b>]\n---\n")
    site.create("b", "---\ntags: [Tea]\n---\n")
    found = re.findall(
        r'<a href="([^"]*)"><bdi>([^<]*)</bdi> <small>([^<]*)', site.get("/-/tags").text
    )
    assert found == [
        ("/-/tags?tag=%3Cb%3E", "&lt;b&gt;", "1"),
        ("/-/tags?tag=Tea", "Tea", "2"),
    ]
    items = [{"name": "<b>", "pages": 1}, {"name": "Tea", "pages": 2}]
    assert site.get("/api/tags").json == {"items": items, "ends_early": False}
    assert '<a href="/-/tags">Tags</a>' in site.get("/-/tree").text


def test_a_tag_that_no_page_has_is_an_empty_list(site: Site) -> None:
    assert "No page has this tag" in site.get("/-/tags?tag=nobody%20has%20it").text
