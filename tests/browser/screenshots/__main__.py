"""`python -m tests.browser.screenshots [FOLDER]`: pictures of a site, each in light and in dark."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from local.laptop import services
from local.laptop.issuer import mint
from tests.browser import chromium
from tests.browser.api import Api
from tests.browser.screenshots import garden, pictures, scenes
from tests.browser.tabs import PHONE
from tests.conftest import ISSUER
from tests.fixtures import Servers, running_site
from tests.waiting import PATIENCE

FOLDER = Path(__file__).parents[3] / "docs/images/screenshots"
Options = dict[str, Any]
DESK: Options = {"viewport": {"width": 1280, "height": 800}}
ALWAYS: Options = {"locale": "en-GB", "timezone_id": "UTC", "reduced_motion": "reduce"}
# On paper of the same colour a picture shows where it ends.
FRAME = """() => {
  const frame = new CSSStyleSheet();
  frame.replaceSync(`body::after {
    content: ""; position: fixed; inset: 0; z-index: 9; border: 1px solid var(--edge);
  }`);
  document.adoptedStyleSheets.push(frame);
}"""
# The merge comes last, as it changes a page.
SCENES: dict[str, tuple[Callable[[Page, garden.ApiOf], None], Options]] = {
    "home": (scenes.home, DESK),
    "page": (scenes.page, DESK),
    "phone": (scenes.page, PHONE | {"device_scale_factor": 2}),
    "search": (scenes.search, DESK),
    "changes": (scenes.changes, DESK),
    "history": (scenes.history, DESK),
    "editor": (scenes.editor, DESK),
    "merge": (scenes.merge, DESK),
}


def main(folder: Path = FOLDER) -> None:
    """Make all pictures in a folder, by the names of the scenes."""
    folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=1000 * PATIENCE)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(_site(home))
        token = cache(lambda handle: mint(home, ISSUER, handle, "editor"))
        api_of = cache(lambda handle: stack.enter_context(Api(url, token(handle))))
        garden.fill(api_of)
        browser = stack.enter_context(chromium.started())
        blank = browser.new_page()
        for name, (scene, options) in SCENES.items():
            with _tab(browser, token("alice"), base_url=url, **ALWAYS, **options) as tab:
                scene(tab, api_of)
                tab.evaluate(FRAME)
                for scheme in ("light", "dark"):
                    path = folder / f"{name}-{scheme}.png"
                    pixels = pictures.reduced(_picture(tab, scheme), blank)
                    path.write_bytes(pictures.png(pixels))


@contextmanager
def _site(home: Path) -> Iterator[str]:
    """An empty site with servers of its own; yields its address."""
    with services.postgres(home) as database, services.redis(home) as redis:
        servers = Servers(database.url, redis.url)
        with running_site(servers, home, SHEAF_SITE_NAME="Garden") as url:
            yield url


@contextmanager
def _tab(browser: Browser, token: str, **options: Any) -> Iterator[Page]:
    """A tab in which somebody is signed in."""
    with browser.new_context(**options) as window:
        window.add_init_script(chromium.signed_in(token))
        tab = window.new_page()
        tab.set_default_timeout(1000 * PATIENCE)
        yield tab


def _picture(tab: Page, scheme: Any) -> bytes:
    tab.emulate_media(color_scheme=scheme)
    tab.evaluate("scrollTo(0, 0)")
    tab.wait_for_load_state("networkidle")
    return tab.screenshot(animations="disabled", caret="hide")


if __name__ == "__main__":
    if not chromium.path():
        sys.exit("Pictures need Chromium: apt install chromium")
    main(*map(Path, sys.argv[1:]))
