import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from tests.browser.api import Api
from tests.browser.tabs import OpenTab, answers_lost, await_page, edit, save, text
from tests.browser.test_signing_in import sign_in
from tests.waiting import wait_until


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
    expect(text(editor)).to_have_value("# Leaf\n\nGreen.\n")
    text(editor).fill("# Leaf\n\nYellow.\n")
    text(editor).press("Control+s")
    await_page(editor, slug)
    expect(editor.locator("article")).to_contain_text("Yellow.")
    assert api.page(slug)["version"] == 2


def test_the_version_leaves_the_address_once_it_is_shown(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, "# Leaf\n\nGreen.\n")
    edit(editor, slug, "# Leaf\n\nYellow.\n")
    with editor.expect_request(re.compile(rf"/{slug}\?v=2$")):
        save(editor)
    expect(editor.locator("article")).to_contain_text("Yellow.")
    expect(editor).to_have_url(re.compile(rf"/{slug}$"))
    editor.reload()
    expect(editor.locator("article")).to_contain_text("Yellow.")


def test_what_else_is_in_the_address_stays(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, "# Leaf\n\n## Vein\n\nGreen.\n")
    editor.goto(f"/{slug}?v=1&from=mail#vein")
    expect(editor).to_have_url(re.compile(rf"/{slug}\?from=mail#vein$"))


def test_a_version_that_is_not_there_stays_in_the_address(
    editor: Page, api: Api, slug: str
) -> None:
    """It is not shown yet: who reloads asks for it again."""
    api.create(slug, "# Leaf\n")
    address = f"/{slug}?v=7"

    def is_not_shown() -> bool:
        editor.request.get(address)  # the first in a second gets what the database has
        answer = editor.goto(address)
        return bool(answer and answer.status == 503)

    wait_until(is_not_shown, "it is shown")
    expect(editor).to_have_url(re.compile(rf"/{slug}\?v=7$"))


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


def test_a_preview_has_the_language_and_the_direction_of_the_text(editor: Page, slug: str) -> None:
    panel = editor.get_by_role("tabpanel", name="Preview")
    for said, lang, direction in (("lang: he\ndir: rtl", "he", "rtl"), ("a: b", "en", "auto")):
        edit(editor, slug, f"---\n{said}\n---\nText {lang}.\n")
        editor.get_by_role("tab", name="Preview").click()
        expect(panel).to_contain_text(f"Text {lang}.")
        expect(panel).to_have_attribute("lang", lang)
        expect(panel).to_have_attribute("dir", direction)


def test_a_title_of_the_front_matter_is_shown_before_and_after_saving(
    editor: Page, api: Api, slug: str
) -> None:
    edit(editor, slug, "---\ntitle: Tea & more\n---\nGreen.\n\n# Leaf\n")
    editor.get_by_role("tab", name="Preview").click()
    panel = editor.get_by_role("tabpanel", name="Preview")
    expect(panel.get_by_role("heading", level=1)).to_have_text(["Tea & more", "Leaf"])
    save(editor)
    await_page(editor, slug)
    article = editor.get_by_role("article").get_by_role("heading", level=1)
    expect(article).to_have_text(["Tea & more", "Leaf"])
    api.update(slug, "# Leaf\n")
    editor.goto(f"/-/history/{slug}?version=1")
    expect(article).to_have_text(["Tea & more", "Leaf"])
    editor.goto(f"/-/history/{slug}?version=2")
    expect(article).to_have_text("Leaf")


def test_front_matter_that_is_not_read_is_told(editor: Page, api: Api, slug: str) -> None:
    edit(editor, slug, "---\ntitle: Tea\ntags: [a\n---\nGreen.\n")
    warning = editor.get_by_text("This is not front matter and stays text")
    editor.get_by_role("tab", name="Preview").click()
    expect(warning).to_contain_text("Line 3: ")
    save(editor)
    expect(editor.get_by_role("status")).to_contain_text("saved as version 1")
    expect(warning).to_contain_text("Line 3: ")
    assert api.page(slug)["body"].startswith("---\ntitle: Tea\n")

    editor.get_by_role("tab", name="Write").click()
    editor.get_by_label("Text in Markdown").fill("---\ntitle: Tea: green\n---\nGreen.\n")
    save(editor)
    await_page(editor, slug)
    assert (api.page(slug)["title"], api.page(slug)["version"]) == ("Tea: green", 2)


def test_a_text_that_no_other_tab_has_is_not_left_by_mistake(open_tab: OpenTab, slug: str) -> None:
    tab = open_tab()
    edit(tab, slug, "")
    text(tab).press_sequentially("# Unsaved")
    warnings: list[str] = []

    def heed(dialog: Dialog) -> None:
        warnings.append(dialog.type)
        dialog.accept()

    tab.on("dialog", heed)
    tab.reload()
    assert warnings == ["beforeunload"]
    expect(text(tab)).to_have_value("# Unsaved")


def test_a_draft_outlives_its_page(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, "# Leaf\n")
    edit(editor, slug, "")
    text(editor).press_sequentially("# Unsaved")
    editor.reload()
    expect(text(editor)).to_have_value("# Unsaved")
    editor.get_by_role("button", name="Discard it").click()
    editor.get_by_role("button", name="Discard mine").click()
    expect(text(editor)).to_have_value("# Leaf\n")
    editor.reload()
    expect(text(editor)).to_have_value("# Leaf\n")


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
    tab.evaluate("token => { localStorage['sheaf:session'] = JSON.stringify({token}) }", token)
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
    tab.goto(f"/-/edit/{slug}")
    expect(tab.get_by_role("alert")).to_contain_text("carol. This account may read this site")
    expect(text(tab)).to_have_attribute("readonly", "")
    expect(tab.locator(".save")).to_be_hidden()
    expect(text(tab)).to_have_value("")


def test_what_a_reader_typed_before_signing_in_can_be_copied(open_tab: OpenTab, slug: str) -> None:
    tab = open_tab()
    edit(tab, slug, "# Typed in vain\n")
    save(tab)
    tab.get_by_label("Role").select_option("reader")
    sign_in(tab, "rita")
    expect(tab.get_by_role("alert")).to_contain_text("rita. This account may read this site")
    expect(text(tab)).to_have_value("# Typed in vain\n")
    expect(text(tab)).to_have_attribute("readonly", "")


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
    expect(editor.get_by_role("main")).to_contain_text("This page was deleted by alice on")
    assert api.get(f"/pages/{slug}").status_code == 410


@pytest.mark.parametrize("write", ["create", "update"])
def test_a_lost_answer_is_no_conflict(editor: Page, api: Api, slug: str, write: str) -> None:
    if write == "update":
        api.create(slug, "# Leaf\n")
    edit(editor, slug, "# Mine\n")
    with answers_lost(editor, "**/api/pages/**"):
        save(editor)
        expect(editor.get_by_role("alert")).to_contain_text("did not answer")
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["version"] == (2 if write == "update" else 1)


def test_nor_is_it_one_when_somebody_else_went_on(editor: Page, api: Api, slug: str) -> None:
    """The site knows by its key that this save was done."""
    edit(editor, slug, "# Mine\n")
    with answers_lost(editor, "**/api/pages/**"):
        save(editor)
        expect(editor.get_by_role("alert")).to_contain_text("did not answer")
    api.update(slug, "# Theirs\n")
    with editor.expect_response(lambda answer: answer.request.method == "PUT") as answered:
        save(editor)
    assert answered.value.status == 201
    await_page(editor, slug)
    assert (api.page(slug)["version"], api.page(slug)["body"]) == (2, "# Theirs\n")


def test_the_editor_of_a_page_that_moved_is_that_of_its_new_name(
    editor: Page, api: Api, slug: str
) -> None:
    api.create(slug, "# Leaf\n")
    api.move(slug, f"{slug}-2")
    editor.goto(f"/-/edit/{slug}")
    editor.wait_for_url(f"**/-/edit/{slug}-2")
    expect(editor.get_by_label("Text in Markdown")).to_have_value("# Leaf\n")
    editor.goto(f"/{slug}")
    editor.wait_for_url(f"**/{slug}-2")


def test_a_preview_that_fails_says_so_and_nothing_else(editor: Page, slug: str) -> None:
    edit(editor, slug, "# Leaf\n")
    editor.route("**/api/previews", lambda route: route.abort())
    editor.get_by_role("tab", name="Preview").click()
    expect(editor.get_by_role("alert")).to_contain_text("did not answer")
    expect(editor.get_by_role("tabpanel", name="Preview")).to_be_empty()


def test_nothing_is_saved_behind_a_question(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, "# Leaf\n")
    edit(editor, slug, "# Mine\n")
    editor.get_by_role("button", name="Delete this page").click()
    expect(editor.get_by_role("dialog")).to_be_visible()
    editor.keyboard.press("Control+s")
    expect(editor.get_by_role("dialog")).to_be_visible()
    editor.get_by_role("button", name="Cancel").click()
    assert api.page(slug)["version"] == 1
    editor.keyboard.press("Control+s")
    await_page(editor, slug)
    assert api.page(slug)["version"] == 2


def test_what_is_asked_for_meanwhile_is_done_next_and_once(
    editor: Page, api: Api, slug: str
) -> None:
    edit(editor, slug, "# Mine\n")

    def press_meanwhile(route: Route) -> None:
        editor.keyboard.press("Control+s")
        editor.keyboard.press("Control+s")
        route.continue_()

    editor.route("**/api/previews", press_meanwhile)
    editor.get_by_role("tab", name="Preview").click()
    await_page(editor, slug)
    assert api.page(slug)["version"] == 1
