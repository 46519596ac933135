"""Presence over the API: who else edits a page. It refuses nobody, and needs no database."""

import threading
from typing import Any

import pytest
import redis
from werkzeug.test import TestResponse

from sheaf.pages import presence
from tests.conftest import Mint
from tests.fixtures import Servers
from tests.integration.conftest import Configure
from tests.site import Site

TEA = "/api/presence/notes/tea"


def send(site: Site, method: str, path: str, value: Any = None, token: str = "") -> TestResponse:
    headers = {"Authorization": f"Bearer {token or site.token}"}
    return site.client.open(path, method=method, json=value, headers=headers)


def here(site: Site, tab: str = "1", token: str = "", path: str = TEA) -> Any:
    answer = send(site, "PUT", path, {"tab": tab}, token)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store"), answer.text
    return answer.json


def test_people_hear_of_each_other(site: Site, mint_token: Mint) -> None:
    bob, carol = mint_token("bob", "editor"), mint_token("carol", "editor")
    assert here(site) == {"others": [], "own_tabs": 0}
    assert here(site, token=carol) == {"others": ["alice"], "own_tabs": 0}
    assert here(site, token=bob) == {"others": ["alice", "carol"], "own_tabs": 0}
    assert here(site) == {"others": ["bob", "carol"], "own_tabs": 0}
    assert here(site, path="/api/presence/notes") == {"others": [], "own_tabs": 0}


def test_ones_own_tabs_are_counted(site: Site, mint_token: Mint) -> None:
    here(site, "1")
    here(site, "2")
    assert here(site, "3") == {"others": [], "own_tabs": 2}
    bob = mint_token("bob", "editor")
    assert here(site, token=bob) == {"others": ["alice"], "own_tabs": 0}


def test_who_leaves_is_gone(site: Site, mint_token: Mint) -> None:
    bob = mint_token("bob", "editor")
    here(site, "1")
    here(site, "1", bob)
    assert send(site, "DELETE", f"{TEA}?tab=1", token=bob).status_code == 204
    assert send(site, "DELETE", f"{TEA}?tab=1", token=bob).status_code == 204
    assert here(site) == {"others": [], "own_tabs": 0}


def test_a_mark_ends_by_itself(site: Site, clean: Servers, mint_token: Mint) -> None:
    here(site)
    with redis.Redis.from_url(clean.cache_url) as client:
        (key,) = client.keys("presence:*")
        left = client.pttl(key)
        assert 0 < left <= presence.MARK_SECONDS * 1000
        (mark,) = client.zrange(key, 0, -1)
        client.zadd(key, {mark: 1})  # it has ended, and another one keeps the key
    assert here(site, token=mint_token("bob", "editor")) == {"others": [], "own_tabs": 0}


def test_marks_are_bounded(site: Site, clean: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "MAX_MARKS", 3)
    for tab in "12345":
        here(site, tab)
    assert here(site, "6") == {"others": [], "own_tabs": 2}


def test_no_redis_no_refusal(
    site: Site, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(SHEAF_CACHE_URL="redis://127.0.0.1:1/0")
    assert here(site) == {"others": None, "own_tabs": None}
    assert send(site, "DELETE", f"{TEA}?tab=1").status_code == 204
    told = [(line.levelname, line.getMessage()) for line in caplog.records]
    assert told == [("WARNING", "presence unknown")] * 2


def test_many_at_once_are_all_heard_of(site: Site, mint_token: Mint, clean: Servers) -> None:
    """Each mark is one step of Redis: none is lost between another's reading and writing."""
    names = [f"person-{number}" for number in range(8)]
    threads = [threading.Thread(target=presence.mark, args=("home", name, "1")) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert presence.mark("home", "alice", "1").others == names


@pytest.mark.parametrize("tab", ["", "a b", "a\n", "a" * 41, "é", 1, None])
def test_a_tab_has_a_plain_name(site: Site, tab: Any) -> None:
    assert send(site, "PUT", TEA, {"tab": tab}).status_code == 422
    assert send(site, "PUT", TEA, {}).status_code == 422
    assert send(site, "DELETE", TEA).status_code == 400


def test_it_is_for_editors(site: Site, mint_token: Mint) -> None:
    for method, path, value in (("PUT", TEA, {"tab": "1"}), ("DELETE", f"{TEA}?tab=1", None)):
        assert site.client.open(path, method=method, json=value).status_code == 401
        assert send(site, method, path, value, mint_token("carol", "reader")).status_code == 403


def test_the_script_is_known_by_its_digest_again_after_a_flush(site: Site, clean: Servers) -> None:
    here(site)
    with redis.Redis.from_url(clean.cache_url) as client:
        client.script_flush()
        assert client.script_exists(presence._MARK.digest.decode()) == [False]
    assert here(site) == {"others": [], "own_tabs": 0}
