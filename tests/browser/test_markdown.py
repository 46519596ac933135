"""HTML in texts does nothing in a browser: no script runs, nothing is loaded, nothing gets out."""

from typing import Any

import pytest
from playwright.sync_api import Dialog

from tests.browser.api import Api
from tests.browser.tabs import OpenTab
from tests.unit.sheaf.rendering.test_raw_html import MUTATIONS, PAYLOADS


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_is_as_its_window(open_tab: OpenTab, api: Api, slug: str, scheme: Any) -> None:
    source = '<source media="(prefers-color-scheme: dark)" srcset="/favicon.svg?dark">'
    api.create(
        slug, f'<picture>\n  {source}\n  <img alt="leaf" src="/favicon.svg?light">\n</picture>'
    )
    tab = open_tab(color_scheme=scheme)
    tab.goto(f"/{slug}")
    shown = tab.get_by_role("img", name="leaf").evaluate("image => image.currentSrc")
    assert shown.endswith(f"?{scheme}")


def test_payloads_do_nothing_in_a_browser(open_tab: OpenTab, api: Api, slug: str) -> None:
    # Those that end in the middle of a tag or a comment would hide the others.
    closed = [each for each in (*PAYLOADS, *MUTATIONS) if not each.startswith(("<!--", "<plain"))]
    api.create(slug, "\n\n".join(["# Payloads", *closed, "end"]))
    tab = open_tab()
    fired: list[str] = []

    def note(dialog: Dialog) -> None:
        fired.append(dialog.message)
        dialog.dismiss()

    tab.on("dialog", note)
    tab.goto(f"/{slug}")
    article = tab.locator("article")
    for handler in ("mouseenter", "click", "focus", "toggle", "error"):
        article.evaluate(
            "(element, name) => element.querySelectorAll('*').forEach("
            "(each) => each.dispatchEvent(new Event(name)))",
            handler,
        )
    assert fired == []
    assert article.locator("script, style, iframe, form, svg, math, object, base").count() == 0
    # What was opened ends in the article, and no id of the site's is taken.
    assert tab.locator("main > article").count() == 1
    assert tab.locator("body > footer").count() == 1
    assert tab.locator("[id='site.main']").count() == 1
