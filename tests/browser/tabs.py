"""The tabs of a test, and what it does in them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
from playwright.sync_api import Locator, Page, Route, expect

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
}


class OpenTab(Protocol):
    """Opens a tab; the options are those of Playwright's `new_context`."""

    def __call__(self, token: str | None = None, **options: Any) -> Page: ...


def edit(tab: Page, slug: str, text: str) -> None:
    """Open the editor and put `text` in the place of the page's."""
    tab.goto(f"/-/edit/{slug}")
    tab.get_by_label("Text in Markdown").fill(text)


def box(element: Locator) -> dict[str, float]:
    """Where an element is in its window, in pixels of CSS: x, y, width, height."""
    found: dict[str, float] = element.evaluate("each => each.getBoundingClientRect().toJSON()")
    return found


def text(tab: Page) -> Locator:
    return tab.get_by_label("Text in Markdown")


def await_draft(tab: Page, words: str = "wherever you sign in") -> None:
    """Until the text is kept, where the editor says so."""
    expect(tab.locator("#kept")).to_contain_text(words)


def save(tab: Page) -> None:
    """Press Save, once the editor has done what it was at."""
    expect(tab.locator("#editor")).to_have_attribute("aria-busy", "false")
    tab.get_by_role("button", name="Save").click()


def await_page(tab: Page, slug: str) -> None:
    tab.wait_for_url(re.compile(rf"^[^/]+//[^/]+/{slug}(\?v=\d+)?$"))


@contextmanager
def answers_lost(tab: Page, addresses: str, method: str = "PUT") -> Iterator[None]:
    """The site gets what is sent to these addresses, and the tab no answer."""

    def lose_the_answer(route: Route) -> None:
        if route.request.method == method:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    tab.route(addresses, lose_the_answer)
    yield
    tab.unroute(addresses)


def reach(tab: Page, wanted: Locator) -> None:
    """Press Tab until this has the focus, as somebody without a mouse does."""
    wanted.wait_for()
    for _ in range(60):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        tab.keyboard.press("Tab")
    pytest.fail(f"no key leads to {wanted}")
