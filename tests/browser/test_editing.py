import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from tests.browser.api import Api
from tests.browser.tabs import OpenTab, await_page, edit, save
from tests.browser.test_signing_in import sign_in


def test_a_page_is_created_from_where_it_is_missed(editor: Page, api: Api, slug: str) -> None:
    editor.goto(f"/{slug}")
    editor.get_by_role("link", name="Create this page").click()
    expect(editor.get_by_role("status")).to_contain_text("does not exist yet")
    editor.get_by_label("Text in Markdown").fill("# New leaf\n\nGreen.\n")
    editor.get_by_label("What changed").fill("A first leaf")
    save(editor)
    await_page(editor, slug)
    expect(editor.locator("article h1")).to_have_text("New leaf")
    revision = api.revision(slug, 1)
    assert (revision["author"], revision["comment"]) == ("alice", "A first leaf")


def test_an_edit_is_seen_at_once(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, "# Leaf\n\nGreen.\n")
    editor.goto(f"/{slug}")
    editor.get_by_role("link", name="Edit").click()
    text = editor.get_by_label("Text in Markdown")
    expect(text).to_have_value("# Leaf\n\nGreen.\n")
    text.fill("# Leaf\n\nYellow.\n")
    text.press("Control+s")
    await_page(editor, slug)
    expect(editor.locator("article")).to_contain_text("Yellow.")
    assert api.page(slug)["version"] == 2


def test_windows_line_ends_survive(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, "# Leaf\r\n\r\nGreen.\r\n")
    edit(editor, slug, "# Leaf\n\nYellow.\n")
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["body"] == "# Leaf\r\n\r\nYellow.\r\n"


def test_the_preview_shows_what_saving_would(editor: Page, slug: str) -> None:
    # A heading called Save must not take the button's place.
    edit(editor, slug, "# Save\n\nSome *words*.\n")
    editor.get_by_role("tab", name="Preview").click()
    panel = editor.get_by_role("tabpanel", name="Preview")
    expect(panel.locator("em")).to_have_text("words")
    editor.keyboard.press("ArrowLeft")
    expect(editor.get_by_label("Text in Markdown")).to_be_visible()
    expect(panel).to_be_hidden()
    editor.keyboard.press("Control+s")
    await_page(editor, slug)


def test_a_draft_outlives_its_page(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, "# Leaf\n")
    edit(editor, slug, "")
    editor.get_by_label("Text in Markdown").press_sequentially("# Unsaved")
    warnings: list[str] = []

    def heed(dialog: Dialog) -> None:
        warnings.append(dialog.type)
        dialog.accept()

    editor.on("dialog", heed)
    editor.reload()
    assert warnings == ["beforeunload"]
    text = editor.get_by_label("Text in Markdown")
    expect(text).to_have_value("# Unsaved")
    editor.get_by_role("button", name="Discard it").click()
    editor.get_by_role("button", name="Discard mine").click()
    expect(text).to_have_value("# Leaf\n")
    editor.reload()
    expect(text).to_have_value("# Leaf\n")
    assert warnings == ["beforeunload"]


def test_a_text_survives_signing_in(open_tab: OpenTab, slug: str) -> None:
    tab = open_tab()
    edit(tab, slug, "# Written before signing in\n")
    expect(tab.get_by_role("status")).to_contain_text("asked to sign in")
    save(tab)
    sign_in(tab, "alice")
    tab.wait_for_url(f"**/-/edit/{slug}")
    expect(tab.get_by_label("Text in Markdown")).to_have_value("# Written before signing in\n")
    save(tab)
    await_page(tab, slug)
    expect(tab.locator("h1")).to_have_text("Written before signing in")


def test_a_token_that_the_site_refuses_is_dropped(open_tab: OpenTab, slug: str) -> None:
    tab = open_tab()
    tab.goto("/")
    # Says that it is valid until 2100, and nobody signed it.
    token = "e30.eyJleHAiOjQxMDI0NDQ4MDAsInVzZXJuYW1lIjoiZXZlIn0.x"
    tab.evaluate("token => sessionStorage.setItem('sheaf:token', token)", token)
    edit(tab, slug, "# Mine\n")
    save(tab)
    sign_in(tab, "alice")
    tab.wait_for_url(f"**/-/edit/{slug}")
    save(tab)
    await_page(tab, slug)


def test_a_reader_is_told_why_not(
    open_tab: OpenTab, slug: str, mint_token: Callable[[str, str], str]
) -> None:
    tab = open_tab(mint_token("carol", "reader"))
    edit(tab, slug, "# Mine\n")
    save(tab)
    expect(tab.get_by_role("alert")).to_contain_text("editor")
    expect(tab.get_by_label("Text in Markdown")).to_have_value("# Mine\n")


def test_a_text_that_is_too_long_stays(editor: Page, slug: str) -> None:
    edit(editor, slug, "# Long\n\n" + "word " * 220_000)
    save(editor)
    expect(editor.get_by_role("alert")).not_to_be_empty()
    expect(editor.get_by_label("Text in Markdown")).to_have_value(re.compile("^# Long"))


def test_a_page_is_deleted_only_after_a_question(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, "# Leaf\n")
    editor.goto(f"/-/edit/{slug}")
    editor.get_by_role("button", name="Delete this page").click()
    editor.get_by_role("button", name="Cancel").click()
    assert api.page(slug)["state"] == "live"
    editor.get_by_role("button", name="Delete this page").click()
    editor.get_by_role("button", name="Delete", exact=True).click()
    await_page(editor, slug)
    expect(editor.get_by_role("heading", level=1)).to_have_text("Gone")
    assert api.get(f"/pages/{slug}").status_code == 410


@pytest.mark.parametrize("write", ["create", "update"])
def test_a_lost_answer_is_no_conflict(editor: Page, api: Api, slug: str, write: str) -> None:
    if write == "update":
        api.create(slug, "# Leaf\n")

    def lose_the_answer(route: Route) -> None:
        if route.request.method == "PUT":
            route.fetch()
            route.abort()
        else:
            route.continue_()

    edit(editor, slug, "# Mine\n")
    editor.route("**/api/pages/**", lose_the_answer)
    save(editor)
    expect(editor.get_by_role("alert")).to_contain_text("did not answer")
    editor.unroute("**/api/pages/**")
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["version"] == (2 if write == "update" else 1)
