"""Menu and footer: pages that settings name, around every document."""

import pytest
import redis

from sheaf import telemetry
from sheaf.database.outages import Unavailable
from sheaf.pages import frames, lookups
from tests.integration.conftest import Configure
from tests.integration.functions.test_links import a_minute_later
from tests.site import Site

MENU = "# Menu\n\n- [Guide](/guide/start.md)\n- [There](https://example.org)\n- [Later](later.md)\n"


@pytest.fixture
def framed(site: Site, configure: Configure) -> Site:
    """A site with a menu and a footer, which have a page each."""
    configure(SHEAF_MENU="site/menu", SHEAF_FOOTER="site/footer")
    site.create("guide/start", "# Start")
    site.create("site/menu", MENU)
    site.create("site/footer", "---\ntitle: Footer\n---\nKept by *all of us*.\n\n## Imprint\n")
    return site


def part(html: str, begins: str, ends: str) -> str:
    return html.partition(begins)[2].partition(ends)[0]


def menu(html: str) -> str:
    return part(html, '<nav class="menu" aria-label="Menu" dir="auto">', "</nav>")


@pytest.mark.parametrize(
    "address",
    [
        "/guide/start",
        "/guide",
        "/nowhere",
        "/-/tree",
        "/-/search",
        "/-/edit/new",
        "/-/history/home",
    ],
)
def test_they_are_around_every_document(framed: Site, address: str) -> None:
    framed.publish("home", "# Home")
    html = framed.get(address).text
    shown = menu(html)
    assert '<a href="/guide/start" rel="noopener noreferrer">Guide</a>' in shown
    assert 'class="missing" title="There is no page yet.">Later</a>' in shown
    assert "<h1" not in shown
    footer = part(html, '<footer class="site">', "</footer>")
    assert "<p>Kept by <em>all of us</em>.</p>\n<h2>Imprint</h2>" in footer


def test_a_page_takes_a_change_a_minute_later(framed: Site, client: "redis.Redis") -> None:
    framed.publish("home", "# Home")
    framed.update("site/menu", "- [Start](/guide/start)", 1)
    assert ">Guide</a>" in menu(framed.get("/").text)
    a_minute_later(client, "home")
    assert "Guide" not in menu(framed.get("/").text)
    assert ">Start</a>" in menu(framed.get("/").text)
    moved = {"from": "site/menu", "to": "site/top", "if_match": '"v2"'}
    assert framed.post("/api/moves", moved).status_code == 201
    a_minute_later(client, "home")
    assert ">Start</a>" in menu(framed.get("/").text)
    version = framed.get("/api/pages/site/top").json["version"]
    assert framed.delete("site/top", version).status_code == 204
    a_minute_later(client, "home")
    assert 'class="menu"' not in framed.get("/").text


def test_a_site_without_them_asks_for_none(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def at(slug: str) -> None:
        raise AssertionError(f"nobody has named {slug}")

    site.create("home", "# Home")
    monkeypatch.setattr(lookups, "at", at)
    assert site.get("/-/tree").status_code == 200


def test_without_their_database_documents_go_without_them(
    framed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []

    def down(_slug: str) -> None:
        raise Unavailable("it is down")

    monkeypatch.setattr(lookups, "at", down)
    monkeypatch.setattr(telemetry, "log", lambda _level, message, **_: logged.append(message))
    answer = framed.get("/-/users")
    assert (answer.status_code, 'class="menu"' in answer.text) == (200, False)
    assert logged == ["frame not read"] * 2


def test_what_is_too_long_is_left_out(framed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    framed.update("site/footer", "word " * (frames.MOST_CHARACTERS // 5 + 1), 1)
    monkeypatch.setattr(telemetry, "log", lambda _level, message, **_: logged.append(message))
    html = framed.get("/-/users").text
    assert "word word" not in html
    assert ">Guide</a>" in menu(html)
    assert logged == ["frame left out"]
