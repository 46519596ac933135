"""The tabs of a test, and what it does in them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from playwright.sync_api import Locator, Page, Route, expect


class OpenTab(Protocol):
    """Opens a tab; the options are those of Playwright's `new_context`."""

    def __call__(self, token: str | None = None, **options: Any) -> Page: ...


def edit(tab: Page, slug: str, text: str) -> None:
    """Open the editor and put `text` in the place of the page's."""
    tab.goto(f"/-/edit/{slug}")
    tab.get_by_label("Text in Markdown").fill(text)


def text(tab: Page) -> Locator:
    return tab.get_by_label("Text in Markdown")


def await_draft(tab: Page, words: str = "wherever you sign in") -> None:
    """Until the text is kept, where the editor says so."""
    expect(tab.locator("#kept")).to_contain_text(words)


def save(tab: Page) -> None:
    tab.get_by_role("button", name="Save").click()


def await_page(tab: Page, slug: str) -> None:
    tab.wait_for_url(re.compile(rf"^[^/]+//[^/]+/{slug}(\?v=\d+)?$"))


@contextmanager
def answers_lost(tab: Page, addresses: str) -> Iterator[None]:
    """The site gets what is put to these addresses, and the tab no answer."""

    def lose_the_answer(route: Route) -> None:
        if route.request.method == "PUT":
            route.fetch()
            route.abort()
        else:
            route.continue_()

    tab.route(addresses, lose_the_answer)
    yield
    tab.unroute(addresses)
