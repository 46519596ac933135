"""Writing with other means than a mouse and a wide window: fingers, keys, colours of one's own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.api import Api
from tests.browser.tabs import PHONE, OpenTab, await_draft, await_page, reach

OLD = "# Leaf\n\nGreen.\n"
MINE = "# Leaf\n\nYellow.\n"
THEIRS = "# Leaf\n\nRed.\n"
BOTH = "# Leaf\n\nYellow.\n\nRed.\n"
# Fingers need this much, as WCAG 2.2 (2.5.8) has it: the height of each control in pixels.
LEAST = 24
SMALL = """least => [...document.querySelectorAll("main :is(button, input, textarea)")]
  .filter(control => control.checkVisibility())
  .map(control => control.closest("label:has(input)") ?? control)
  .filter(control => control.getBoundingClientRect().height < least)
  .map(control => control.outerHTML)"""
FORCED: dict[str, Any] = {"forced_colors": "active"}


@pytest.fixture(params=[PHONE, FORCED], ids=["phone", "forced colours"])
def tab(
    open_tab: OpenTab, mint_token: Callable[[str, str], str], request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A tab of alice's, who touches it on a phone."""
    options = {"has_touch": True} | request.param
    tab = open_tab(mint_token("alice", "editor"), **options)
    yield tab
    expect_it_fits(tab)


def expect_it_fits(tab: Page) -> None:
    """Nothing is beside the window, nothing is too small to be touched."""
    assert tab.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert tab.evaluate(SMALL, LEAST) == []


def expect_room(box: Locator) -> None:
    assert box.evaluate("box => box.getBoundingClientRect().width") >= 200


def touch(tab: Page, name: str) -> None:
    """Touch a button, a link or a choice."""
    named = [tab.get_by_role(role, name=name, exact=True) for role in ("button", "link", "radio")]
    first: Locator = named[0].or_(named[1]).or_(named[2])
    first.wait_for()
    expect_it_fits(tab)
    first.tap()


def test_both_changes_are_kept(tab: Page, api: Api, slug: str) -> None:
    api.create(slug, OLD)
    tab.goto(f"/{slug}")
    touch(tab, "Edit")
    tab.get_by_label("Text in Markdown").fill(MINE)
    api.update(slug, THEIRS)
    expect_room(tab.get_by_label("What changed"))
    touch(tab, "Save")
    tab.locator(".choice").wait_for()
    for shown in tab.locator(".texts pre").all():
        expect_room(shown)
    touch(tab, "Both, one after the other")
    touch(tab, "Save")
    await_page(tab, slug)
    assert api.page(slug)["body"] == BOTH


def test_a_long_name_fits(
    tab: Page, api: Api, slug: str, site_url: str, mint_token: Callable[[str, str], str]
) -> None:
    name = "averylonghandle" * 4
    api.create(slug, OLD)
    with Api(site_url, mint_token(name, "editor")) as theirs:
        fence = theirs.lease(slug)["fence"]
        tab.goto(f"/-/edit/{slug}")
        expect(tab.get_by_role("complementary", name="Reserved")).to_contain_text(name)
        expect_it_fits(tab)
        tab.get_by_label("Text in Markdown").fill(MINE)
        theirs.save_reserved(slug, THEIRS, 1, fence)
        theirs.delete(f"/leases/{slug}").raise_for_status()
    touch(tab, "Save")
    expect(tab.get_by_role("radio", name=f"{name}’s")).to_be_visible()


def test_a_version_is_restored_and_a_deletion_undone(tab: Page, api: Api, slug: str) -> None:
    api.create(slug, OLD)
    api.update(slug, THEIRS)
    tab.goto(f"/{slug}")
    touch(tab, "History")
    touch(tab, "Version 1")
    touch(tab, "Restore this version")
    touch(tab, "Restore")
    await_page(tab, slug)
    assert api.page(slug)["body"] == OLD
    api.remove(slug)
    tab.goto(f"/{slug}")
    touch(tab, "Restore this page")
    touch(tab, "Restore")
    expect(tab.locator("article")).to_contain_text("Green.")
    assert api.page(slug)["body"] == OLD


def test_a_draft_is_gone_on_with_or_discarded(tab: Page, api: Api, slug: str) -> None:
    api.create(slug, OLD)
    tab.goto(f"/-/edit/{slug}")
    tab.get_by_label("Text in Markdown").fill(MINE)
    await_draft(tab)
    tab.reload()
    expect(tab.get_by_label("Text in Markdown")).to_have_value(MINE)
    touch(tab, "Discard it")
    touch(tab, "Discard mine")
    expect(tab.get_by_label("Text in Markdown")).to_have_value(OLD)


def test_both_changes_are_kept_by_keys_alone(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, OLD)
    editor.goto(f"/{slug}")
    reach(editor, editor.get_by_role("link", name="Edit", exact=True))
    editor.keyboard.press("Enter")
    expect(editor.get_by_label("Text in Markdown")).to_be_focused()
    editor.keyboard.press("Control+a")
    editor.keyboard.type(MINE)
    api.update(slug, THEIRS)
    editor.keyboard.press("Control+s")
    reach(editor, editor.get_by_role("radio", name="Yours"))
    for _ in range(2):
        editor.keyboard.press("ArrowDown")
    expect(editor.get_by_role("radio", name="Both")).to_be_checked()
    editor.keyboard.press("Control+s")
    await_page(editor, slug)
    assert api.page(slug)["body"] == BOTH


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_chosen_is_seen_in_forced_colours(
    open_tab: OpenTab, mint_token: Callable[[str, str], str], api: Api, slug: str, scheme: str
) -> None:
    tab = open_tab(mint_token("alice", "editor"), color_scheme=scheme, **FORCED)
    api.create(slug, OLD)
    tab.goto(f"/-/edit/{slug}")
    look = "tab => getComputedStyle(tab).textDecorationLine"
    lines = [tab.get_by_role("tab", name=name).evaluate(look) for name in ("Write", "Preview")]
    assert lines == ["underline", "none"]
    assert tab.locator(".tools [aria-current]").evaluate(look) == "underline"
    assert tab.get_by_role("link", name="History", exact=True).evaluate(look) == "none"
    for control in ("Save", "Delete this page"):
        button = tab.get_by_role("button", name=control)
        reach(tab, button)
        assert button.evaluate("button => getComputedStyle(button).outlineStyle") != "none"
