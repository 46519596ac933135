"""New pages, other names and wrong addresses, by keyboard alone."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.api import Api
from tests.browser.tabs import PHONE, OpenTab, answers_lost, await_page, reach
from tests.browser.test_signing_in import sign_in

WINDOW: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
SIZES = [
    pytest.param(size | {"color_scheme": scheme}, id=f"{name} {scheme}")
    for name, size in (("phone", PHONE), ("window", WINDOW))
    for scheme in ("light", "dark")
]


@pytest.fixture(params=SIZES)
def tab(
    open_tab: OpenTab, mint_token: Callable[[str, str], str], request: pytest.FixtureRequest
) -> Page:
    """A tab of alice's on a phone or in a window, light or dark."""
    return open_tab(mint_token("alice", "editor"), **request.param)


@pytest.fixture
def folder(slug: str) -> str:
    """A folder that no other test knows."""
    return slug


def follow(tab: Page, name: str) -> None:
    reach(tab, tab.get_by_role("link", name=name, exact=True))
    tab.keyboard.press("Enter")


def type_into(tab: Page, label: str | re.Pattern[str], words: str) -> None:
    """Put words in the place of what a field has."""
    reach(tab, tab.get_by_label(label))
    tab.keyboard.press("Control+a")
    tab.keyboard.type(words)


def test_a_page_is_made_from_a_title(tab: Page, api: Api, folder: str) -> None:
    api.create(f"{folder}/tea", "# Tea\n")
    tab.goto(f"/{folder}/tea")
    follow(tab, "New page")
    expect(tab.get_by_label("Title")).to_be_focused()
    tab.keyboard.type("What's *new* in C#?")
    name = f"{folder}/Whats-new-in-C-sharp"
    expect(tab.get_by_role("status")).to_have_text(f"It will be at /{name}")
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**/-/edit/{name}?title=*")
    text = tab.get_by_label("Text in Markdown")
    expect(text).to_be_focused()
    expect(text).to_have_value("# What's \\*new\\* in C#?\n\n")
    tab.keyboard.type("All of it.\n")
    tab.keyboard.press("Control+s")
    await_page(tab, name)
    page = api.page(name)
    assert (page["title"], page["version"]) == ("What's *new* in C#?", 1)


@pytest.mark.parametrize(
    "title",
    [
        *("__init__", "snake_case, _more_ and __a__", "A [link](b) `c` <d>"),
        *("R&D &amp; &copy;", "a\\b ~~c~~", "C #"),
        *("50 % + 1", "# 1", "名前", "1. first", "---", "> quoted", "a ## b ##", "**", "![x](y)"),
    ],
)
def test_a_page_has_the_title_that_was_typed(
    editor: Page, api: Api, folder: str, title: str
) -> None:
    editor.goto(f"/-/new?folder={folder}")
    editor.keyboard.type(title)
    editor.keyboard.press("Enter")
    editor.wait_for_url("**/-/edit/**")
    text = editor.get_by_label("Text in Markdown")
    expect(text).to_be_focused()
    expect(text).to_have_value(re.compile("^# "))
    editor.keyboard.press("Control+s")
    editor.wait_for_url(re.compile(r"/browser/\w+/[^/]+$"))
    expect(editor.locator("article h1")).to_have_text(title)


def test_a_title_that_is_taken_is_told_while_it_is_typed(tab: Page, api: Api, folder: str) -> None:
    api.create(f"{folder}/Tea", "# Tea\n")
    tab.goto(f"/-/new?folder={folder}")
    tab.keyboard.type("Tea")
    said = f"There is a page at /{folder}/Tea already; /{folder}/Tea-2 is free."
    expect(tab.get_by_role("status")).to_have_text(said)
    tab.keyboard.press("Enter")
    alert = tab.get_by_role("alert")
    expect(alert.get_by_role("link", name=f"/{folder}/Tea", exact=True)).to_be_visible()
    follow(tab, f"Write it at /{folder}/Tea-2")
    expect(tab.get_by_label("Text in Markdown")).to_have_value("# Tea\n\n")


def test_other_capitals_and_where_a_page_was_are_told(editor: Page, api: Api, folder: str) -> None:
    for name in ("Team-notes", "old"):
        api.create(f"{folder}/{name}", f"# {name}\n")
    editor.goto(f"/-/move/{folder}/old")
    type_into(editor, "Name", "new")
    editor.keyboard.press("Enter")
    await_page(editor, f"{folder}/new")
    editor.goto(f"/-/new?folder={folder}")
    said = editor.get_by_role("status")
    editor.keyboard.type("team notes")
    there = f"There is a page at /{folder}/Team-notes already."
    expect(said).to_have_text(f"It will be at /{folder}/team-notes. {there}")
    type_into(editor, "Title", "old")
    there = f"/{folder}/old leads to /{folder}/new"
    expect(said).to_have_text(f"{there}; /{folder}/old-2 is free.")
    editor.goto(f"/-/move/{folder}/new")
    type_into(editor, "Name", "old")
    there = f"It will be at /{folder}/old, which leads to /{folder}/new now."
    expect(said).to_have_text(there)


def test_a_page_gets_another_name(tab: Page, api: Api, folder: str) -> None:
    api.create(f"{folder}/tea", "# Tea\n")
    api.create(f"{folder}/other", "[tea](tea)")
    tab.goto(f"/{folder}/tea")
    follow(tab, "Move")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Move or rename Tea")
    expect(tab.get_by_label("Name")).to_be_focused()
    expect(tab.get_by_role("main")).to_contain_text("1 page links here")
    type_into(tab, "Name", "Green tea")
    expect(tab.get_by_role("status")).to_have_text(f"It will be at /{folder}/Green-tea")
    type_into(tab, re.compile("^Folder"), f"{folder}/all drinks")
    name = f"{folder}/all-drinks/Green-tea"
    expect(tab.get_by_role("status")).to_have_text(f"It will be at /{name}")
    tab.keyboard.press("Enter")
    await_page(tab, name)
    expect(tab.locator("article h1")).to_have_text("Tea")
    notice = tab.get_by_role("status")
    expect(notice).to_contain_text(f"This page was moved from /{folder}/tea.")
    expect(notice.get_by_role("link")).to_have_attribute("href", f"/-/history/{name}")
    tab.reload()
    expect(notice).to_have_count(0)
    tab.goto(f"/{folder}/other")
    follow(tab, "tea")
    await_page(tab, name)


def test_signing_in_comes_back_to_the_move(open_tab: OpenTab, api: Api, folder: str) -> None:
    api.create(f"{folder}/tea", "# Tea\n")
    tab = open_tab()
    tab.goto(f"/-/move/{folder}/tea")
    type_into(tab, "Name", "Green tea")
    tab.keyboard.press("Enter")
    sign_in(tab, "alice")
    tab.wait_for_url(f"**/-/move/{folder}/tea?name=Green+tea&folder=*")
    expect(tab.get_by_label("Name")).to_have_value("Green tea")
    reach(tab, tab.get_by_role("button", name="Move this page"))
    tab.keyboard.press("Enter")
    await_page(tab, f"{folder}/Green-tea")


def test_a_move_onto_a_page_is_told(editor: Page, api: Api, folder: str) -> None:
    for name in ("tea", "coffee"):
        api.create(f"{folder}/{name}", f"# {name}\n")
    editor.goto(f"/-/move/{folder}/tea")
    type_into(editor, "Name", "coffee")
    editor.keyboard.press("Enter")
    expect(editor.get_by_role("alert")).to_have_text(f"There is a page {folder}/coffee already.")
    expect(editor.locator("#address")).to_be_empty()
    editor.keyboard.type("s")
    expect(editor.locator("#alert")).to_be_empty()
    expect(editor.get_by_role("status")).to_have_text(f"It will be at /{folder}/coffees")
    assert api.page(f"{folder}/tea")["version"] == 1


def test_a_page_that_was_changed_meanwhile_moves_when_that_was_seen(
    editor: Page, api: Api, folder: str
) -> None:
    api.create(f"{folder}/tea", "# Tea\n")
    editor.goto(f"/-/move/{folder}/tea")
    api.update(f"{folder}/tea", "# Black tea\n")
    type_into(editor, "Name", "black-tea")
    editor.keyboard.press("Enter")
    alert = editor.get_by_role("alert")
    expect(alert).to_contain_text("bob has saved version 2 of this page meanwhile. Nothing was")
    difference = alert.get_by_role("link", name="See what changed").get_attribute("href")
    assert difference == f"/-/diff/{folder}/tea?from=1&to=2"
    editor.keyboard.press("Enter")
    await_page(editor, f"{folder}/black-tea")
    assert api.page(f"{folder}/black-tea")["title"] == "Black tea"


@pytest.mark.parametrize(
    ("name", "said"), [("tea", "another name"), (" ", ""), ("x" * 200, "There is a page")]
)
def test_what_is_no_other_name_moves_nothing(
    editor: Page, api: Api, folder: str, name: str, said: str
) -> None:
    api.create(f"{folder}/tea", "# Tea\n")
    api.create(f"{folder}/{'x' * (199 - len(folder))}", "# Long\n")
    editor.goto(f"/-/move/{folder}/tea")
    type_into(editor, "Name", name)
    editor.keyboard.press("Enter")
    if said:
        expect(editor.get_by_role("alert")).to_contain_text(said)
    assert api.page(f"{folder}/tea")["version"] == 1


def test_a_lost_answer_is_no_second_move(editor: Page, api: Api, folder: str) -> None:
    api.create(f"{folder}/tea", "# Tea\n")
    editor.goto(f"/-/move/{folder}/tea")
    type_into(editor, "Name", "green-tea")

    with answers_lost(editor, "**/api/moves", "POST"):
        editor.keyboard.press("Enter")
        expect(editor.get_by_role("alert")).to_contain_text("did not answer")
    editor.keyboard.press("Enter")
    await_page(editor, f"{folder}/green-tea")


def test_a_page_is_deleted_by_keyboard(tab: Page, api: Api, slug: str) -> None:
    api.create(slug, "# Leaf\n")
    tab.goto(f"/{slug}")
    follow(tab, "Edit")
    reach(tab, tab.get_by_role("button", name="Delete this page"))
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("button", name="Cancel")).to_be_focused()
    reach(tab, tab.get_by_role("button", name="Delete", exact=True))
    tab.keyboard.press("Enter")
    await_page(tab, slug)
    assert api.get(f"/pages/{slug}").status_code == 410


def test_a_wrong_address_offers_what_was_meant(tab: Page, api: Api, folder: str) -> None:
    api.create(f"{folder}/install", f"# About {folder}\n")
    answer = tab.goto(f"/{folder}/instal")
    assert answer
    assert answer.status == 404
    expect(tab.get_by_role("heading", name="Perhaps you meant")).to_be_visible()
    follow(tab, f"About {folder}")
    await_page(tab, f"{folder}/install")


def test_an_address_with_blanks_offers_the_one_without(tab: Page, api: Api, folder: str) -> None:
    api.create(f"{folder}/Meeting-notes", "# Meeting notes\n")
    tab.goto(f"/{folder}/Meeting notes")
    expect(tab.get_by_role("main")).to_contain_text("No page can have the address")
    follow(tab, f"/{folder}/Meeting-notes")
    await_page(tab, f"{folder}/Meeting-notes")
    tab.goto(f"/{folder}/Other notes")
    follow(tab, "Create a page of this name")
    expect(tab.get_by_label("Text in Markdown")).to_have_value("# Other notes\n\n")
    assert tab.url.partition("?")[0].endswith(f"/-/edit/{folder}/Other-notes")


@pytest.fixture(params=[PHONE, WINDOW], ids=["phone", "window"])
def plain(open_tab: OpenTab, request: pytest.FixtureRequest) -> Page:
    """A tab that runs no script."""
    return open_tab(java_script_enabled=False, **request.param)


def test_without_scripts_the_form_finds_the_name(plain: Page, api: Api, folder: str) -> None:
    api.create(f"{folder}/Tea", "# Tea\n")
    plain.goto(f"/{folder}/Tea")
    plain.get_by_role("link", name="New page").press("Enter")
    plain.get_by_label("Title").fill("Tea")
    plain.get_by_label("Title").press("Enter")
    plain.get_by_role("link", name=f"Write it at /{folder}/Tea-2").press("Enter")
    plain.wait_for_url(f"**/-/edit/{folder}/Tea-2?title=Tea")
    expect(plain.locator("noscript p")).to_be_visible()


def test_without_scripts_a_wrong_address_leads_to_what_was_meant(
    plain: Page, api: Api, folder: str
) -> None:
    api.create(f"{folder}/install", f"# About {folder}\n")
    plain.goto(f"/{folder}/instal")
    expect(plain.get_by_role("heading", name="Perhaps you meant")).to_be_hidden()
    plain.get_by_role("link", name="pages with a name like this").press("Enter")
    plain.get_by_role("link", name=f"About {folder}", exact=True).press("Enter")
    plain.wait_for_url(f"**/{folder}/install")


def test_without_scripts_a_move_says_that_it_needs_them(plain: Page, api: Api, folder: str) -> None:
    api.create(f"{folder}/tea", "# Tea\n")
    plain.goto(f"/-/move/{folder}/tea")
    expect(plain.locator("noscript p")).to_be_visible()
    expect(plain.get_by_role("button", name="Move this page")).to_be_hidden()
    expect(plain.get_by_role("main")).to_contain_text("No page links here")
