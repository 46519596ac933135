import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.tabs import OpenTab


def sign_in(tab: Page, handle: str) -> None:
    """At the issuer's own form."""
    tab.get_by_label("Handle").fill(handle)
    tab.get_by_role("button", name="Sign in").click()


def test_signing_in_leads_back_and_signing_out_forgets(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto("/guide/install?from=here")
    tab.get_by_role("link", name="Sign in").click()
    sign_in(tab, "alice")
    tab.wait_for_url("**/guide/install?from=here")
    header = tab.get_by_role("banner")
    expect(header.get_by_role("link", name="alice")).to_be_visible()
    tab.goto("/")
    expect(header.get_by_role("link", name="alice")).to_be_visible()
    header.get_by_role("button", name="Sign out").click()
    expect(header.get_by_role("link", name="Sign in")).to_be_visible()
    tab.reload()
    expect(header.get_by_role("link", name="Sign in")).to_be_visible()


def test_the_token_stays_in_its_tab(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto("/-/sign-in?next=/guide/install")
    sign_in(tab, "alice")
    tab.wait_for_url("**/guide/install")
    assert tab.evaluate("localStorage.length") == 0
    assert tab.context.cookies() == []
    other = tab.context.new_page()
    other.goto("/guide/install")
    expect(other.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()


def test_an_answer_to_nobody_s_question_is_refused(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto("/-/sign-in?code=stolen&state=guessed")
    expect(tab.get_by_role("alert")).to_contain_text("not begun in this tab")
    assert tab.evaluate("sessionStorage.length") == 0
    tab.get_by_role("main").get_by_role("button", name="Sign in").click()
    sign_in(tab, "alice")
    tab.wait_for_url(re.compile(r"^[^/]+//[^/]+/$"))


def test_a_code_works_once(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto("/-/sign-in?next=/guide/install")
    with tab.expect_request(re.compile(r"/-/sign-in\?code=")) as answer:
        sign_in(tab, "alice")
    tab.wait_for_url("**/guide/install")
    tab.get_by_role("button", name="Sign out").click()
    tab.goto(answer.value.url)
    expect(tab.get_by_role("alert")).to_contain_text("used already")


@pytest.mark.parametrize("next_address", ["https://other.example/", "//other.example/", "/\\other"])
def test_nobody_is_led_to_another_site(
    open_tab: OpenTab, site_url: str, mint_token: Callable[[str, str], str], next_address: str
) -> None:
    tab = open_tab(mint_token("alice", "editor"))
    tab.goto("/-/sign-in")
    tab.goto(f"/-/sign-in?next={next_address}")
    tab.wait_for_url(lambda url: "sign-in" not in url)
    assert tab.url.startswith(f"{site_url}/")


@pytest.mark.parametrize("token", ["not a token", "e30.eyJleHAiOjEsInVzZXJuYW1lIjoiZXZlIn0.x"])
def test_an_expired_or_broken_token_is_nobody(open_tab: OpenTab, token: str) -> None:
    tab = open_tab(token)
    tab.goto("/")
    expect(tab.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()
