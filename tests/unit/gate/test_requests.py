import pytest

from gate import app
from sheaf import settings

NEEDED = {"SHEAF_DATABASE_URLS": "postgresql://h/d", "SHEAF_CACHE_URL": "redis://h"}


def with_keys(monkeypatch: pytest.MonkeyPatch, keys: str) -> dict[str, str]:
    environment = {**NEEDED, "SHEAF_ORIGIN_KEYS": keys}
    monkeypatch.setattr(settings, "current", lambda: settings.Settings(environment))
    headers: dict[str, str] = app.event("GET", "/")["headers"]
    return headers


def test_a_request_has_come_by_way_of_our_own_cdn(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = with_keys(monkeypatch, f"{'new' * 7},{'old' * 7}")
    assert headers["x-sheaf-origin"] == "new" * 7


def test_where_there_is_no_cdn_nothing_is_said_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "x-sheaf-origin" not in with_keys(monkeypatch, "")
