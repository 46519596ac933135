"""Links lead to the pages that are there, and look different where none is, on one or more shards.

What is stored of a page tells nothing of that: it is looked up when the cache is filled, and a
minute later again.
"""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from sheaf import telemetry
from sheaf.caching import entry as entries
from sheaf.caching.entry import Entry
from sheaf.database.outages import Unavailable
from sheaf.pages import destinations, page_cache, surroundings
from sheaf.sharding import scattering, shards
from tests.fixtures import Servers, together
from tests.integration.conftest import Configure
from tests.integration.functions.conftest import empty
from tests.site import Site

MINUTE = 60


@pytest.fixture(scope="module", params=[1, 3], ids=["one shard", "three shards"])
def urls(request: pytest.FixtureRequest, servers: Servers) -> Iterator[list[str]]:
    with together(servers, "linked", request.param) as made:
        yield made


@pytest.fixture
def linking(site: Site, urls: list[str], configure: Configure) -> Iterator[Site]:
    """An empty site on these databases."""
    configure(SHEAF_DATABASE_URLS=",".join(urls))
    empty()
    yield site
    shards.dispose()


def looks(site: Site, slug: str) -> dict[str, str]:
    """The links of a page by their words: where they lead, with a `?` in front if nothing is there.

    (A page of the site has no address with a question mark at its beginning.)
    """
    html = site.get(f"/{slug}").text
    article = html.partition("<article")[2].partition("</article>")[0]
    assert "data-" not in article
    found = re.findall(r"<a ([^>]*)>(.*?)</a>", article)
    return {words: _look(attributes) for attributes, words in found}


def _look(attributes: str) -> str:
    given: dict[str, str] = dict(re.findall(r'([a-z-]+)="([^"]*)"', attributes))
    is_missing = given.get("class") == "missing"
    assert is_missing == (given.get("title") == "There is no page yet.")
    return ("?" if is_missing else "") + given["href"]


def a_minute_later(client: "redis.Redis", slug: str) -> None:
    """Let a minute pass for what the cache has of a page."""
    name = entries.name(page_cache.key(slug))
    entry = Entry.decode(client.get(name) or b"")  # type: ignore[arg-type]
    assert entry.fresh_until <= time.time() + MINUTE
    client.set(name, entry.stamped(entry.build, entry.fresh_until - MINUTE).encode(), ex=600)
    page_cache.near().close()


def test_each_form_of_a_link_arrives(linking: Site) -> None:
    for slug in ("x", "g/x", "g/a/y", "g/z", "g/Beside"):
        linking.create(slug, "# There")
    forms = {
        "../x/": "/x",
        "/x/": "/x",
        "../x/index.md": "/x",
        "x.md": "/g/x",
        "x": "/g/x",
        "./x/?q=1#there": "/g/x?q=1#there",
        "x.html#there": "/g/x#there",
        "../z/": "/g/z",
        "y/": "/g/a/y",
        "y.html?a=b": "/g/a/y?a=b",
        "../../x/": "/x",
        "../X.md": "/x",
        "/G/A/Y/#there": "/g/a/y#there",
        "../beside/": "/g/Beside",
        "https://example.org/x": "https://example.org/x",
        "#there": "#there",
        "/-/recent": "/-/recent",
    }
    linking.create("g/a", "\n".join(f"[{number}]({href})" for number, href in enumerate(forms)))
    assert list(looks(linking, "g/a").values()) == list(forms.values())


def test_a_missing_page_looks_so_until_there_is_one(linking: Site, client: "redis.Redis") -> None:
    linking.create("g/a", "[b](b.md#c) [d](../d/ 'Mine')")
    html = linking.get("/g/a").text
    assert 'href="/d" title="Mine" rel="noopener noreferrer" class="missing">' in html
    linking.update("g/a", "[b](b.md#c)", 1)
    tag = linking.get("/g/a").headers["ETag"]
    assert looks(linking, "g/a") == {"b": "?/g/b#c"}
    linking.create("g/b", "now")
    assert linking.get("/g/a", if_none_match=tag).status_code == 304
    a_minute_later(client, "g/a")
    assert looks(linking, "g/a") == {"b": "/g/b#c"}
    assert linking.get("/g/a", if_none_match=tag).status_code == 200
    now = linking.get("/g/a").headers["ETag"]
    a_minute_later(client, "g/a")
    assert linking.get("/g/a", if_none_match=now).status_code == 304
    assert linking.delete("g/b", 1).status_code == 204
    a_minute_later(client, "g/a")
    assert looks(linking, "g/a") == {"b": "?/g/b#c"}
    assert linking.get("/g/a").headers["ETag"] == tag


def test_what_is_around_a_page_is_known_a_minute_later(
    linking: Site, client: "redis.Redis"
) -> None:
    tag = linking.publish("g/a", "# A").headers["ETag"]
    linking.create("g/b", "# Beside\n\n[to it](a.md)")
    assert linking.get("/g/a", if_none_match=tag).status_code == 304
    a_minute_later(client, "g/a")
    html = linking.get("/g/a").text
    assert '<a href="/g/b"><bdi>Beside</bdi></a></li>' in html
    assert '<p>Linked from <a href="/g/b"><bdi>Beside</bdi></a></p>' in html
    assert linking.delete("g/b", 1).status_code == 204
    a_minute_later(client, "g/a")
    assert linking.get("/g/a").headers["ETag"] == tag


def test_what_has_moved_and_a_folder_without_a_page_are_there(linking: Site) -> None:
    linking.create("old", "text")
    linking.create("folder/below/page", "text")
    moved = {"from": "old", "to": "new", "if_match": '"v1"'}
    assert linking.post("/api/moves", moved).status_code == 201
    links = "[o](old) [f](folder/) [b](folder/below) [n](folder/bel) [h](/)"
    linking.create("a", f"{links} [[folder]] [[Folder/below/PAGE]]")
    assert looks(linking, "a") == {
        "o": "/old",
        "f": "/folder",
        "b": "/folder/below",
        "n": "?/folder/bel",
        "h": "?/home",
        "folder": "/folder",
        "Folder/below/PAGE": "/folder/below/page",
    }


def test_names(linking: Site) -> None:
    for slug, body in {
        "g/Tea": "here",
        "h/tea": "elsewhere",
        "h/Green-tea": "the only one",
        "i/Black-tea": "one of two",
        "h/black-tea": "the other",
        "i/x1": "# The Pot",
        "j/x2": "# Kettle",
        "k/x3": "# Kettle",
        "g/x4": "# Kettle",
        "g/x6": "# Green tea",
        "g/x7": "# Black tea",
        "i/White-tea": "one of two",
        "h/white-tea": "the other",
        "j/Übung": "a letter that is not ASCII",
        "g/e/deep": "# Oolong",
        "g/x5": "# TCP/IP",
        "top": "at the top",
    }.items():
        linking.create(slug, body)
    names = {
        "TEA": "/g/Tea",
        "Green tea": "/h/Green-tea",
        "green tea.md#How to": "/h/Green-tea#how-to",
        "Black tea": "/g/x7",
        "White tea": "?/g/White-tea",
        "the pot": "/i/x1",
        "kettle": "/g/x4",
        "ÜBUNG": "/j/%C3%9Cbung",
        "deep": "/g/e/deep",
        "e/deep": "/g/e/deep",
        "oolong": "/g/e/deep",
        "tcp/ip": "/g/x5",
        "Top": "/top",
        "g/tea": "/g/Tea",
        "Nowhere#x": "?/g/Nowhere#x",
    }
    linking.create("g/a", "\n".join(f"[[{name}|{name}]]" for name in names))
    assert looks(linking, "g/a") == names


def test_the_same_folder_is_first_for_each_of_its_pages(linking: Site) -> None:
    for folder in ("a", "b", "c"):
        linking.create(f"{folder}/Tea", "text")
    for folder in ("a", "b", "d"):
        linking.create(f"{folder}/x", "[[Tea]]")
    found = [looks(linking, f"{folder}/x")["Tea"] for folder in ("a", "b", "d")]
    assert found == ["/a/Tea", "/b/Tea", "?/d/Tea"]


def test_a_page_of_a_file_has_its_links_in_the_folder_of_the_file(linking: Site) -> None:
    linking.create("guide/start", "text")
    body = {"body": "[s](start.md) [[Start]]", "file": "guide/README.md"}
    assert linking.put("guide", body, {"If-None-Match": "*"}).status_code == 201
    assert looks(linking, "guide") == {"s": "/guide/start", "Start": "/guide/start"}


def test_no_more_links_than_so_many_are_looked_up(
    linking: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destinations, "MOST_LINKS", 2)
    linking.create("a", "[1](b1) [2](b2) [3](b3)")
    assert looks(linking, "a") == {"1": "?/b1", "2": "?/b2", "3": "/b3"}


def test_links_that_cannot_be_looked_up_look_as_ever(
    linking: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    linking.create("g/x", "text")
    told: list[str] = []
    ask = scattering.rows_in
    answers = iter(range(2))

    def silent(*asked: Any) -> object:
        if next(answers):
            raise Unavailable("down")
        return [row for row in ask(*asked)[0] if row[2] == "g/x"], False

    def log(_level: str, message: str, **_more: object) -> None:
        told.append(message)

    monkeypatch.setattr(surroundings, "of", lambda page: surroundings.unseen(page.slug))
    monkeypatch.setattr(scattering, "rows_in", silent)
    monkeypatch.setattr(telemetry, "log", log)
    linking.create("g/a", "[x](../x/) [y](y) [[z]]")
    assert looks(linking, "g/a") == {"x": "/g/x", "y": "/g/y", "z": "/g/z"}
    linking.update("g/a", "[x](../x/) [y](y) [[z]]!", 1)
    assert looks(linking, "g/a") == {"x": "/x", "y": "/g/y", "z": "/g/z"}
    assert told == ["links not looked up"] * 2


def test_the_first_reader_of_a_page_asks_each_shard_for_links_and_what_is_around(
    linking: Site, urls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    driven = scattering._driven_source

    def counting(*args: object) -> object:
        run = driven(*args)  # type: ignore[arg-type]

        def noted(statement: object) -> object:
            asked.append(statement)
            return run(statement)  # type: ignore[arg-type]

        return noted

    monkeypatch.setattr(scattering, "_driven_source", counting)
    linking.create("g/a", "[x](../x/) [y](y) [[z]]")
    linking.create("g/b", "no link")
    assert asked == []
    for slug in ("g/b", "g/a", "g/a"):
        assert linking.get(f"/{slug}").status_code == 200
    assert len(asked) == (1 + 2) * len(urls)


def test_previews_show_what_is_missing(linking: Site) -> None:
    linking.create("g/x", "text")
    body = {"slug": "g/a", "body": "[x](x.md) [y](y.md) [[X]] [[z]]"}
    html = linking.post("/api/previews", body).json["html"]
    assert re.findall(r'<a href="([^"]*)"[^>]* class="missing"', html) == ["/g/y", "/g/z"]
    assert "data-" not in html


def test_old_versions_have_no_looks_and_nothing_of_ours(linking: Site) -> None:
    linking.create("g/a", "[x](../x/) [[Y]]")
    linking.update("g/a", "new", 1)
    html = linking.get("/-/history/g/a?version=1").text
    article = html.partition("<article")[2].partition("</article>")[0]
    assert re.findall('<a href="([^"]*)"', article) == ["/x", "/g/Y"]
    assert "data-" not in article
    assert "missing" not in article


def test_the_source_is_as_it_was_written(linking: Site) -> None:
    linking.create("g/a", "[x](../x/) [[Y]]")
    assert linking.get("/g/a.md").text == "[x](../x/) [[Y]]"
    assert linking.get("/api/pages/g/a").json["body"] == "[x](../x/) [[Y]]"
