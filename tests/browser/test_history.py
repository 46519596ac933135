"""What people do with a page's history: restore, undelete, compare. Nothing is undone unseen."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.api import Api
from tests.browser.tabs import OpenTab, await_page
from tests.browser.test_signing_in import sign_in

OLD = "# Leaf\n\nGreen and small.\n"
NEW = "# Leaf\n\nYellow and small.\n"
THEIRS = "# Leaf\n\nRed and small.\n"


@pytest.fixture
def edited(api: Api, slug: str) -> str:
    """The slug of a page of two versions."""
    api.create(slug, OLD)
    api.update(slug, NEW)
    return slug


@pytest.fixture
def gone(edited: str, api: Api) -> str:
    """The same, deleted."""
    api.remove(edited)
    return edited


def ask_for(tab: Page, label: str) -> None:
    tab.get_by_role("button", name=label).click()
    expect(tab.get_by_role("dialog")).to_be_visible()


def restore(tab: Page, label: str) -> None:
    ask_for(tab, label)
    tab.get_by_role("button", name="Restore", exact=True).click()


def test_a_version_is_restored_after_signing_in(open_tab: OpenTab, edited: str, api: Api) -> None:
    tab = open_tab()
    tab.goto(f"/-/history/{edited}")
    tab.get_by_role("link", name="Version 1").click()
    tab.get_by_role("button", name="Restore this version").click()
    sign_in(tab, "alice")
    tab.wait_for_url(f"**/-/history/{edited}?version=1")
    question = tab.get_by_role("dialog")
    expect(question).to_contain_text("It replaces version 2, “Leaf”, saved by bob.")
    question.get_by_role("button", name="Cancel").click()
    expect(tab.get_by_role("button", name="Restore this version")).to_be_focused()
    assert api.page(edited)["version"] == 2

    restore(tab, "Restore this version")
    await_page(tab, edited)
    expect(tab.locator("article")).to_contain_text("Green and small.")
    restored = api.revision(edited, 3)
    assert (restored["body"], restored["author"]) == (OLD, "alice")
    assert restored["comment"] == "Version 1 restored"


def test_it_is_asked_for_by_the_keyboard_alone(editor: Page, edited: str, api: Api) -> None:
    editor.goto(f"/-/history/{edited}?version=1")
    button = editor.get_by_role("button", name="Restore this version")
    for _ in range(40):
        editor.keyboard.press("Tab")
        if button.evaluate("button => button === document.activeElement"):
            break
    editor.keyboard.press("Enter")
    expect(editor.get_by_role("button", name="Cancel")).to_be_focused()
    editor.keyboard.press("Shift+Tab")
    editor.keyboard.press("Enter")
    await_page(editor, edited)
    assert api.page(edited)["body"] == OLD


def test_what_somebody_saved_meanwhile_is_not_undone(editor: Page, edited: str, api: Api) -> None:
    editor.goto(f"/-/history/{edited}?version=1")
    ask_for(editor, "Restore this version")
    api.update(edited, THEIRS)
    editor.get_by_role("button", name="Restore", exact=True).click()
    told = editor.get_by_role("alert")
    expect(told).to_contain_text("Nothing was restored: bob has saved version 3 meanwhile.")
    assert api.page(edited)["body"] == THEIRS
    told.get_by_role("link", name="What changed").click()
    editor.wait_for_url(f"**/-/diff/{edited}?from=2&to=3")
    expect(editor.locator("ins mark")).to_have_text("Red")

    editor.go_back()
    restore(editor, "Restore this version")
    await_page(editor, edited)
    assert api.page(edited)["version"] == 4


def test_a_page_deleted_meanwhile_stays_deleted(editor: Page, edited: str, api: Api) -> None:
    editor.goto(f"/-/history/{edited}?version=1")
    ask_for(editor, "Restore this version")
    api.remove(edited)
    editor.get_by_role("button", name="Restore", exact=True).click()
    expect(editor.get_by_role("alert")).to_contain_text("the page was deleted meanwhile")
    editor.get_by_role("link", name="Its history").click()
    expect(editor.get_by_role("main")).to_contain_text("This page was deleted by bob on")
    assert api.get(f"/pages/{edited}").status_code == 410


def test_the_current_version_has_nothing_to_restore(editor: Page, edited: str, api: Api) -> None:
    editor.goto(f"/-/history/{edited}?version=2")
    editor.get_by_role("button", name="Restore this version").click()
    expect(editor.get_by_role("alert")).to_contain_text("there is nothing to restore")
    assert api.page(edited)["version"] == 2


def test_who_may_not_is_told(
    open_tab: OpenTab, edited: str, mint_token: Callable[[str, str], str]
) -> None:
    tab = open_tab(mint_token("carol", "reader"))
    tab.goto(f"/-/history/{edited}?version=1")
    restore(tab, "Restore this version")
    expect(tab.get_by_role("alert")).to_contain_text("needs the role editor")


def test_a_version_of_a_page_that_moved_is_restored_where_it_is(
    editor: Page, edited: str, api: Api
) -> None:
    api.move(edited, f"{edited}-2")
    editor.goto(f"/-/history/{edited}?version=1")
    ask_for(editor, "Restore this version")
    expect(editor.get_by_role("dialog")).to_contain_text(f"at {edited}-2, where the page is now")
    editor.get_by_role("button", name="Restore", exact=True).click()
    await_page(editor, f"{edited}-2")
    assert api.page(f"{edited}-2")["body"] == OLD


@pytest.mark.parametrize(
    ("place", "label", "text"),
    [
        ("/{}", "Restore this page", NEW),
        ("/-/history/{}", "Restore this page", NEW),
        ("/-/history/{}?version=1", "Restore this version", OLD),
    ],
)
def test_a_deleted_page_is_brought_back(
    open_tab: OpenTab, gone: str, api: Api, place: str, label: str, text: str
) -> None:
    tab = open_tab()
    tab.goto(place.format(gone))
    tab.get_by_role("button", name=label).click()
    sign_in(tab, "alice")
    tab.wait_for_url(f"**{place.format(gone)}")
    expect(tab.get_by_role("dialog")).to_contain_text(f"There is no page {gone} now.")
    tab.get_by_role("button", name="Restore", exact=True).click()
    await_page(tab, gone)
    expect(tab.locator("article h1")).to_have_text("Leaf")
    page = api.page(gone)
    assert (page["version"], page["body"], page["author"]) == (4, text, "alice")


def test_a_page_written_anew_meanwhile_is_not_replaced(editor: Page, gone: str, api: Api) -> None:
    editor.goto(f"/{gone}")
    ask_for(editor, "Restore this page")
    api.create(gone, THEIRS)
    editor.get_by_role("button", name="Restore", exact=True).click()
    told = editor.get_by_role("alert")
    expect(told).to_contain_text(f"bob has saved the page {gone} meanwhile")
    expect(told.get_by_role("link", name="Its history")).to_be_visible()
    assert api.page(gone)["body"] == THEIRS


def test_who_gave_up_signing_in_is_asked_nothing_later(
    open_tab: OpenTab, gone: str, mint_token: Callable[[str, str], str]
) -> None:
    tab = open_tab()
    tab.goto(f"/{gone}")
    tab.get_by_role("button", name="Restore this page").click()
    tab.get_by_label("Handle").wait_for()
    tab.goto(f"/{gone}")
    signed_in = "token => { localStorage['sheaf:session'] = JSON.stringify({token}) }"
    tab.evaluate(signed_in, mint_token("a", "editor"))
    tab.reload()
    expect(tab.get_by_role("banner").get_by_role("link", name="a", exact=True)).to_be_visible()
    expect(tab.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("has_scripts", [True, False])
def test_any_two_versions_are_compared(
    open_tab: OpenTab, edited: str, api: Api, *, has_scripts: bool
) -> None:
    api.update(edited, THEIRS)
    api.update(edited, f"{THEIRS}\nAnd dry.\n")
    tab = open_tab(java_script_enabled=has_scripts)
    tab.goto(f"/-/history/{edited}")
    tab.get_by_role("radio", name="from version 1").check()
    tab.get_by_role("radio", name="to version 3").check()
    tab.get_by_role("button", name="Compare").click()
    expect(tab.get_by_text("From version 1, saved by bob")).to_contain_text("to version 3, saved")
    expect(tab.locator("del mark")).to_have_text("Green")
    expect(tab.locator("ins mark")).to_have_text("Red")

    tab.get_by_role("link", name="Show side by side").click()
    cells = tab.get_by_role("row").filter(has=tab.locator("del")).get_by_role("cell")
    expect(cells).to_have_text(["Green and small.", "Red and small."])
    expect(tab.get_by_role("columnheader")).to_have_text(["Version 1", "Version 3"])

    tab.get_by_label("to version").fill("4")
    tab.get_by_role("button", name="Compare").click()
    tab.wait_for_url(f"**/-/diff/{edited}?from=1&to=4&view=side")
    expect(tab.locator("ins mark").last).to_contain_text("And dry.")
    tab.get_by_role("link", name="Show one below the other").click()
    expect(tab.get_by_role("table")).to_have_count(0)


def test_without_scripts_all_but_restoring_works(open_tab: OpenTab, gone: str) -> None:
    tab = open_tab(java_script_enabled=False)
    tab.goto(f"/{gone}")
    expect(tab.get_by_role("main")).to_contain_text("This page was deleted by bob on")
    expect(tab.get_by_role("button", name="Restore")).to_have_count(0)
    assert '<noscript><p class="hint">Restoring needs JavaScript.' in tab.content()
    tab.get_by_role("navigation", name="This page").get_by_role("link", name="History").click()
    tab.get_by_role("link", name="Version 1").click()
    tab.get_by_role("link", name="Markdown of this version").click()
    tab.wait_for_url(f"**/-/source/{gone}?version=1")
    expect(tab.locator("body")).to_have_text(re.compile("^# Leaf\n\nGreen and small.\n$"))
    tab.go_back()
    tab.get_by_role("link", name="read the current version").click()
    tab.wait_for_url(f"**/-/history/{gone}")


@pytest.mark.parametrize("view", ["", "&view=side"])
def test_marks_are_seen_in_forced_colours(open_tab: OpenTab, edited: str, view: str) -> None:
    tab = open_tab(forced_colors="active")
    tab.goto(f"/-/diff/{edited}?from=1&to=2{view}")
    for element, line in (("del", "line-through"), ("ins", "underline")):
        mark = tab.locator(f"{element} mark")
        assert line in mark.evaluate("mark => getComputedStyle(mark).textDecorationLine")
        around = mark.evaluate("mark => getComputedStyle(mark.parentElement).borderLeftStyle")
        assert around in ("solid", "double")
