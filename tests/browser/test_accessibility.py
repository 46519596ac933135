"""axe on every kind of page, in light and dark, on a desk and on a phone: nothing is found."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests import documents
from tests.browser.api import Api
from tests.browser.tabs import OpenTab, edit, save
from tests.browser.test_conflicts import BEFORE, MINE, THEIRS, expect_a_choice

LOOKS = [
    ("light", 1280),
    ("dark", 1280),
    ("light", 390),
    ("dark", 390),
]


@pytest.fixture(scope="session")
def slug(site_url: str, mint_token: Callable[[str, str], str]) -> str:
    """A page of each kind."""
    name = "browser/accessible"
    with Api(site_url, mint_token("bob", "editor")) as api:
        documents.prepare(api, name)
    return name


@pytest.fixture(scope="module", params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def look(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Options of a tab."""
    scheme, width = request.param
    return {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}


def expect_nothing_found(tab: Page) -> None:
    found = Axe().run(tab).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
    width = tab.viewport_size["width"] if tab.viewport_size else 0
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_documents(
    open_tab: OpenTab, look: dict[str, Any], slug: str, mint_token: Callable[[str, str], str]
) -> None:
    tab = open_tab(mint_token("alice", "editor"), **look)
    for address in documents.addresses(slug):
        tab.goto(address)
        if "/-/edit/" in address:
            expect(tab.locator("#fields")).to_be_enabled()
        expect_nothing_found(tab)


def test_what_the_editor_shows(
    open_tab: OpenTab, look: dict[str, Any], api: Api, mint_token: Callable[[str, str], str]
) -> None:
    slug = f"browser/shown-{look['color_scheme']}-{look['viewport']['width']}"
    tab = open_tab(mint_token("alice", "editor"), **look)
    api.create(slug, BEFORE)
    edit(tab, slug, MINE)
    api.update(slug, THEIRS)
    save(tab)
    expect_a_choice(tab)
    expect_nothing_found(tab)
    save(tab)
    expect(tab.get_by_role("alert")).not_to_be_empty()
    expect_nothing_found(tab)
    tab.get_by_role("button", name="Back to my text").click()
    tab.get_by_role("tab", name="Preview").click()
    expect(tab.get_by_role("heading", name="Leaf")).to_be_visible()
    expect_nothing_found(tab)
    tab.get_by_role("button", name="Delete this page").click()
    expect_nothing_found(tab)
    tab.get_by_role("button", name="Cancel").click()
    api.remove(slug)
    save(tab)
    expect(tab.get_by_role("region", name="This page was deleted")).to_be_visible()
    expect_nothing_found(tab)
