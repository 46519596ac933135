"""The tabs of a test, and what it does in them."""

import re
from typing import Any, Protocol

from playwright.sync_api import Page


class OpenTab(Protocol):
    """Opens a tab; the options are those of Playwright's `new_context`."""

    def __call__(self, token: str | None = None, **options: Any) -> Page: ...


def edit(tab: Page, slug: str, text: str) -> None:
    """Open the editor and put `text` in the place of the page's."""
    tab.goto(f"/-/edit/{slug}")
    tab.get_by_label("Text in Markdown").fill(text)


def save(tab: Page) -> None:
    tab.get_by_role("button", name="Save").click()


def await_page(tab: Page, slug: str) -> None:
    tab.wait_for_url(re.compile(rf"^[^/]+//[^/]+/{slug}\?v=\d+$"))
