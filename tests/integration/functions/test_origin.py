"""Behind a CDN, direct access to the origin is refused, whatever is asked for."""

from collections.abc import Iterator

import pytest

from sheaf import settings
from tests.site import Site

KEYS = ("a" * 24, "b" * 24)
PATHS = ("/", "/nowhere", "/robots.txt", "/-/recent", "/api/pages", "/api/health")


@pytest.fixture
def guarded(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site.create("home", "# Home")
    monkeypatch.setenv("SHEAF_ORIGIN_KEYS", ",".join(KEYS))
    settings.current.cache_clear()
    yield site
    settings.current.cache_clear()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, {"x_sheaf_origin": "c" * 24}], ids=["none", "wrong"])
def test_past_the_cdn_nothing_is_read(guarded: Site, path: str, headers: dict[str, str]) -> None:
    answer = guarded.get(path, **headers)
    assert answer.status_code == 403
    if path.startswith("/api/"):
        assert answer.json["type"] == "urn:sheaf:problem:wrong-door"


def test_past_the_cdn_nothing_is_written(guarded: Site) -> None:
    assert guarded.update("home", "# Else", 1).status_code == 403
    assert guarded.get("/home.md", x_sheaf_origin=KEYS[0]).text == "# Home"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("path", ["/", "/robots.txt", "/-/recent", "/api/pages"])
def test_by_way_of_the_cdn_everything_is_as_ever(guarded: Site, path: str, key: str) -> None:
    assert guarded.get(path, x_sheaf_origin=key).status_code == 200
