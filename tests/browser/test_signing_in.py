import re
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.tabs import OpenTab, await_page, edit, save, text


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
    expect_signed_in(tab, "alice")
    tab.goto("/")
    expect_signed_in(tab, "alice")
    sign_out(tab)
    expect_signed_out(tab)
    tab.reload()
    expect_signed_out(tab)


def header(tab: Page) -> Locator:
    return tab.get_by_role("banner")


def expect_signed_in(tab: Page, handle: str) -> None:
    expect(header(tab).get_by_role("link", name=handle)).to_be_visible()


def expect_signed_out(tab: Page) -> None:
    expect(header(tab).get_by_role("link", name="Sign in")).to_be_visible()


def sign_out(tab: Page) -> None:
    """Sign out, and be back here if that leads by way of the provider."""
    here, leads_away = tab.url, "signOutUrl" in tab.evaluate(SESSION)
    with tab.expect_navigation(url=lambda url: url == here) if leads_away else nullcontext():
        header(tab).get_by_role("button", name="Sign out").click()


def test_without_scripts_nobody_is_led_anywhere(open_tab: OpenTab) -> None:
    tab = open_tab(java_script_enabled=False)
    tab.goto("/-/sign-in")
    expect(tab.locator("noscript p")).to_be_visible()
    expect(tab.get_by_text("Taking you to the sign-in page")).to_be_hidden()


def test_one_session_is_for_all_tabs(open_tab: OpenTab) -> None:
    tab = open_tab()
    other = tab.context.new_page()
    other.goto("/guide/install")
    expect_signed_out(other)
    tab.goto("/-/sign-in?next=/guide/install")
    sign_in(tab, "alice")
    tab.wait_for_url("**/guide/install")
    expect_signed_in(other, "alice")
    third = tab.context.new_page()
    third.goto("/")
    expect_signed_in(third, "alice")
    sign_out(other)
    for each in (tab, other, third):
        expect_signed_out(each)
    assert tab.evaluate("Object.keys(localStorage)") == []


def test_signing_out_ends_the_session_at_the_provider(open_tab: OpenTab) -> None:
    """Else the next one at this browser would be signed in as the one before."""
    tab = open_tab()
    tab.goto("/-/sign-in?next=/guide/install")
    sign_in(tab, "alice")
    tab.wait_for_url("**/guide/install")
    tab.goto("/guide/install?from=here")
    sign_out(tab)
    tab.wait_for_url("**/guide/install?from=here")
    expect_signed_out(tab)
    header(tab).get_by_role("link", name="Sign in").click()
    sign_in(tab, "bob")
    tab.wait_for_url("**/guide/install?from=here")
    expect_signed_in(tab, "bob")


def test_a_provider_without_an_address_for_it_is_left_alone(
    open_tab: OpenTab, mint_token: Callable[[str, str], str]
) -> None:
    tab = open_tab(mint_token("alice", "editor"))
    tab.goto("/guide/install")
    sign_out(tab)
    expect_signed_out(tab)
    expect(header(tab).get_by_role("link", name="Sign in")).to_be_focused()
    assert tab.url.endswith("/guide/install")


# What is over, as the browser can tell: nobody signed it.
EXPIRED = "e30.eyJleHAiOjEsInVzZXJuYW1lIjoiYWxpY2UifQ.x"
EXPIRE = "token => { const kept = JSON.parse(localStorage['sheaf:session']);"
EXPIRE += " localStorage['sheaf:session'] = JSON.stringify({...kept, token}) }"
# What does not look over, and is refused.
FORGED = "e30.eyJleHAiOjQxMDI0NDQ4MDAsInVzZXJuYW1lIjoiYWxpY2UifQ.x"
SESSION = "() => JSON.parse(localStorage['sheaf:session'] ?? 'null')"


def test_a_token_is_renewed_before_it_is_used(open_tab: OpenTab, slug: str) -> None:
    tab = open_tab()
    tab.goto("/-/sign-in?next=/")
    sign_in(tab, "alice")
    tab.wait_for_url(re.compile(r"^[^/]+//[^/]+/$"))
    first = tab.evaluate(SESSION)
    tab.evaluate(EXPIRE, EXPIRED)
    tab.reload()
    expect_signed_in(tab, "alice")
    edit(tab, slug, "# Mine\n")
    save(tab)
    await_page(tab, slug)
    second = tab.evaluate(SESSION)
    assert second["token"] not in (first["token"], EXPIRED)
    assert second["refreshToken"] != first["refreshToken"]


def test_a_token_that_is_refused_is_renewed(open_tab: OpenTab, slug: str) -> None:
    tab = open_tab()
    tab.goto(f"/-/sign-in?next=/-/edit/{slug}")
    sign_in(tab, "alice")
    text(tab).fill("# Mine\n")
    tab.evaluate(EXPIRE, FORGED)
    save(tab)
    await_page(tab, slug)
    expect_signed_in(tab, "alice")


def test_several_tabs_renew_it_once(open_tab: OpenTab, slug: str) -> None:
    """A refresh token counts once: the second would end the session."""
    tab = open_tab()
    tab.goto("/-/sign-in?next=/")
    sign_in(tab, "alice")
    tab.wait_for_url(re.compile(r"^[^/]+//[^/]+/$"))
    others = [tab.context.new_page() for _ in range(3)]
    asked: list[str] = []
    for other in others:
        other.on(
            "request",
            lambda request: asked.append(request.url) if "/token" in request.url else None,
        )
        other.goto("/-/recent")
    tab.evaluate(EXPIRE, EXPIRED)
    for other in others:
        other.wait_for_function(f"({SESSION})().token === {EXPIRED!r}")
    for other in others:
        other.evaluate("slug => { location.href = `/-/edit/${slug}` }", slug)
    for other in others:
        other.wait_for_url("**/-/edit/**")
        expect(other.get_by_text("This page does not exist yet.")).to_be_visible()
        expect_signed_in(other, "alice")
    assert len(asked) == 1


def test_a_session_that_the_provider_has_ended_is_ended_here(
    open_tab: OpenTab, site_url: str, slug: str
) -> None:
    tab = open_tab()
    tab.goto("/-/sign-in?next=/")
    sign_in(tab, "alice")
    tab.wait_for_url(re.compile(r"^[^/]+//[^/]+/$"))
    other = tab.context.new_page()
    other.goto("/guide/install")
    there = f"{site_url}/-/local/logout?client_id=sheaf&post_logout_redirect_uri={site_url}/"
    assert tab.context.request.get(there).ok
    tab.evaluate(EXPIRE, EXPIRED)
    tab.goto(f"/-/edit/{slug}")
    expect_signed_out(tab)
    expect_signed_out(other)


def test_a_renewed_token_is_not_dropped_for_an_old_one(
    open_tab: OpenTab, slug: str, mint_token: Callable[[str, str], str]
) -> None:
    """The site refuses a token, and another tab has a newer one by then."""
    tab = open_tab(mint_token("alice", "editor"))
    tab.goto("/-/recent")
    good = tab.evaluate(SESSION)["token"]
    tab.evaluate(EXPIRE, FORGED)

    def renewed_meanwhile(route: Route) -> None:
        other.evaluate(EXPIRE, good)
        route.continue_()

    other = tab.context.new_page()
    other.goto("/-/recent")
    tab.route("**/api/drafts/**", renewed_meanwhile, times=1)
    tab.goto(f"/-/edit/{slug}")
    expect(tab.get_by_text("Saving creates it.")).to_be_visible()
    expect_signed_in(tab, "alice")
    assert tab.evaluate(SESSION)["token"] == good


def test_an_answer_to_nobody_s_question_is_refused(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto("/-/sign-in?code=stolen&state=guessed")
    expect(tab.get_by_role("alert")).to_contain_text("not begun in this tab")
    assert tab.evaluate("sessionStorage.length + localStorage.length") == 0
    tab.get_by_role("main").get_by_role("button", name="Sign in").click()
    sign_in(tab, "alice")
    tab.wait_for_url(re.compile(r"^[^/]+//[^/]+/$"))


def test_a_code_works_once(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto("/-/sign-in?next=/guide/install")
    with tab.expect_request(re.compile(r"/-/sign-in\?code=")) as answer:
        sign_in(tab, "alice")
    tab.wait_for_url("**/guide/install")
    sign_out(tab)
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
