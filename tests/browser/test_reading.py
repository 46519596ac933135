import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.api import Api
from tests.browser.tabs import PHONE, OpenTab, box

SMALL_PHONE: dict[str, Any] = PHONE | {"viewport": {"width": 320, "height": 640}}
OLD_TIME = '<time datetime="2026-11-02T16:03:11Z">2 Nov 2026, 16:03 UTC'
WIDE = f"""# Wide things

`{"code" * 40}` and {"word" * 40}

    {"block " * 60}

| {" | ".join(f"column {n}" for n in range(12))} |
|{"---:|" * 12}
| {" | ".join("value" for _ in range(12))} |

![drawing](/favicon.svg)
"""


@pytest.fixture
def wide(api: Api, slug: str) -> str:
    """The slug of a page whose parts are wider than a phone."""
    api.create(slug, WIDE)
    api.update(slug, f"{WIDE}\n".replace("word", "term"))
    api.create(f"{slug}-gone", f"# {'Wide' * 40}\n\n{WIDE}")
    api.remove(f"{slug}-gone")
    return slug


def addresses(slug: str) -> Iterator[str]:
    yield from ("/", f"/{slug}", f"/-/history/{slug}", f"/-/history/{slug}?version=1")
    yield from (f"/-/diff/{slug}?from=1&to=2{view}" for view in ("", "&view=side"))
    yield from (f"{place}{slug}-gone" for place in ("/", "/-/history/"))
    yield from (f"/-/history/{slug}-gone?version={version}" for version in (1, 2))
    folder = slug.partition("/")[0]
    yield from ("/-/tree", f"/-/tree/{folder}", f"/{folder}")
    yield from ("/-/recent", "/-/users", "/-/users/bob", "/-/search", "/-/search?q=wide")
    yield from (f"/-/edit/{slug}", "/-/sign-in?error=denied", "/no/such/page")
    yield from (f"/-/new?folder={slug}", "/-/new?title=home", f"/-/move/{slug}")
    yield from ("/no such/page", f"/-/similar/{slug}s", f"/-/similar/{'x' * 150}")


def visit(tab: Page, address: str) -> None:
    tab.goto(address)
    if address.startswith("/-/edit/"):
        tab.locator("fieldset:enabled").wait_for()


def test_a_page_leads_to_its_history_and_source(open_tab: OpenTab, api: Api, slug: str) -> None:
    api.create(slug, "# Leaves\n\nThey *fall*.\n")
    api.update(slug, "# Leaves\n\nThey *fell*.\n")
    tab = open_tab()
    tab.goto(f"/{slug}")
    expect(tab).to_have_title(re.compile("Leaves"))
    expect(tab.locator("article em")).to_have_text("fell")
    tab.get_by_role("link", name="History").click()
    tab.get_by_role("link", name="Version 1").click()
    expect(tab.locator("article em")).to_have_text("fall")
    tab.get_by_role("link", name="read the current version").click()
    expect(tab.locator("article em")).to_have_text("fell")
    tab.get_by_role("link", name="Markdown").click()
    expect(tab.locator("body")).to_contain_text("They *fell*.")


def test_the_header_leads_to_the_lists(open_tab: OpenTab, api: Api, slug: str) -> None:
    api.create(slug, f"# Title of {slug}\n\nA pomegranate.\n")
    tab = open_tab()
    tab.goto("/")
    tab.get_by_role("link", name="Recent").click()
    expect(tab.get_by_role("link", name=f"Title of {slug}")).to_be_visible()
    tab.get_by_role("navigation", name="Site").get_by_role("link", name="People").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("People")


def test_the_tree_leads_down_to_a_page_and_back(open_tab: OpenTab, api: Api, slug: str) -> None:
    folder, _, name = slug.rpartition("/")
    api.create(f"{slug}/leaf", "# A leaf\n")
    tab = open_tab()
    tab.goto("/")
    tab.get_by_role("navigation", name="Site").get_by_role("link", name="Pages").click()
    tab.get_by_role("link", name=f"{folder}/", exact=True).click()
    tab.wait_for_url(f"**/-/tree/{folder}")
    tab.goto(f"{tab.url}/{name}")
    tab.get_by_role("link", name="A leaf", exact=True).click()
    expect(tab.locator("h1")).to_have_text("A leaf")
    tab.get_by_role("navigation", name="Folders").get_by_role("link", name=name).click()
    expect(tab.locator("h1")).to_have_text(name)


def test_what_is_around_a_text_is_beside_it_or_folded(
    open_tab: OpenTab, api: Api, slug: str
) -> None:
    folder = f"{slug}-folder"
    api.create(f"{folder}/a", "---\ntags: [beside]\n---\n# First\n\n## One\n\n## Two\n\n## Three\n")
    api.create(f"{folder}/b", "# Second\n\n[First](a.md)\n")
    desk = open_tab(viewport={"width": 1280, "height": 900})
    desk.goto(f"/{folder}/a")
    beside = desk.get_by_role("navigation", name="In this folder")
    contents = desk.get_by_role("navigation", name="On this page")
    text, left, right = map(box, (desk.locator("article"), beside, contents))
    assert left["x"] + left["width"] <= text["x"]
    assert text["x"] + text["width"] <= right["x"]
    contents.get_by_role("link", name="Two").click()
    desk.wait_for_url("**/a#two")
    beside.get_by_role("link", name="Second").click()
    expect(desk.locator("h1")).to_have_text("Second")

    phone = open_tab(viewport={"width": 390, "height": 844})
    phone.goto(f"/{folder}/a")
    expect(phone.get_by_text("Linked from Second")).to_be_visible()
    link = phone.get_by_role("navigation", name="On this page").get_by_role("link", name="Three")
    expect(link).to_be_hidden()
    phone.get_by_text("On this page").click()
    link.click()
    phone.wait_for_url("**/a#three")
    phone.get_by_role("heading", name="One").get_by_role("link").click()
    phone.wait_for_url("**/a#one")
    phone.get_by_role("link", name="beside", exact=True).click()
    expect(phone.locator("h1")).to_have_text("Pages tagged beside")
    phone.get_by_role("link", name="First").click()
    expect(phone.locator("h1")).to_have_text("First")


def test_words_are_found_and_marked(open_tab: OpenTab, api: Api, slug: str) -> None:
    word = f"w{slug[-12:]}"
    api.create(slug, f"# Fruit\n\nSomewhere a {word} <b>grows</b>.\n")
    tab = open_tab()
    tab.goto("/")
    field = tab.get_by_label("Search pages")
    field.fill(word)
    field.press("Enter")
    expect(tab.locator("main mark")).to_have_text(word)
    tab.get_by_role("link", name="Fruit").click()
    tab.wait_for_url(f"**/{slug}")


def test_scripts_in_a_page_never_run(open_tab: OpenTab, api: Api, slug: str) -> None:
    evil = "<script>alert(1)</script> <img src=x onerror=alert(2)> [go](javascript:alert(3))"
    api.create(slug, f"---\ntitle: '{evil}'\n---\n\n{evil}\n")
    tab = open_tab()
    tab.on("dialog", lambda dialog: pytest.fail(dialog.message))
    tab.goto(f"/{slug}")
    expect(tab.locator("h1")).to_have_text(evil)
    assert tab.locator("article :is(script, [onerror], [href^=javascript])").count() == 0


def test_the_keyboard_reaches_the_text_and_what_is_wide(open_tab: OpenTab, wide: str) -> None:
    tab = open_tab(**SMALL_PHONE)
    tab.goto(f"/{wide}")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Skip to content")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("main")).to_be_focused()
    for selector in ("pre", "table"):
        expect(tab.locator(f".prose {selector}")).to_have_attribute("tabindex", "0")


def test_a_phone_never_scrolls_sideways(
    open_tab: OpenTab, wide: str, mint_token: Callable[[str, str], str]
) -> None:
    tab = open_tab(mint_token("aratherlonghandle0123" * 3, "editor"), **SMALL_PHONE)
    for address in addresses(wide):
        visit(tab, address)
        width = tab.evaluate("document.scrollingElement.scrollWidth")
        assert width == 320, address


def test_names_stay_in_order_whichever_way_they_are_read(
    open_tab: OpenTab, api: Api, slug: str
) -> None:
    api.create(f"{slug}/شاي/ورق/leaf", "# Leaf\n")
    tab = open_tab()
    tab.goto(f"/{slug}/شاي/ورق/leaf")
    names = tab.get_by_role("navigation", name="Folders").get_by_role("link")
    left = names.evaluate_all("names => names.map((name) => name.getBoundingClientRect().left)")
    assert len(left) == 5
    assert left == sorted(left)


def test_paper_has_the_text_and_all_columns(open_tab: OpenTab, wide: str) -> None:
    tab = open_tab(viewport={"width": 700, "height": 900})
    tab.emulate_media(media="print")
    tab.goto(f"/{wide}")
    for furniture in ("banner", "contentinfo", "navigation"):
        expect(tab.get_by_role(furniture)).to_have_count(0)
    scrolls = "table => getComputedStyle(table).display === 'block'"
    assert not tab.locator(".prose table").evaluate(scrolls)
    tab.goto(f"/-/history/{wide}")
    for control in ("button", "radio"):
        expect(tab.get_by_role(control)).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(open_tab: OpenTab, wide: str, scheme: str) -> None:
    tab = open_tab(color_scheme=scheme)
    for address in addresses(wide):
        visit(tab, address)
        for element, ratio in contrasts(tab).items():
            assert ratio >= 4.5, (address, element)


CONTRASTS = """() => {
  const channel = (c) => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  function ground(element) {
    for (; element; element = element.parentElement) {
      const [r, g, b, alpha = 1] = numbers(getComputedStyle(element).backgroundColor);
      if (alpha) return [r, g, b];
    }
  }
  const found = {};
  for (const element of document.querySelectorAll("body *")) {
    const ownText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!ownText || !element.checkVisibility()) continue;
    const [low, high] = [luminance(numbers(getComputedStyle(element).color)),
                         luminance(ground(element))].sort((a, b) => a - b);
    found[element.outerHTML.slice(0, 80)] = (high + .05) / (low + .05);
  }
  return found;
}"""


def contrasts(tab: Page) -> dict[str, float]:
    """The contrast ratio (WCAG 2) of every element that has text of its own."""
    found: dict[str, float] = tab.evaluate(CONTRASTS)
    assert len(found) > 5
    return found


@pytest.fixture
def titled(api: Api, slug: str) -> str:
    """The title of two pages, at the slug and below it."""
    title = f"Łódź {slug[-12:]}"
    api.create(slug, f"# {title}\n")
    api.create(f"{slug}/other", f"# {title}\n")
    return title


def offered(tab: Page, typed: str, label: str = "Words to look for") -> Locator:
    """What a search box offers when this is typed there."""
    tab.get_by_label(label).press_sequentially(typed)
    return tab.get_by_role("option")


def test_a_search_box_offers_titles(open_tab: OpenTab, slug: str, titled: str) -> None:
    tab = open_tab()
    tab.goto("/-/search")
    options = offered(tab, titled.replace("Łódź", "lodz")[:-1])
    expect(options).to_have_text([f"{titled} {slug}", f"{titled} {slug}/other"])
    expect(tab.get_by_role("combobox", expanded=True)).to_have_count(1)
    assert [each["id"] for each in Axe().run(tab).response["violations"]] == []
    tab.get_by_label("Words to look for").fill("")
    expect(options).to_have_count(0)
    expect(offered(tab, titled.split()[1])).to_have_count(2)
    tab.get_by_label("Words to look for").press("Escape")
    expect(options).to_have_count(0)


def test_scripts_know_the_start_page(open_tab: OpenTab, slug: str, titled: str) -> None:
    tab = open_tab()

    def begin_elsewhere(route: Route) -> None:
        answer = route.fetch()
        start = f'<html lang="en" data-start="{slug}">'
        route.fulfill(response=answer, body=answer.text().replace('<html lang="en">', start))

    tab.route("**/-/search", begin_elsewhere)
    tab.goto("/-/search")
    options = offered(tab, titled)
    expect(options).to_have_count(2)
    assert [option.get_attribute("href") for option in options.all()] == ["/", f"/{slug}/other"]


def test_a_title_is_chosen_with_keys(open_tab: OpenTab, slug: str, titled: str) -> None:
    tab = open_tab()
    tab.goto("/")
    expect(offered(tab, titled, "Search pages")).to_have_count(2)
    for key in ("ArrowDown", "ArrowUp", "ArrowUp"):
        tab.keyboard.press(key)
    chosen = tab.get_by_role("option", selected=True)
    expect(chosen).to_contain_text(f"{slug}/other")
    name = tab.get_by_label("Search pages").get_attribute("aria-activedescendant")
    assert name == chosen.get_attribute("id")
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**/{slug}/other")


def test_a_title_is_chosen_with_a_mouse(open_tab: OpenTab, slug: str, titled: str) -> None:
    tab = open_tab()
    tab.goto("/-/search")
    offered(tab, titled).get_by_text(slug, exact=True).click()
    tab.wait_for_url(f"**/{slug}")


def test_a_whole_title_is_searched_for(open_tab: OpenTab, titled: str) -> None:
    tab = open_tab()
    tab.goto("/")
    expect(offered(tab, titled, "Search pages")).to_have_count(2)
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/-/search?q=*")
    expect(tab.locator("main .list").first.locator(".what")).to_have_text([titled, titled])


def test_a_search_says_what_it_found_instead(open_tab: OpenTab, slug: str, titled: str) -> None:
    tab = open_tab()
    tab.goto(f"/-/search?q={titled.replace(' ', '+')}+hippopotamus")
    expect(tab.locator("main .notice")).to_contain_text("some of the words")
    expect(tab.locator("main .what").first).to_have_text(titled)
    tab.goto("/-/search?q=hippopotamus")
    expect(tab.locator("main")).to_contain_text("No page has all of these words.")
    expect(tab.get_by_role("heading", name="What can be typed")).to_be_visible()


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("Asia/Tokyo", "3 Nov 2026, 01:03"), ("America/New_York", "2 Nov 2026, 11:03")],
)
def test_times_are_those_of_the_reader(
    open_tab: OpenTab, api: Api, slug: str, zone: str, shown: str
) -> None:
    api.create(slug, "# Leaf\n")
    tab = open_tab(timezone_id=zone)

    def long_ago(route: Route) -> None:
        answer = route.fetch()
        text = re.sub("<time[^>]*>[^<]*", OLD_TIME, answer.text())
        route.fulfill(response=answer, body=text)

    tab.route(f"**/{slug}", long_ago)
    tab.goto(f"/{slug}")
    expect(tab.locator("footer time")).to_have_text(shown)
    expect(tab.locator("footer time")).to_have_attribute("title", "2 Nov 2026, 16:03 UTC")


def test_what_happened_on_another_day_here_says_so(open_tab: OpenTab, api: Api, slug: str) -> None:
    api.create(slug, "# Leaf\n")
    seen = {}
    for zone in ("UTC", "Pacific/Kiritimati", "Pacific/Niue"):  # 14 hours before, 11 behind
        tab = open_tab(timezone_id=zone)
        tab.goto(f"/-/recent?folder={slug.partition('/')[0]}")
        seen[zone] = tab.locator("main li time").first.inner_text()
    assert re.fullmatch(r"\d\d:\d\d", seen["UTC"])
    assert any(re.search(r"\d{4}", seen[zone]) for zone in seen)


def test_without_scripts_times_are_in_utc(open_tab: OpenTab, api: Api, slug: str) -> None:
    api.create(slug, "# Leaf\n")
    tab = open_tab(java_script_enabled=False, timezone_id="Asia/Tokyo")
    tab.goto(f"/{slug}")
    expect(tab.locator("footer time")).to_have_text(re.compile("UTC$"))


def test_an_address_that_cannot_be_read_is_told_in_plain_words(open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto("/-/history/home?version=x")
    expect(tab.get_by_role("heading", level=1)).to_have_text("This address cannot be read")
    expect(tab.locator("main")).to_contain_text("Perhaps it was cut off or mistyped.")
    expect(tab.locator("main")).not_to_contain_text("integer")
