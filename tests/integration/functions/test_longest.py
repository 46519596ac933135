"""The longest names that there may be: every list of them can be walked to its end."""

from urllib.parse import quote, urlencode

import pytest

import upkeep.app
from tests.context import new_context
from tests.site import CREATE, Site

# Of four bytes each in UTF-8; and one that is three letters, of six bytes, without its case.
WIDE, UNFOLDED = "\U00020000", "\u0390"
TAG = WIDE * 99
COUNT = 3
FOLDER = f"{WIDE * 98}/"
PREFIX = f"{FOLDER}{WIDE * 50}"


@pytest.fixture
def long_site(site: Site) -> Site:
    for number in range(COUNT):
        slug = f"{PREFIX}{WIDE * 50}{number}"
        title = f"{(UNFOLDED, WIDE)[number % 2] * 199}{number}"
        assert len(slug) == len(title) == 200
        body = {"body": f"word [x](/{quote(PREFIX)})", "title": title, "tags": [TAG, f"{TAG}x"]}
        assert site.put(slug, body, CREATE).status_code == 201
    for number in range(COUNT):
        site.create(f"{PREFIX}{WIDE * 49}-{number}", "gone soon")
        assert site.delete(f"{PREFIX}{WIDE * 49}-{number}", 1).status_code == 204
    for version in range(1, COUNT):
        assert site.update(f"{PREFIX}{WIDE * 50}0", f"word {version}", version).status_code == 200
    site.put(f"{PREFIX}{WIDE * 50}0", {"body": "word", "tags": [TAG]}, {"If-Match": f'"v{COUNT}"'})
    upkeep.app.handler({}, new_context())
    return site


def _walk(site: Site, path: str, query: dict[str, str]) -> int:
    """How many items are met on the way, one by one to the end and back to the beginning."""
    forward, cursor = _follow(site, path, query, "next", None)
    back, _ = _follow(site, path, query, "prev", cursor)
    assert back == forward[-2::-1]
    return len(forward)


def _follow(
    site: Site, path: str, query: dict[str, str], rel: str, cursor: str | None
) -> tuple[list[object], str | None]:
    met: list[object] = []
    while rel == "next" or cursor:
        place = {"cursor": cursor} if cursor else {}
        address = f"{quote(path)}?{urlencode({**query, 'limit': 1, **place})}"
        answer = site.get(address)
        assert answer.status_code == 200, answer.text
        met += answer.json["items"]
        link = answer.headers.get("Link", "")
        assert len(link) <= 4096
        assert not link or (f'rel="{rel}"' in link) == bool(answer.json[rel])
        if not answer.json[rel]:
            return met, answer.json["prev"]
        cursor = answer.json[rel]
    return met, None


QUERIES: list[dict[str, str]] = [
    {"sort": "title"},
    {"sort": "slug"},
    {"sort": "updated"},
    {"sort": "created"},
    {"tag": TAG, "sort": "updated"},
    {"tag": TAG, "sort": "slug"},
    {"tag": TAG, "prefix": PREFIX},
    {"prefix": PREFIX},
    {"author": "alice"},
    {"state": "tombstone", "sort": "updated"},
    {"state": "tombstone", "sort": "slug"},
    {"state": "tombstone", "prefix": PREFIX},
]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_with_the_longest_names(long_site: Site, order: str) -> None:
    for query in QUERIES:
        assert _walk(long_site, "/api/pages", {**query, "order": order}) == COUNT, query


def test_other_lists_of_the_longest_names(long_site: Site) -> None:
    long_site.put(f"{PREFIX}{WIDE * 50}0", f"word [x](/{quote(PREFIX)})", {"If-Match": '"v4"'})
    assert _walk(long_site, f"/api/backlinks/{PREFIX}", {}) == COUNT
    assert _walk(long_site, f"/api/revisions/{PREFIX}{WIDE * 50}0", {}) == COUNT + 2
    assert _walk(long_site, f"/api/tree/{FOLDER.rstrip('/')}", {}) == COUNT
    assert _walk(long_site, "/api/tree", {}) == 1
    assert _walk(long_site, "/api/search", {"q": "word"}) == COUNT
    for sort in ("handle", "edits"):
        assert _walk(long_site, "/api/users", {"sort": sort}) == 1


# Of three bytes each, in words; and of four, which are runs: their pairs are words.
LETTERS = "ᚠᚢᚦᚨᚱᚲᚷᚹᚺᚾᛁᛃᛇᛈᛉᛊᛏᛒᛖᛗᛚᛜᛞᛟ"
UNKNOWN = " ".join(LETTERS[number : number + 3] * 9 for number in range(7))
SEARCHES = {
    "all": "word",
    "apart": f'"{WIDE * 99} word"',
    "beginnings": f"word {UNKNOWN[: 190 - 5]}",
    "some": " ".join(["word", *(f"{letter}{letter}{letter}" for letter in LETTERS)]),
    "some of pairs": "word " + "".join(chr(0x20000 + number) for number in range(195)),
}


@pytest.mark.parametrize("kind", SEARCHES)
def test_searches_of_the_longest_queries(long_site: Site, kind: str) -> None:
    q = SEARCHES[kind]
    assert len(q) <= 200
    for number in range(COUNT):
        slug = f"{PREFIX}{WIDE * 50}{number}"
        etag = long_site.get(f"/api/pages/{quote(slug)}").headers["ETag"]
        page = {"body": f"word {number} " + " ".join(f"{word}x" for word in UNKNOWN.split())}
        page["title"] = WIDE * 199
        assert long_site.put(slug, page, {"If-Match": etag}).status_code == 200
    query = {"q": q, "in": PREFIX[:190], "author": "alice"}
    found = long_site.get(f"/api/search?{urlencode({'q': q})}").json["items"]
    assert {hit["matched"] for hit in found} == {kind.split(maxsplit=1)[0]}
    assert _walk(long_site, "/api/search", {"q": q}) == COUNT == len(found)
    assert long_site.get(f"/api/search?{urlencode(query)}").status_code == 200


def test_links_that_are_too_long_for_a_header_are_in_the_body_alone(long_site: Site) -> None:
    query = urlencode({"tag": TAG, "prefix": PREFIX, "limit": 1})
    answer = long_site.get(f"/api/pages?{query}")
    assert "Link" not in answer.headers
    assert answer.json["next"]
    assert "Link" in long_site.get("/api/pages?sort=title&limit=1").headers
