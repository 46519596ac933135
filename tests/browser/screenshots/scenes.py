"""What is on each picture: each function brings a tab there, and waits until all of it is."""

from playwright.sync_api import Page, expect

from tests.browser.screenshots.garden import HOURS, ORCHIDS, ApiOf, Edit, make
from tests.browser.tabs import save, text

BEFORE = "open from ten to four, and closed on Mondays"
MINE = "open from eleven to four, and closed on Mondays"
THEIRS = "open from ten to half past three, and closed on Mondays"


def home(tab: Page, _: ApiOf) -> None:
    """Where a site begins."""
    tab.goto("/")
    expect(tab.get_by_role("heading", level=1)).to_have_text("The garden handbook")


def page(tab: Page, _: ApiOf) -> None:
    """A long page."""
    tab.goto("/glasshouse")
    expect(tab.get_by_role("heading", level=1)).to_have_text("The glasshouse")


def search(tab: Page, _: ApiOf) -> None:
    """What was found."""
    tab.goto("/-/search?q=frost")
    expect(tab.locator("mark").first).to_be_visible()


def changes(tab: Page, _: ApiOf) -> None:
    """What everybody has done."""
    tab.goto("/-/recent")
    expect(tab.get_by_text("Limes first")).to_be_visible()


def history(tab: Page, _: ApiOf) -> None:
    """What the newest version of a page has changed."""
    tab.goto(f"/-/history/{ORCHIDS}")
    tab.get_by_role("link", name="what changed").first.click()
    tab.get_by_role("link", name="side by side").click()
    expect(tab.get_by_role("table")).not_to_have_count(0)


def editor(tab: Page, api_of: ApiOf) -> None:
    """A page in the editor, at which somebody else is, too."""
    api_of("bob").be_present(ORCHIDS)
    tab.goto(f"/-/edit/{ORCHIDS}")
    expect(text(tab)).not_to_be_empty()
    expect(tab.get_by_text("bob is editing")).to_be_visible()


def merge(tab: Page, api_of: ApiOf) -> None:
    """What two have changed in the same lines, for one of them to decide."""
    tab.goto(f"/-/edit/{HOURS}")
    expect(text(tab)).not_to_be_empty()
    text(tab).fill(text(tab).input_value().replace(BEFORE, MINE))
    make(Edit("bob", HOURS, "It is dark by four", {BEFORE: THEIRS}), api_of)
    save(tab)
    tab.get_by_role("region", name="changed the same").get_by_role("radio", name="Yours").check()
    expect(tab.get_by_text("Your text is kept")).to_be_visible()
