"""What somebody types is kept: for other tabs and devices, without a network, for that person."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.api import Api
from tests.browser.tabs import OpenTab, answers_lost, await_draft, await_page, edit, save, text
from tests.browser.test_signing_in import (
    EXPIRE,
    EXPIRED,
    FORGED,
    expect_signed_out,
    sign_in,
    sign_out,
)
from tests.waiting import wait_until

BEFORE = "# Leaf\n\nGreen.\n"
MINE = "# Leaf\n\nYellow.\n"
# A time, as it stands on pages, in any language of the browser.
AS_ELSEWHERE = re.compile(r"from \d\d? [A-Z][a-z]+ \d{4}, \d\d:\d\d\.")
OTHER = "# Leaf\n\nBrown.\n"


@pytest.fixture
def alice(site_url: str, mint_token: Callable[[str, str], str]) -> Api:
    """The API, as alice uses it."""
    return Api(site_url, mint_token("alice", "editor"))


@pytest.fixture
def another_device(open_tab: OpenTab, mint_token: Callable[[str, str], str]) -> Page:
    """A tab of another browser in which alice is signed in, too."""
    return open_tab(mint_token("alice", "editor"), locale="en-US")


def expect_drafts(api: Api, slug: str, texts: list[str]) -> None:
    """These are kept on the site, in any order: at last."""

    def kept() -> list[str]:
        return sorted(draft["body"] for draft in api.drafts(slug))

    wait_until(lambda: kept() == sorted(texts), f"other drafts than {texts}")


def others(tab: Page) -> Locator:
    return tab.get_by_role("complementary", name="Other texts")


def test_a_closed_tab_loses_nothing(
    editor: Page, api: Api, alice: Api, another_device: Page, slug: str
) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, MINE)
    editor.get_by_label("What changed").fill("Autumn")
    await_draft(editor)
    expect_drafts(alice, slug, [MINE])
    expect_drafts(api, slug, [])
    editor.context.close()
    another_device.goto(f"/-/edit/{slug}")
    expect(text(another_device)).to_have_value(MINE)
    expect(another_device.get_by_label("What changed")).to_have_value("Autumn")
    notice = another_device.get_by_role("complementary", name="Unsaved text")
    expect(notice).to_contain_text(AS_ELSEWHERE)
    save(another_device)
    await_page(another_device, slug)
    assert api.page(slug)["body"] == MINE
    assert api.revision(slug, 2)["comment"] == "Autumn"
    another_device.goto(f"/-/edit/{slug}")
    expect(text(another_device)).to_have_value(MINE)
    expect_drafts(alice, slug, [])


def test_a_draft_is_merged_with_what_is_newer(
    editor: Page, api: Api, another_device: Page, slug: str
) -> None:
    before = "# Leaf\n\nGreen.\n\nSmall.\n\nRound.\n"
    api.create(slug, before)
    edit(editor, slug, before.replace("Round.", "Long."))
    await_draft(editor)
    api.update(slug, before.replace("Green.", "Red."))
    another_device.goto(f"/-/edit/{slug}")
    merged = before.replace("Round.", "Long.").replace("Green.", "Red.")
    expect(text(another_device)).to_have_value(merged)
    expect(another_device.get_by_text("bob’s change to 1 line was merged in.")).to_be_visible()


def test_a_draft_that_the_page_says_already_is_none(
    editor: Page, api: Api, alice: Api, another_device: Page, slug: str
) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, MINE)
    await_draft(editor)
    api.update(slug, MINE)
    another_device.goto(f"/-/edit/{slug}")
    expect(another_device.get_by_text("You are editing version 2")).to_be_visible()
    expect(another_device.get_by_text("had not saved yet")).to_be_hidden()
    another_device.reload()
    expect(text(another_device)).to_have_value(MINE)
    expect_drafts(alice, slug, [])


def test_two_devices_have_two_drafts_and_each_is_offered(
    editor: Page, api: Api, alice: Api, another_device: Page, slug: str
) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, MINE)
    await_draft(editor)
    # Both go on from the same draft.
    another_device.goto(f"/-/edit/{slug}")
    expect(text(another_device)).to_have_value(MINE)
    text(another_device).fill(OTHER)
    expect_drafts(alice, slug, [OTHER])
    text(editor).fill(MINE + "\nDry.\n")
    expect_drafts(alice, slug, [OTHER, MINE + "\nDry.\n"])

    third = editor.context.new_page()
    third.goto(f"/-/edit/{slug}")
    expect(text(third)).to_have_value(MINE + "\nDry.\n")
    others(third).get_by_role("button", name="Show").click()
    expect(text(third)).to_have_value(OTHER)
    others(third).get_by_role("button", name="Show").click()
    expect(text(third)).to_have_value(MINE + "\nDry.\n")
    others(third).get_by_role("button", name="Discard").click()
    expect(others(third)).to_be_hidden()
    third.reload()
    expect(text(third)).to_have_value(MINE + "\nDry.\n")
    expect_drafts(alice, slug, [MINE + "\nDry.\n"])


def test_what_is_typed_without_a_network_is_kept_and_sent_later(
    editor: Page, api: Api, alice: Api, slug: str
) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, BEFORE)
    editor.context.set_offline(True)
    text(editor).fill(MINE)
    await_draft(editor, "in this browser")
    save(editor)
    expect(editor.get_by_role("alert")).to_contain_text("did not answer")
    text(editor).fill(MINE + "\nDry.\n")
    await_draft(editor, "in this browser")
    editor.context.set_offline(False)
    await_draft(editor)
    expect_drafts(alice, slug, [MINE + "\nDry.\n"])
    assert editor.evaluate("Object.keys(localStorage).filter(key => key.includes('draft'))") == []
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["body"] == MINE + "\nDry.\n"


def test_nothing_overwrites_what_another_device_has_meanwhile(
    editor: Page, api: Api, alice: Api, another_device: Page, slug: str
) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, BEFORE)
    editor.context.set_offline(True)
    text(editor).fill(MINE)
    await_draft(editor, "in this browser")
    edit(another_device, slug, OTHER)
    await_draft(another_device)
    editor.context.set_offline(False)
    await_draft(editor)
    expect(text(editor)).to_have_value(MINE)
    expect(others(editor)).to_be_visible()
    expect_drafts(alice, slug, [MINE, OTHER])


def test_a_closed_browser_without_a_network_keeps_it(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, BEFORE)
    editor.context.set_offline(True)
    text(editor).fill(MINE)
    await_draft(editor, "in this browser")
    other = editor.context.new_page()
    editor.close()
    editor.context.set_offline(False)
    other.goto(f"/-/edit/{slug}")
    expect(text(other)).to_have_value(MINE)
    await_draft(other)


def test_an_answer_that_was_lost_makes_no_second_draft(
    editor: Page, api: Api, alice: Api, slug: str
) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, BEFORE)
    with answers_lost(editor, "**/api/drafts/**"):
        with editor.expect_event("requestfailed"):
            text(editor).fill(MINE)
        expect_drafts(alice, slug, [MINE])
    text(editor).fill(OTHER)
    await_draft(editor)
    expect_drafts(alice, slug, [OTHER])


def test_what_is_discarded_is_gone_though_it_arrived_late(
    editor: Page, api: Api, alice: Api, slug: str
) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, BEFORE)
    under_way: list[Any] = []

    def delay(route: Route) -> None:
        if route.request.method == "PUT":
            under_way.append(route.request.post_data_json)
            route.abort()
        else:
            route.continue_()

    editor.route("**/api/drafts/**", delay)
    with editor.expect_event("requestfailed"):
        text(editor).fill(MINE)
    editor.reload()
    expect(text(editor)).to_have_value(MINE)
    alice.put(f"/drafts/{slug}", json=under_way[0]).raise_for_status()
    editor.unroute("**/api/drafts/**")
    editor.get_by_role("button", name="Discard it").click()
    editor.get_by_role("button", name="Discard mine").click()
    expect(text(editor)).to_have_value(BEFORE)
    expect_drafts(alice, slug, [])


def test_drafts_are_one_persons(open_tab: OpenTab, slug: str) -> None:
    tab = open_tab()
    tab.goto(f"/-/sign-in?next=/-/edit/{slug}")
    sign_in(tab, "alice")
    text(tab).fill("# Alice’s\n")
    await_draft(tab)
    sign_out(tab)
    tab.wait_for_url(f"**/-/edit/{slug}")
    expect_signed_out(tab)
    expect(text(tab)).to_have_value("")
    tab.get_by_role("link", name="Sign in").click()
    sign_in(tab, "bob")
    tab.wait_for_url(f"**/-/edit/{slug}")
    expect(tab.get_by_text("This page does not exist yet.")).to_be_visible()
    expect(text(tab)).to_have_value("")
    sign_out(tab)
    tab.wait_for_url(f"**/-/edit/{slug}")
    tab.get_by_role("link", name="Sign in").click()
    sign_in(tab, "alice")
    expect(text(tab)).to_have_value("# Alice’s\n")


def test_another_tab_signs_in_for_what_was_typed(open_tab: OpenTab, alice: Api, slug: str) -> None:
    """What nobody has typed belongs to whoever comes first."""
    tab = open_tab()
    edit(tab, slug, "# Typed by nobody yet\n")
    await_draft(tab, "until you sign in")
    other = tab.context.new_page()
    other.goto("/-/sign-in?next=/")
    sign_in(other, "alice")
    expect(tab.get_by_role("banner").get_by_role("link", name="alice")).to_be_visible()
    await_draft(tab)
    expect_drafts(alice, slug, ["# Typed by nobody yet\n"])


def signed_out_elsewhere(open_tab: OpenTab, slug: str) -> tuple[Page, Page]:
    """A tab in which alice has typed, and the other one, in which she has signed out then."""
    tab = open_tab()
    tab.goto(f"/-/sign-in?next=/-/edit/{slug}")
    sign_in(tab, "alice")
    text(tab).fill(MINE)
    await_draft(tab)
    other = tab.context.new_page()
    other.goto("/guide/install")
    sign_out(other)
    return tab, other


def test_signed_out_elsewhere_the_text_stays(open_tab: OpenTab, api: Api, slug: str) -> None:
    tab, other = signed_out_elsewhere(open_tab, slug)
    expect(tab.get_by_text("You are signed out. Your text stays here")).to_be_visible()
    text(tab).fill(OTHER)
    await_draft(tab, "in this browser")
    other.goto("/-/sign-in?next=/")
    sign_in(other, "alice")
    await_draft(tab)
    save(tab)
    await_page(tab, slug)
    assert api.page(slug)["body"] == OTHER


@pytest.mark.parametrize("token", [EXPIRED, FORGED], ids=["expired", "refused"])
def test_a_token_that_is_over_costs_no_text(
    open_tab: OpenTab, slug: str, mint_token: Callable[[str, str], str], token: str
) -> None:
    """Of a provider that renews none."""
    tab = open_tab(mint_token("alice", "editor"))
    edit(tab, slug, MINE)
    await_draft(tab)
    tab.evaluate(EXPIRE, token)
    tab.get_by_label("What changed").fill("In haste")
    save(tab)
    sign_in(tab, "alice")
    tab.wait_for_url(f"**/-/edit/{slug}")
    expect(text(tab)).to_have_value(MINE)
    expect(tab.get_by_label("What changed")).to_have_value("In haste")
    save(tab)
    await_page(tab, slug)


def test_who_else_signs_in_is_told_of_the_text_that_went(open_tab: OpenTab, slug: str) -> None:
    tab, other = signed_out_elsewhere(open_tab, slug)
    other.goto("/-/sign-in?next=/")
    sign_in(other, "bob")
    expect(tab.get_by_text("kept as a draft, for alice.")).to_be_visible()
    expect(text(tab)).to_have_value("")


def test_a_person_finds_all_drafts(
    editor: Page, another_device: Page, api: Api, alice: Api, slug: str
) -> None:
    for name in ("one", "two"):
        edit(editor, f"{slug}/{name}", f"---\ntitle: Draft {name} of {slug}\n---\n")
        await_draft(editor)
    another_device.goto("/")
    another_device.get_by_role("link", name="Drafts").click()
    listed = another_device.get_by_role("main").get_by_role("listitem")
    mine = listed.filter(has_text=slug)
    expect(mine).to_have_count(2)
    expect(mine.first).to_contain_text(f"Draft two of {slug}")
    mine.last.get_by_role("button", name="Discard").click()
    another_device.get_by_role("button", name="Discard it").click()
    expect(mine).to_have_count(1)
    expect_drafts(alice, f"{slug}/one", [])
    mine.get_by_role("link").click()
    another_device.wait_for_url(f"**/-/edit/{slug}/two")
    expect(text(another_device)).to_have_value(f"---\ntitle: Draft two of {slug}\n---\n")


def test_drafts_are_for_who_is_signed_in(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto("/-/drafts")
    main = tab.get_by_role("main")
    expect(main.get_by_role("status")).to_have_text(
        "Sign in to see what you have typed and not saved."
    )
    main.get_by_role("link", name="Sign in").click()
    sign_in(tab, "dora")
    tab.wait_for_url("**/-/drafts")
    expect(main.get_by_role("status")).to_have_text("You have no drafts.")


def test_what_is_told_of_a_draft_stays_in_order(editor: Page, api: Api, slug: str) -> None:
    """Also where slug and comment are read from right to left."""
    slug = f"{slug}/شاي"
    api.create(slug, BEFORE)
    edit(editor, slug, MINE)
    editor.get_by_label("What changed").fill("شاي 2")
    await_draft(editor)
    editor.goto("/-/drafts")
    item = editor.get_by_role("listitem").filter(has_text=slug)
    told = item.locator("bdi")
    expect(told).to_have_text([slug, re.compile(r"\d\d:\d\d$"), "“شاي 2”"])
    left = told.evaluate_all("told => told.map((each) => each.getBoundingClientRect().left)")
    assert left == sorted(left)


def test_what_is_typed_after_a_page_has_moved_is_found_there(
    editor: Page, api: Api, alice: Api, another_device: Page, slug: str
) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, MINE)
    await_draft(editor)
    api.move(slug, f"{slug}-2")
    text(editor).fill(OTHER)
    expect_drafts(alice, f"{slug}-2", [OTHER])
    editor.context.close()
    another_device.goto(f"/-/edit/{slug}-2")
    expect(text(another_device)).to_have_value(OTHER)


def test_a_draft_of_a_page_that_moved_is_found(
    editor: Page, api: Api, another_device: Page, slug: str
) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, MINE)
    await_draft(editor)
    api.move(slug, f"{slug}-2")
    another_device.goto(f"/-/edit/{slug}")
    another_device.wait_for_url(f"**/-/edit/{slug}-2")
    expect(another_device.get_by_text("another address now")).to_be_visible()
    expect(text(another_device)).to_have_value(MINE)
