import pytest
from werkzeug import Request
from werkzeug.test import EnvironBuilder

from local.gateway import events, viewer
from sheaf import slugs
from tests.unit.sheaf.http.test_media_types import EXAMPLES


def path_of(path: str, accept: str | None = "text/markdown", method: str = "GET") -> str:
    headers = [("Accept", accept)] if accept is not None else []
    request = Request(EnvironBuilder(path, method=method, headers=headers).get_environ())
    viewer.lead_to_source(request)
    return events.decoded_path(request)


@pytest.mark.parametrize("accept", EXAMPLES)
def test_who_wants_markdown_and_no_html_is_led_to_the_source(accept: str) -> None:
    assert path_of("/guide/install", accept) == "/guide/install" + ".md" * EXAMPLES[accept]


@pytest.mark.parametrize(
    ("path", "source"),
    [("/", "/home.md"), ("/home", "/home.md"), ("/n%C3%A4", "/nä.md"), ("/apis", "/apis.md")],
)
def test_each_page_has_a_source(path: str, source: str) -> None:
    assert path_of(path) == path_of(path, method="HEAD") == source


def test_the_root_has_the_source_of_the_start_page(start_page: str) -> None:
    assert path_of("/") == f"/{start_page}.md"


@pytest.mark.parametrize("path", ["/a.md", "/a/", "/a b", "/-/x", "/-", "/api", "/api/pages"])
def test_what_is_no_page_has_no_source(path: str) -> None:
    assert path_of(path) == path


@pytest.mark.parametrize("name", sorted(slugs.RESERVED))
def test_what_the_site_has_for_itself_is_no_page(name: str) -> None:
    assert path_of(f"/{name}") == f"/{name}"


def test_all_else_is_left_alone() -> None:
    assert path_of("/guide", None) == path_of("/guide", method="PUT") == "/guide"
