"""What is found, in which order, and what is shown of it; whatever is asked, never a failure."""

import random
import re
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from werkzeug.test import TestResponse

import upkeep.app
from listing import app
from sheaf.pages import snapshots
from sheaf.search.ranking import PLACES
from tests.context import new_context
from tests.fixtures import Servers
from tests.site import CREATE, Site

PAGES = {
    "english": "# Tea\n\nThe exact phrase, and a naïve minus.",
    "other": "# Coffee\n\nA phrase that is not exact. Bar none.",
    "chinese": "# AWS部署指南\n\n如何在云上部署应用程序。2026年度。",
    "japanese": "# 検索\n\n全文検索エンジンの使い方。データベース。",
    "korean": "# 서버\n\n서버리스 함수를 배포합니다.",
    "thai": "# คู่มือ\n\nการติดตั้งเซิร์ฟเวอร์",
    "letters": "# Łódź, Æsop\n\nمُحَمَّد أحمد، می\u200cخواهم. שָׁלוֹם. Мой ｶﾞｲﾄﾞ.",
}


@pytest.fixture
def library(site: Site) -> Site:
    for slug, body in PAGES.items():
        site.create(slug, body)
    return site


def ask(site: Site, q: str, **query: Any) -> TestResponse:
    return site.client.get("/api/search", query_string={"q": q, **query})


def found(site: Site, q: str, **query: Any) -> list[str]:
    """The slugs of pages with all words as they were typed."""
    answer = ask(site, q, **query)
    assert answer.status_code == 200, answer.text
    return [hit["slug"] for hit in answer.json["items"] if hit["matched"] == "all"]


@pytest.mark.parametrize(
    ("q", "slugs"),
    [
        ("naïve", ["english"]),
        ("NAIVE", ["english"]),
        ("nai\u0308ve", ["english"]),
        ('"exact phrase"', ["english"]),
        ("exact phrase", ["english", "other"]),
        ("phrase NOT minus", ["other"]),
        ('phrase NOT "exact phrase"', ["other"]),
        ("tea OR bar", ["english", "other"]),
        ("tea or 部署", ["english", "chinese"]),
        ("部署", ["chinese"]),
        ("AWS部署指南", ["chinese"]),
        ("aws部", ["chinese"]),
        ("指南 aws", ["chinese"]),
        ("应用程序", ["chinese"]),
        ("应用 NOT 部署", []),
        ("程应", []),
        ("用序", []),
        ("2026年", ["chinese"]),
        ("云", ["chinese"]),
        ("序", ["chinese"]),
        ("検索", ["japanese"]),
        ("検索エンジン", ["japanese"]),
        ('"全文検索"', ["japanese"]),
        ("検索 NOT エンジン", []),
        ("データ", ["japanese"]),
        ("テータ", []),
        ("서버", ["korean"]),
        ("배포", ["korean"]),
        ("함수 서버리스", ["korean"]),
        ("ติดตั้ง", ["thai"]),
        ("lodz aesop", ["letters"]),
        ("محمد احمد", ["letters"]),
        ("ميخواهم", ["letters"]),
        ("שלום", ["letters"]),
        ("мой", ["letters"]),
        ("мои", []),
        ("がいど", ["letters"]),
        ("えんじん", ["japanese"]),
        ("nothing", []),
    ],
)
def test_what_is_found(library: Site, q: str, slugs: list[str]) -> None:
    assert sorted(found(library, q)) == sorted(slugs)


@pytest.mark.parametrize(
    ("q", "snippet"),
    [
        ("naive", "… The exact phrase, and a <mark>naïve</mark> minus."),
        ("検索", "<mark>検索</mark> 全文<mark>検索</mark>エンジンの使い方。データベース。"),
    ],
)
def test_snippets_show_why(library: Site, q: str, snippet: str) -> None:
    assert ask(library, q).json["items"][0]["snippet"] == snippet


@pytest.mark.parametrize(
    ("q", "said"),
    [
        ("\"'()", "no words to look for"),
        ("leaf", "No page has all of these words."),
    ],
)
def test_a_search_without_words_says_so(site: Site, q: str, said: str) -> None:
    assert said in site.client.get("/-/search", query_string={"q": q}).text


def test_snippets_are_escaped(site: Site) -> None:
    site.create("home", "marked <script>alert(1)</script> \ue000text\ue001")
    snippet = found_snippet(site, "marked")
    assert "<script" not in snippet
    assert snippet.count("<mark>") == 1


def found_snippet(site: Site, q: str) -> str:
    snippet: str = ask(site, q).json["items"][0]["snippet"]
    return snippet


@pytest.mark.parametrize("word", ["leaf", "葉", "木の葉", "two words"])
def test_titles_come_before_headings_and_these_before_text(site: Site, word: str) -> None:
    site.create("a-text", f"# Other\n\nA {word}, and {f'{word} ' * 10}.")
    site.create("b-heading", f"# Other\n\n## One {word}\n\nText.")
    site.create("c-title", f"# The {word}\n\nText.")
    assert found(site, word) == ["c-title", "b-heading", "a-text"]


def test_what_was_just_saved_is_found(site: Site) -> None:
    site.create("a", "# Old title\n\nkept")
    assert found(site, "old title") == ["a"]
    site.put("a", {"body": "kept", "title": "New name"}, {"If-Match": '"v1"'})
    assert found(site, "old title") == []
    assert found(site, "new name") == found(site, "kept") == ["a"]
    site.delete("a", 2)
    assert found(site, "kept") == []
    site.create("a", "back")
    assert (found(site, "back"), found(site, "kept")) == (["a"], [])


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_hits_are_paged_by_rank_both_ways(site: Site, size: int) -> None:
    for number in range(7):
        site.create(f"n{number}", "word " * (number // 2 + 1))
    ranked = ask(site, "word").json["items"]
    keys = [(PLACES.index(hit["place"]), -hit["rank"], hit["slug"]) for hit in ranked]
    assert keys == sorted(keys)
    pages: list[list[dict[str, Any]]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = ask(site, "word", limit=size, **cursor).json
        pages.append(answer["items"])
        if not answer["next"]:
            break
        cursor = {"cursor": answer["next"]}
        assert len(pages) < 10, "the list has no end"
    assert [hit for page in pages for hit in page] == ranked
    while answer["prev"]:
        answer = ask(site, "word", limit=size, cursor=answer["prev"]).json
        pages.pop()
        assert answer["items"] == pages[-1]
    assert len(pages) == 1


def test_the_next_hits_have_an_address(site: Site) -> None:
    for slug in ("a", "b"):
        site.create(slug, "größe")
    link = ask(site, "größe", limit=1).headers["Link"]
    address = re.search(r'<([^>]+)>; rel="next"', link)
    assert address
    assert [hit["slug"] for hit in site.get(address[1]).json["items"]] == ["b"]
    cursor = ask(site, "größe", limit=1).json["next"]
    assert ask(site, "other", cursor=cursor).json["type"] == "urn:sheaf:problem:bad-cursor"


def test_the_search_page_leads_on(site: Site) -> None:
    for number in range(21):
        site.create(f"n{number:02}", "word")
    document = site.get("/-/search?q=word").text
    address = re.search(r'href="([^"]+)" rel="next nofollow"', document)
    assert address
    assert "n20" not in document
    assert "n20" in site.get(address[1].replace("&amp;", "&")).text


@pytest.mark.parametrize("q", ["", "x" * 201, "%00"])
def test_bad_searches_are_refused(site: Site, q: str) -> None:
    assert site.get(f"/api/search?q={q}").status_code == 400
    assert site.get(f"/api/suggestions?q={q}").status_code == 400


@pytest.mark.parametrize("query", ["q=a&limit=0", "q=a&limit=101", "q=a&cursor=x", "limit=1"])
def test_bad_limits_and_cursors_are_refused(site: Site, query: str) -> None:
    assert site.get(f"/api/search?{query}").status_code == 400


@pytest.mark.parametrize("q", [" ", '"', "-", "or", "((", "\\", "<->", ":*", "🎉", "。", "tag:x"])
def test_without_a_wanted_word_nothing_is_found(library: Site, q: str) -> None:
    assert found(library, q) == []
    assert "No page" in library.client.get("/-/search", query_string={"q": f"x{q}zzz"}).text


PARTS = [
    '"',
    "'",
    "-",
    "or",
    " OR ",
    "&",
    "|",
    "!",
    "(",
    ")",
    "<->",
    "<2>",
    ":*",
    ":A",
    "\\",
    "%",
    "_",
]
PARTS += [
    "tea",
    "tea",
    "部署",
    "水",
    "naïve",
    "서버",
    "ไทย",
    "🎉",
    "👩‍👩‍👧",
    "\u0301",
    "\u200b",
    "\ufeff",
]
PARTS += [" ", " ", "\t", "\n", "\x00", "\x07", "\x7f", "\ue000", "\uffff", "\U0010ffff", "\u3099"]
# Not UTF-8: a lone surrogate, a byte of no character, a character cut short
BYTES = ["%ED%A0%80", "%FF", "%E9%83", "%C0%80", "%", "%zz", "%u1234"]


def broken(random_: random.Random) -> str:
    count = random_.choice([1, 2, 3, 5, 8, 40, 210])
    parts = [quote(random_.choice(PARTS)) for _ in range(count)]
    return "".join([*parts, *random_.choices(BYTES, k=random_.choice([0, 0, 1, 2]))])


@pytest.mark.parametrize("path", ["/api/search", "/api/suggestions", "/-/search"])
def test_broken_queries_are_answered(library: Site, path: str) -> None:
    random_ = random.Random(path)
    counts = {200: 0, 400: 0}
    for _ in range(250):
        q = broken(random_)
        answer = library.get(f"{path}?q={q}")
        assert answer.status_code in counts, (q, answer.text)
        counts[answer.status_code] += 1
    assert counts[200] > 25
    assert counts[400] > 25


@pytest.mark.parametrize("q", ["\ud800", "tea \udfff", '"\ud83d'])
@pytest.mark.parametrize("path", ["/api/search", "/api/suggestions", "/-/search"])
def test_half_characters_are_refused(library: Site, path: str, q: str) -> None:
    """API Gateway decodes addresses for us, and JSON can hold what no address can."""
    assert app.handler(event(path, q), new_context())["statusCode"] == 400


def event(path: str, q: str) -> dict[str, Any]:
    http = {"method": "GET", "path": path, "sourceIp": "192.0.2.1"}
    return {
        "version": "2.0",
        "routeKey": f"GET {path}",
        "rawPath": path,
        "rawQueryString": "",
        "queryStringParameters": {"q": q},
        "headers": {},
        "requestContext": {"http": http, "requestId": "1", "stage": "$default"},
        "isBase64Encoded": False,
    }


def suggested(site: Site, q: str, **query: Any) -> list[str]:
    answer = site.client.get("/api/suggestions", query_string={"q": q, **query})
    assert answer.status_code == 200
    return [item["title"] for item in answer.json["items"]]


def test_titles_are_suggested_by_their_beginning(site: Site) -> None:
    for number, title in enumerate(["Tea time", "tea", "Teapot", "Ten", "A tea", "部署指南"]):
        site.create(f"n{number}", f"# {title}")
    assert suggested(site, "TEA") == ["tea", "Tea time", "Teapot", "A tea"]
    assert suggested(site, "te", limit=1) == ["tea"]
    assert suggested(site, "部署") == ["部署指南"]
    assert suggested(site, "t%a") == suggested(site, "t_a") == []
    site.delete("n1", 1)
    assert suggested(site, "tea") == ["Tea time", "Teapot", "A tea"]
    assert set(site.get("/api/suggestions?q=ten").json["items"][0]) == {"slug", "title"}


def test_suggestions_are_what_people_type(site: Site) -> None:
    for number, title in enumerate(["Łódź", "In Łódź", "Éclair", "Zebra", "→"]):
        site.create(f"n{number}", f"# {title}")
    assert suggested(site, "lodz") == suggested(site, "ŁÓD") == ["Łódź", "In Łódź"]
    assert suggested(site, "ŁÓ") == ["Łódź"]  # too few letters for what is inside
    assert suggested(site, "ecl") == ["Éclair"]
    assert suggested(site, "→") == ["→"]


def test_it_is_said_what_was_found_instead(site: Site) -> None:
    site.create("a", "# Green tea\n\nleaves")
    site.create("b", "# Tea that is green")
    answer = ask(site, '"tea green"').json
    assert [hit["matched"] for hit in answer["items"]] == ["apart", "apart"]
    assert ask(site, "tea pots").json["items"][0]["matched"] == "some"
    assert ask(site, "leav gre").json["items"][0]["matched"] == "beginnings"
    assert ask(site, "tea").json["ends_early"] is False


def test_slips_are_told(site: Site) -> None:
    site.create("a", "# Kubernetes")
    upkeep.app.handler({}, new_context())
    snapshots._known.cache_clear()  # as a minute later
    answer = ask(site, "kuberentes").json
    assert answer["meant"] == "kubernetes", answer
    assert [(hit["slug"], hit["matched"]) for hit in answer["items"]] == [("a", "meant")]
    assert "kubernetes" in site.get("/-/search?q=kuberentes").text


def test_filters_are_parameters_too(site: Site) -> None:
    site.put("guide/a", {"body": "leaf", "tags": ["Größe"]}, CREATE)
    site.create("b", "leaf")
    narrowing = ({"in": "guide"}, {"in": "/guide/"}, {"tag": "grosse"}, {"tag": "größe"})
    for query in narrowing:
        assert found(site, "leaf", **query) == ["guide/a"]
    assert found(site, "leaf in:guide") == found(site, "leaf tag:GRÖSSE") == ["guide/a"]
    assert found(site, "leaf", author="alice") == found(site, "leaf author:alice")
    assert len(found(site, "leaf", author="alice")) == 2
    assert found(site, "leaf author:bob") == found(site, "leaf", author="bob") == []
    assert ask(site, "leaf", folder="guide").status_code == 400
    assert ask(site, "leaf", tag="\0").status_code < 500


@pytest.mark.parametrize("tag", ["'", "\\", "🎉", "''", ":*", "a'b"])
def test_tags_of_signs_are_saved_and_found(site: Site, tag: str) -> None:
    assert site.put("a", {"body": "leaf", "tags": [tag]}, CREATE).status_code == 201
    assert found(site, "leaf", tag=tag) == ["a"]
    assert found(site, f'leaf tag:"{tag}"') == ["a"]


def test_a_cursor_of_two_snapshots_ago_is_refused(site: Site, clean: Servers) -> None:
    for slug in ("a", "b", "c"):
        site.create(slug, "leaf")
    _count(clean)
    cursor = ask(site, "leaf", limit=1).json["next"]
    _count(clean)
    assert found(site, "leaf", limit=1, cursor=cursor) == ["b"]
    _count(clean)
    answer = ask(site, "leaf", limit=1, cursor=cursor)
    assert (answer.status_code, answer.json["type"]) == (400, "urn:sheaf:problem:bad-cursor")
    assert "Search again." in answer.json["detail"]


def _count(servers: Servers) -> None:
    """Have upkeep make a snapshot."""
    with psycopg.connect(servers.database_url) as connection:
        connection.execute("UPDATE search_snapshots SET created_at = now() - interval '2 days'")
        before = connection.execute("SELECT max(number) FROM search_snapshots").fetchone()
    upkeep.app.handler({}, new_context())
    with psycopg.connect(servers.database_url) as connection:
        assert connection.execute("SELECT max(number) FROM search_snapshots").fetchone() != before
    snapshots._known.cache_clear()  # as a minute later
