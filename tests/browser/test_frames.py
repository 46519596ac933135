"""Menu and footer on every document: whatever their pages say, no document gets wider for them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.api import Api
from tests.browser.tabs import PHONE, OpenTab
from tests.browser.test_accessibility import expect_nothing_found
from tests.fixtures import Servers, database, running_site

MENU = f"- [Home](/home)\n- [{'menu' * 40}](/home)\n- [Here](#home)[^1]\n\n[^1]: A note.\n"
FOOTER = f"""# Footer

{"| 1,234,567 " * 12}|
{"|---:" * 12}|
{"| 7,654,321 " * 12}|

    {"code " * 80}{"code" * 80}

{"word" * 60} `{"code" * 60}` ![wide](https://example.org/wide.png)
"""
NAMELESS = "# Home\n\n##\n\n## ![](https://example.org/nameless.png)\n"
ADDRESSES = ("/", "/nowhere", "/-/tree", "/-/search?q=home", "/-/edit/home", "/-/history/home")


@pytest.fixture(scope="module")
def site_url(servers: Servers, home: Path, mint_token: Callable[[str, str], str]) -> Iterator[str]:
    """A site with a menu and a footer that nobody has thought about."""
    with (
        database(servers, "framed", None) as own,
        running_site(
            Servers(own, servers.cache(7)), home, SHEAF_MENU="menu", SHEAF_FOOTER="footer"
        ) as url,
    ):
        with Api(url, mint_token("bob", "editor")) as api:
            for slug, text in (("menu", MENU), ("footer", FOOTER), ("home", NAMELESS)):
                api.create(slug, text)
        yield url


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scripts", [True, False])
def test_nothing_of_them_is_wider_than_the_window(
    open_tab: OpenTab, width: int, scripts: bool
) -> None:
    options = PHONE | {"viewport": {"width": width, "height": 700}}
    tab = open_tab(java_script_enabled=scripts, **options)
    for address in ADDRESSES:
        tab.goto(address)
        assert tab.locator("footer table").count() == 1
        assert tab.evaluate("document.scrollingElement.scrollWidth") == width


def test_nothing_of_them_is_a_barrier(open_tab: OpenTab) -> None:
    tab = open_tab(viewport={"width": 390, "height": 700})
    for address in ADDRESSES:
        tab.goto(address)
        expect_nothing_found(tab)
        assert tab.locator(":is(.menu, footer) a:not([href])").count() == 0
