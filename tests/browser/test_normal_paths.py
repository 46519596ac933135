"""The CDN's own function, which gives each page one address: run by a browser's JavaScript."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from sheaf.rendering.templates import page_path
from tests.sam.test_template import of_type

Handle = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def handle(chromium: Browser) -> Iterator[Handle]:
    (function,) = of_type("AWS::CloudFront::Function").values()
    code = f"(uri) => {{ {function['FunctionCode']}; return handler({{ request: {{ uri }} }}); }}"
    tab = chromium.new_page()
    yield lambda path: tab.evaluate(code, path)
    tab.close()


@pytest.mark.parametrize("slug", ["guide/install", "naïve", "部署", "a.b-c_d"])
def test_the_address_of_a_page_stays(handle: Handle, slug: str) -> None:
    assert handle(page_path(slug)) == {"uri": page_path(slug)}


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
    assert handle(path) == {"uri": normal}


def test_a_slash_at_the_end_leads_to_the_page(handle: Handle) -> None:
    answer = handle("/guide//install/")
    assert (answer["statusCode"], answer["headers"]["location"]["value"]) == (308, "/guide/install")


@pytest.mark.parametrize("path", ["/%", "/%zz", "/%ff"])
def test_what_is_no_text_is_refused(handle: Handle, path: str) -> None:
    assert handle(path)["statusCode"] == 400
