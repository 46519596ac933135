"""A real browser at the real site. Whatever it complains about fails the test."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
)

from tests.browser import chromium as browsers
from tests.browser.api import Api
from tests.browser.tabs import OpenTab
from tests.needs import needs
from tests.waiting import PATIENCE

# Not five seconds: a busy machine makes no test fail.
expect.set_options(timeout=1000 * PATIENCE)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    needs(browsers.path() is not None, "Chromium")
    with browsers.started() as browser:
        yield browser


@pytest.fixture
def open_tab(chromium: Browser, site_url: str) -> Iterator[OpenTab]:
    """Opens a tab of its own window; with a token its user is signed in."""
    windows: list[BrowserContext] = []
    complaints: list[str] = []

    def open_tab(token: str | None = None, **options: Any) -> Page:
        window = chromium.new_context(base_url=site_url, **options)
        windows.append(window)
        if token:
            window.add_init_script(browsers.signed_in(token))
        tab = window.new_page()
        tab.set_default_timeout(1000 * PATIENCE)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda message: complaints.extend(_complaint(message)))
        return tab

    yield open_tab
    for window in windows:
        window.close()
    assert complaints == []


def _complaint(message: ConsoleMessage) -> list[str]:
    # A refusal by the API, or a page that is not there, is an answer like any other.
    is_answer = message.text.startswith("Failed to load resource")
    is_file = "/-/static/" in message.location["url"]
    is_complaint = message.type in ("error", "warning") and (is_file or not is_answer)
    return [f"{message.location['url']}: {message.text}"] if is_complaint else []


@pytest.fixture
def api(site_url: str, mint_token: Callable[[str, str], str]) -> Iterator[Api]:
    """The API, as bob uses it."""
    with Api(site_url, mint_token("bob", "editor")) as client:
        yield client


@pytest.fixture
def slug() -> str:
    """A page that no other test knows."""
    return f"browser/{uuid.uuid4().hex}"


@pytest.fixture
def editor(open_tab: OpenTab, mint_token: Callable[[str, str], str]) -> Page:
    """A tab in which alice, an editor, is signed in."""
    return open_tab(mint_token("alice", "editor"))
