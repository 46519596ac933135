"""Several people at one page: they see each other, and nobody keeps another out for ever."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.api import Api
from tests.browser.tabs import OpenTab, await_page, edit, save, text
from tests.browser.test_signing_in import sign_out

BEFORE = "# Leaf\n\nGreen.\n"
MINE = "# Leaf\n\nYellow.\n"


def beat(tab: Page) -> None:
    """As when its time has come."""
    tab.evaluate("dispatchEvent(new Event('visibilitychange'))")


def reserved(tab: Page) -> Locator:
    return tab.get_by_role("complementary", name="Reserved")


def test_two_people_see_each_other(
    editor: Page, open_tab: OpenTab, api: Api, slug: str, mint_token: Callable[[str, str], str]
) -> None:
    api.create(slug, BEFORE)
    editor.goto(f"/-/edit/{slug}")
    expect(text(editor)).to_have_value(BEFORE)
    bob = open_tab(mint_token("bob", "editor"))
    bob.goto(f"/-/edit/{slug}")
    expect(bob.get_by_role("status").first).to_have_text("alice is editing this page, too.")
    beat(editor)
    expect(editor.get_by_text("bob is editing this page, too.")).to_be_visible()
    # Neither is refused anything.
    text(bob).fill(MINE)
    save(bob)
    await_page(bob, slug)
    expect(editor.get_by_text("bob is editing this page, too.")).to_be_visible()
    bob.close()
    beat(editor)
    expect(editor.get_by_text("bob is editing this page, too.")).to_be_hidden()


def test_who_signs_out_is_here_no_more(
    editor: Page, open_tab: OpenTab, slug: str, mint_token: Callable[[str, str], str]
) -> None:
    bob = open_tab(mint_token("bob", "editor"))
    bob.goto(f"/-/edit/{slug}")
    expect(bob.get_by_text("This page does not exist yet.")).to_be_visible()
    editor.goto(f"/-/edit/{slug}")
    expect(editor.get_by_text("bob is editing this page, too.")).to_be_visible()
    sign_out(bob)
    beat(editor)
    expect(editor.get_by_text("bob is editing this page, too.")).to_be_hidden()


def test_ones_own_other_tab_is_told(editor: Page, slug: str) -> None:
    editor.goto(f"/-/edit/{slug}")
    expect(editor.get_by_text("This page does not exist yet.")).to_be_visible()
    other = editor.context.new_page()
    other.goto(f"/-/edit/{slug}")
    told = "You are editing this page in another tab, too."
    expect(other.get_by_text(told)).to_be_visible()
    editor.close()
    beat(other)
    expect(other.get_by_text(told)).to_be_hidden()


def test_a_page_that_is_reserved_is_shown_so_and_taken_over(
    editor: Page, api: Api, slug: str
) -> None:
    api.create(slug, BEFORE)
    fence = api.lease(slug)["fence"]
    editor.goto(f"/-/edit/{slug}")
    expect(reserved(editor)).to_contain_text("bob has reserved this page until")
    text(editor).fill(MINE)
    save(editor)
    expect(editor.get_by_role("alert")).to_contain_text("bob is editing")
    assert api.page(slug)["version"] == 1
    reserved(editor).get_by_role("button", name="Take over").click()
    editor.get_by_role("button", name="Cancel").click()
    expect(reserved(editor)).to_be_visible()
    reserved(editor).get_by_role("button", name="Take over").click()
    editor.get_by_role("dialog").get_by_role("button", name="Take over").click()
    expect(reserved(editor)).to_be_hidden()
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["body"] == MINE
    # What bob writes under the reservation is not lost either.
    assert api.save_reserved(slug, "# Bob’s\n", 2, fence)["type"].endswith("lease-lost")
    assert [draft["body"] for draft in api.drafts(slug)] == ["# Bob’s\n"]


def test_a_reservation_that_comes_later_is_shown_when_it_refuses(
    editor: Page, api: Api, slug: str
) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, MINE)
    api.lease(slug)
    save(editor)
    expect(reserved(editor)).to_contain_text("bob has reserved this page until")
    expect(text(editor)).to_have_value(MINE)


def test_ones_own_reservation_is_none(
    editor: Page, site_url: str, mint_token: Callable[[str, str], str], slug: str
) -> None:
    with Api(site_url, mint_token("alice", "editor")) as alice:
        alice.lease(slug)
    editor.goto(f"/-/edit/{slug}")
    expect(editor.get_by_text("This page does not exist yet.")).to_be_visible()
    expect(reserved(editor)).to_be_hidden()
