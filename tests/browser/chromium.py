"""Debian's Chromium, and who is signed in in its windows."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def path() -> str | None:
    """Where it is, if it is installed."""
    return shutil.which("chromium")


@contextmanager
def started() -> Iterator[Browser]:
    """Chromium for the time of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path(), args=FLAGS)
        yield browser
        browser.close()


def signed_in(token: str) -> str:
    """A script that signs somebody in, the first time that it runs in a window."""
    session = json.dumps(json.dumps({"token": token}))
    once = "localStorage.given = localStorage['sheaf:session'] = "
    return f"if (!localStorage.given) {once}{session}"
