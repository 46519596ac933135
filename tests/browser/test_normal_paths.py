"""The CDN's own function, which gives each page one address: run by a browser's JavaScript."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser

from sheaf import slugs
from sheaf.rendering.templates import page_path, source_path
from tests.sam.test_template import of_type
from tests.unit.sheaf.http.test_media_types import EXAMPLES


class Handle(Protocol):
    """What comes of a request; without an answer, its address."""

    def __call__(self, path: str, accept: object = None, method: str = "GET") -> Any: ...


@pytest.fixture(scope="module")
def handle(chromium: Browser) -> Iterator[Handle]:
    with handling(chromium, "home") as handle:
        yield handle


@contextmanager
def handling(chromium: Browser, start_page: str) -> Iterator[Handle]:
    (function,) = of_type("AWS::CloudFront::Function").values()
    written = function["FunctionCode"]["Fn::Sub"].replace("${StartPage}", start_page)
    code = f"(request) => {{ {written}; return handler({{ request }}); }}"
    tab = chromium.new_page()

    def handle(path: str, accept: object = None, method: str = "GET") -> Any:
        headers = {"host": {"value": "wiki.example.org"}} | ({"accept": accept} if accept else {})
        request = {"method": method, "uri": path, "querystring": {}, "headers": headers}
        answer = tab.evaluate(code, request)
        return answer if "statusCode" in answer else answer["uri"]

    yield handle
    tab.close()


@pytest.mark.parametrize("slug", ["guide/install", "naïve", "部署", "a.b-c_d"])
def test_the_address_of_a_page_stays(handle: Handle, slug: str) -> None:
    assert handle(page_path(slug)) == page_path(slug)


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/", "/"),
        ("//", "/"),
        ("//guide//install", "/guide/install"),
        ("/na%c3%afve", "/na%C3%AFve"),
        ("/%67uide", "/guide"),
        ("/a%2Fb", "/a%2Fb"),
        ("/-/static/style.css", "/-/static/style.css"),
    ],
)
def test_other_spellings_are_the_same_address(handle: Handle, path: str, normal: str) -> None:
    assert handle(path) == normal


def test_a_slash_at_the_end_leads_to_the_page(handle: Handle) -> None:
    answer = handle("/guide//install/")
    assert (answer["statusCode"], answer["headers"]["location"]["value"]) == (308, "/guide/install")


@pytest.mark.parametrize("path", ["/%", "/%zz", "/%ff"])
def test_what_is_no_text_is_refused(handle: Handle, path: str) -> None:
    assert handle(path)["statusCode"] == 400


@pytest.mark.parametrize("accept", EXAMPLES)
def test_who_wants_markdown_and_no_html_is_led_to_the_source(handle: Handle, accept: str) -> None:
    expected = "/guide/install.md" if EXAMPLES[accept] else "/guide/install"
    assert handle("/guide/install", {"value": accept}) == expected
    several = [{"value": part} for part in accept.split(",")]
    if '"' not in accept:
        last = several[-1]["value"]
        assert handle("/guide/install", {"value": last, "multiValue": several}) == expected


@pytest.mark.parametrize("slug", ["home", "naïve", "部署/a.b", "apis", "notes/robots.txt", "a/api"])
def test_each_page_has_a_source(handle: Handle, slug: str) -> None:
    assert handle(page_path(slug), {"value": "text/markdown"}) == source_path(slug)
    assert handle(page_path(slug), {"value": "text/markdown"}, "HEAD") == source_path(slug)


def test_the_root_has_the_source_of_the_start_page(chromium: Browser) -> None:
    with handling(chromium, "größe/茶") as handle:
        assert handle("/", {"value": "text/markdown"}) == source_path("größe/茶")
        assert handle("/home", {"value": "text/markdown"}) == "/home.md"


def test_spellings_of_a_page_lead_to_its_source_too(handle: Handle) -> None:
    accept = {"value": "text/markdown"}
    assert handle("//na%c3%afve", accept) == "/na%C3%AFve.md"
    assert handle("//", accept) == "/home.md"
    assert handle("/guide/", accept)["headers"]["location"]["value"] == "/guide"


@pytest.mark.parametrize(
    "path",
    [
        "/guide.md",
        "/-/recent",
        "/-",
        "/api",
        "/api/pages",
        *(f"/{n}" for n in sorted(slugs.RESERVED)),
    ],
)
def test_what_is_no_page_has_no_source(handle: Handle, path: str) -> None:
    assert handle(path, {"value": "text/markdown"}) == path


def test_what_writes_is_left_alone(handle: Handle) -> None:
    assert handle("/guide", {"value": "text/markdown"}, "POST") == "/guide"
