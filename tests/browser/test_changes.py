"""Recent changes as people see them: without JavaScript, by keyboard, on a phone, in any script."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.api import Api
from tests.browser.tabs import PHONE, OpenTab
from tests.browser.test_reading import contrasts

NAMES = ["A title that goes on and on, " * 5, "日本語の題名と長い説明", "عنوان الصفحة بالعربية"]


@pytest.fixture
def folder(api: Api, slug: str) -> str:
    """A folder of its own, in which a page was made, changed, deleted and restored."""
    api.create(f"{slug}/tea", "# Tea\n")
    api.update(f"{slug}/tea", "# Tea\n\nFour *minutes*.\n")
    api.remove(f"{slug}/tea")
    return slug


def test_what_happened_is_read_without_javascript(open_tab: OpenTab, api: Api, folder: str) -> None:
    tab = open_tab(java_script_enabled=False)
    tab.goto("/")
    tab.get_by_role("link", name="Recent").click()
    expect(tab.get_by_role("heading", level=2).first).to_have_text(re.compile(r"\d+ \w+ 20\d\d"))
    tab.get_by_label("Folder").fill(folder)
    tab.get_by_label("Folder").press("Enter")
    expect(tab.locator(".hint")).to_contain_text(f"Changes to pages in {folder}/, without imports.")
    expect(tab.locator(".list li")).to_have_count(3)
    deleted, edited, created = (tab.locator(".list li").nth(number) for number in range(3))
    for item, kind in ((deleted, "deleted"), (edited, "edited"), (created, "created")):
        expect(item).to_contain_text(f"{folder}/tea · {kind} by bob")
        expect(item.locator("time")).to_have_attribute("datetime", re.compile("^20.*Z$"))
    expect(edited).to_contain_text("23 bytes (+17)")
    expect(deleted).to_contain_text("0 bytes (−23)")
    edited.get_by_role("link", name="what changed").click()
    expect(tab.locator("ins")).to_contain_text("Four *minutes*.")
    tab.go_back()
    tab.get_by_role("link", name="Tea").first.click()
    tab.wait_for_url(f"**/-/history/{folder}/tea")


def test_imports_are_shown_to_who_asks_for_them(open_tab: OpenTab, api: Api, slug: str) -> None:
    api.create(f"{slug}/brought", "# Brought in\n", origin="import")
    tab = open_tab()
    tab.goto(f"/-/recent?folder={slug}")
    expect(tab.locator(".list li")).to_have_count(0)
    expect(tab.locator("main")).to_contain_text("Nothing like that has happened.")
    tab.get_by_role("link", name="Look among imports, too").click()
    expect(tab.locator(".list li")).to_contain_text("imported by bob")
    expect(tab.get_by_label("With imports")).to_be_checked()
    tab.get_by_label("With imports").press("Space")
    tab.get_by_role("button", name="Show").press("Enter")
    expect(tab.locator(".list li")).to_have_count(0)


def test_a_person_has_a_list_of_what_they_did(open_tab: OpenTab, folder: str) -> None:
    tab = open_tab()
    tab.goto(f"/-/recent?folder={folder}&author=bob")
    expect(tab.locator(".hint")).to_contain_text(f"Changes by bob to pages in {folder}/")
    tab.get_by_role("link", name="bob").first.click()
    tab.wait_for_url("**/-/users/bob")
    for kind in ("deleted", "edited", "created"):
        item = tab.locator(".list li").filter(has_text=f"{folder}/tea · {kind}")
        expect(item).to_have_count(1)


def test_a_move_is_one_change(open_tab: OpenTab, api: Api, slug: str) -> None:
    api.create(f"{slug}/old/tea", "# Tea\n")
    api.move(f"{slug}/old/tea", f"{slug}/new/tea")
    tab = open_tab()
    for folder in ("", "/old", "/new"):
        tab.goto(f"/-/recent?folder={slug}{folder}")
        moved = tab.locator(".list li").filter(has_text="moved from")
        expect(moved).to_have_count(1)
        expect(moved).to_contain_text(f"moved from {slug}/old/tea to {slug}/new/tea by bob")
        moved.get_by_role("link", name="Tea").click()
        tab.wait_for_url(f"**/{slug}/new/tea")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it(open_tab: OpenTab, api: Api, slug: str, scheme: str) -> None:
    for number, name in enumerate(NAMES):
        api.create(f"{slug}/{'long' * 30}-{number}", f"# {name}\n", comment=name)
    tab = open_tab(color_scheme=scheme, **PHONE)
    for address in (f"/-/recent?folder={slug}", "/-/users/bob", "/-/recent?author=nobody"):
        tab.goto(address)
        assert tab.evaluate("document.scrollingElement.scrollWidth") == 390, address
        for element, ratio in contrasts(tab).items():
            assert ratio >= 4.5, (address, element)


def test_feed_readers_find_the_feed(open_tab: OpenTab, folder: str) -> None:
    tab = open_tab()
    tab.goto(f"/-/recent?folder={folder}")
    found = tab.locator('link[type="application/atom+xml"]')
    expect(found).to_have_attribute("href", f"/-/feed.atom?folder={folder}")
    answer = tab.request.get(f"/-/feed.atom?folder={folder}")
    assert answer.ok
    assert answer.text().count("<entry>") == 3
