"""Somebody else saves between this editor's load and save. No text may be lost unseen."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.api import Api
from tests.browser.tabs import await_page, edit, save

BEFORE = "# Leaf\n\nGreen.\n"
MINE = "# Leaf\n\nYellow.\n"
THEIRS = "# Leaf\n\nRed.\n"


@pytest.fixture
def conflict(editor: Page, api: Api, slug: str) -> Page:
    """Alice's tab, after bob was faster."""
    api.create(slug, BEFORE)
    edit(editor, slug, MINE)
    api.update(slug, THEIRS)
    save(editor)
    return editor


def expect_both_texts(tab: Page) -> None:
    expect(tab.get_by_role("region", name="while you were editing")).to_be_visible()
    expect(tab.get_by_role("region", name="Theirs")).to_contain_text("Red.")
    expect(tab.get_by_label("Yours")).to_have_value(MINE)


def test_both_texts_are_shown(conflict: Page, api: Api, slug: str) -> None:
    expect_both_texts(conflict)
    expect(conflict.get_by_role("heading", name="bob saved version 2")).to_be_focused()
    expect(conflict.locator("#theirs mark")).to_have_text("Red.")
    assert api.page(slug)["body"] == THEIRS


def test_saving_again_without_a_choice_saves_nothing(conflict: Page, api: Api, slug: str) -> None:
    expect_both_texts(conflict)
    save(conflict)
    conflict.keyboard.press("Control+s")
    expect_both_texts(conflict)
    assert api.page(slug)["version"] == 2


def test_mine_goes_on_top_of_theirs(conflict: Page, api: Api, slug: str) -> None:
    conflict.get_by_role("button", name="Keep editing mine").click()
    expect(conflict.get_by_role("region", name="Theirs")).to_contain_text("Red.")
    mine = conflict.get_by_label("Yours")
    mine.fill("# Leaf\n\nRed.\n\nYellow.\n")
    expect(conflict.locator("#theirs mark")).to_have_count(0)
    save(conflict)
    await_page(conflict, slug)
    assert api.page(slug)["body"] == "# Leaf\n\nRed.\n\nYellow.\n"
    assert api.revision(slug, 2)["body"] == THEIRS


def test_a_second_conflict_is_one_too(conflict: Page, api: Api, slug: str) -> None:
    conflict.get_by_role("button", name="Keep editing mine").click()
    api.update(slug, THEIRS + "And brown.\n")
    save(conflict)
    expect_both_texts(conflict)
    expect(conflict.get_by_role("region", name="Theirs")).to_contain_text("And brown.")
    assert api.page(slug)["version"] == 3


def test_theirs_is_taken_after_a_question(conflict: Page, api: Api, slug: str) -> None:
    conflict.get_by_role("button", name="Take theirs").click()
    conflict.get_by_role("button", name="Cancel").click()
    expect_both_texts(conflict)
    conflict.get_by_role("button", name="Take theirs").click()
    conflict.get_by_role("button", name="Discard mine").click()
    expect(conflict.get_by_label("Text in Markdown")).to_have_value(THEIRS)
    expect(conflict.get_by_role("region", name="Theirs")).to_be_hidden()
    assert api.page(slug)["version"] == 2


def test_a_draft_of_an_old_version_is_a_conflict(conflict: Page, api: Api, slug: str) -> None:
    for _ in range(3):  # It stays one, however often she leaves.
        expect_both_texts(conflict)
        conflict.goto("/")
        conflict.goto(f"/-/edit/{slug}")
    expect_both_texts(conflict)
    save(conflict)
    assert api.page(slug)["version"] == 2


def test_a_page_deleted_meanwhile_can_be_written_again(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, MINE)
    api.remove(slug)
    save(editor)
    expect(editor.get_by_role("region", name="This page was deleted")).to_be_visible()
    editor.get_by_role("button", name="Keep editing mine").click()
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["body"] == MINE


def test_a_page_created_meanwhile_is_not_overwritten(editor: Page, api: Api, slug: str) -> None:
    edit(editor, slug, MINE)
    api.create(slug, THEIRS)
    save(editor)
    expect_both_texts(editor)
    assert api.page(slug)["body"] == THEIRS


def test_a_page_changed_meanwhile_is_not_deleted(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, BEFORE)
    editor.goto(f"/-/edit/{slug}")
    editor.get_by_role("button", name="Delete this page").wait_for()
    api.update(slug, THEIRS)
    editor.get_by_role("button", name="Delete this page").click()
    editor.get_by_role("button", name="Delete", exact=True).click()
    expect(editor.get_by_role("region", name="Theirs")).to_contain_text("Red.")
    assert api.page(slug)["body"] == THEIRS
