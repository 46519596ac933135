"""llms.txt: the pages by folder, each with its source, as https://llmstxt.org has it."""

import re
from itertools import pairwise
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from listing import llms
from sheaf import texts
from tests.integration.conftest import Configure
from tests.site import CREATE, Site

BASE = "https://wiki.example.org"
TITLES = st.sampled_from("a1 \\`*_[]()<>&;~|$!#:/@.-+=\"'\n") | st.characters(codec="utf-8")
SHARDS = pytest.mark.parametrize("spread", [1, 3], indirect=True, ids=["one", "three"])


@pytest.fixture
def addressed(site: Site, configure: Configure) -> Site:
    """It knows where it is."""
    configure(SHEAF_SITE_URL=BASE)
    return site


def sections(site: Site) -> dict[str, list[tuple[str, str]]]:
    """The titles and addresses below each heading, as whoever knows Markdown reads them."""
    answer = site.get("/llms.txt")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain"), answer.text
    found: dict[str, list[tuple[str, str]]] = {}
    heading = ""
    tokens = MarkdownIt("commonmark").parse(answer.text)
    assert (tokens[0].tag, tokens[1].content) == ("h1", "Sheaf")
    for before, token in pairwise(tokens):
        if before.tag == "h2" and token.type == "inline":
            heading = token.content
            found[heading] = []
        elif before.type == "paragraph_open":
            opening, *words, closing = token.children or []
            assert (opening.type, closing.type) == ("link_open", "link_close")
            assert {word.type for word in words} <= {"text", "text_special"}
            found[heading].append(("".join(w.content for w in words), str(opening.attrGet("href"))))
    return found


@SHARDS
def test_pages_are_listed_by_folder(spread: Site, configure: Configure) -> None:
    configure(SHEAF_SITE_URL=BASE)
    titles = {"home": "Welcome", "guide": "Guide", "guide/a/b": "Deep", "guide/c": "After"}
    titles |= {"guide-x/z": "Apart", "größe/茶": "Tee", "about": "About"}
    for slug, title in {**titles, "deleted": "No", "moves": "No"}.items():
        spread.put(slug, {"body": "x", "title": title, "origin": "import"}, CREATE)
    spread.delete("deleted", 1)
    spread.post("/api/moves", {"from": "moves", "to": "guide/a/moved", "if_match": '"v1"'})
    titles["guide/a/moved"] = "No"
    found = sections(spread)
    assert list(found) == ["/", "größe/", "guide/", "guide/a/", "guide-x/"]
    for folder, links in found.items():
        slugs = sorted(slug for slug in titles if f"{slug.rpartition('/')[0]}/" == folder)
        assert links == [(titles[slug], f"{BASE}/{quote(slug)}.md") for slug in slugs]
    for slug in titles:
        assert spread.get(f"/{quote(slug)}.md").text == "x"


def test_a_site_that_knows_no_address_lists_paths(site: Site, configure: Configure) -> None:
    configure(SHEAF_SITE_URL="")
    site.create("home", "# Home")
    assert sections(site) == {"/": [("Home", "/home.md")]}


def test_an_empty_site_lists_nothing(addressed: Site) -> None:
    assert sections(addressed) == {}


@given(st.text(TITLES, max_size=40).filter(texts.line))
def test_titles_are_read_as_they_are(title: str) -> None:
    (token,) = MarkdownIt().parseInline(llms._link(title, "/a.md"))
    children = token.children or []
    assert "".join(child.content for child in children) == f"- {texts.line(title)}"
    assert {child.type for child in children} <= {"text", "text_special", "link_open", "link_close"}


@SHARDS
def test_what_is_left_out_is_found_behind_the_last_link(
    spread: Site, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(SHEAF_SITE_URL=BASE)
    names = [f"a/page-{number}" for number in range(7)]
    for slug in names:
        spread.put(slug, {"body": "x", "origin": "import"}, CREATE)
    monkeypatch.setattr(llms, "_PAGES", 7)
    assert list(sections(spread)) == ["a/"]
    monkeypatch.setattr(llms, "_PAGES", 4)
    found = sections(spread)
    assert [address for _, address in found["a/"]] == [f"{BASE}/{slug}.md" for slug in names[:4]]
    ((_, rest),) = found["More pages"]
    there = urlsplit(rest)
    assert f"{there.scheme}://{there.netloc}" == BASE
    items = spread.get(f"{there.path}?{there.query}").json["items"]
    assert [item["slug"] for item in items] == names[4:]


def test_the_longest_list_is_no_longer_than_an_answer() -> None:
    longest = llms._link("!" * 200, f"{BASE}/{quote('漢' * 200)}.md")
    assert len(longest) * llms._PAGES < 3_000_000


def test_the_cdn_keeps_it_for_an_hour(addressed: Site) -> None:
    addressed.create("home", "# Home")
    answer = addressed.get("/llms.txt")
    assert answer.headers["Cache-Control"] == "max-age=0, s-maxage=3600"
    etag = answer.headers["ETag"]
    assert addressed.get("/llms.txt", If_None_Match=etag).status_code == 304
    assert addressed.client.head("/llms.txt").status_code == 200
    assert addressed.client.post("/llms.txt").status_code == 405
    addressed.create("other", "# Other")
    assert addressed.get("/llms.txt", If_None_Match=etag).status_code == 200


def test_no_page_gets_this_name_and_one_that_has_it_is_moved_away(
    addressed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "reserved" in addressed.put("llms.txt", "new", CREATE).text
    assert addressed.get("/api/slugs?title=llms.txt").json["slug"] != "llms.txt"
    with monkeypatch.context() as patch:  # as an older release
        patch.setattr("sheaf.slugs._RESERVED_ANEW", frozenset())
        patch.setattr("sheaf.slugs.RESERVED", frozenset())
        addressed.create("llms.txt", "# Mine")
    assert "Mine" in addressed.get("/api/pages/llms.txt").json["body"]
    assert re.search(r"\[Mine\]\(\S+/llms\.txt\.md\)", addressed.get("/llms.txt").text)
    assert addressed.get("/llms.txt.md").text == "# Mine"
    assert addressed.get("/-/move/llms.txt").status_code == 200
    moving = {"from": "llms.txt", "to": "for-models", "if_match": '"v1"'}
    assert addressed.post("/api/moves", moving).status_code == 201
    assert addressed.get("/for-models.md").text == "# Mine"
    assert addressed.get("/llms.txt").mimetype == "text/plain"
