"""The manual's pictures: those that are kept, and the program that makes them."""

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from tests.browser.screenshots import pictures
from tests.browser.screenshots.__main__ import FOLDER, SCENES
from tests.browser.screenshots.pictures import Pixels
from tests.waiting import PATIENCE

MAX_BYTES = 100_000
NAMES = {f"{name}-{scheme}.png" for name in SCENES for scheme in ("light", "dark")}


def size(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def check(folder: Path) -> None:
    """There are all pictures, each small enough, and no others."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(found) == NAMES
    for name, png in found.items():
        assert size(png) == ((780, 1688) if name.startswith("phone-") else (1280, 800)), name
        assert len(png) <= MAX_BYTES, name


def test_the_manual_has_all_pictures() -> None:
    check(FOLDER)


@pytest.mark.slow
def test_the_program_makes_them(chromium: Browser, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.browser.screenshots", str(tmp_path / "made")]
    subprocess.run(command, check=True, timeout=4 * PATIENCE)
    check(tmp_path / "made")
    assert len({path.read_bytes() for path in (tmp_path / "made").iterdir()}) == len(NAMES)


@pytest.fixture(scope="module")
def blank(chromium: Browser) -> Iterator[Page]:
    tab = chromium.new_page()
    yield tab
    tab.close()


def colours(pixels: Pixels) -> list[bytes]:
    return [pixels.palette[3 * index : 3 * index + 3] for index in pixels.indexes]


@st.composite
def few_colours(draw: st.DrawFn) -> Pixels:
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    known = draw(st.lists(st.binary(min_size=3, max_size=3), min_size=1, max_size=256))
    indexes = st.integers(0, len(known) - 1)
    drawn = draw(st.lists(indexes, min_size=width * height, max_size=width * height))
    return Pixels(width, b"".join(known), bytes(drawn))


@given(few_colours())
def test_a_picture_of_few_colours_stays_as_it_is(blank: Page, pixels: Pixels) -> None:
    found = pictures.reduced(pictures.png(pixels), blank)
    assert (found.width, colours(found)) == (pixels.width, colours(pixels))


def test_of_many_colours_those_stay_that_most_of_it_has(chromium: Browser, blank: Page) -> None:
    tab = chromium.new_page(viewport={"width": 600, "height": 100})
    tab.set_content(
        "<body style='margin: 0; background: #123456'>"
        "<p style='margin: 0; height: 50px; background: linear-gradient(90deg, #000, #888, #f00)'>"
    )
    pixels = pictures.reduced(tab.screenshot(), blank)
    tab.close()
    assert len(pixels.palette) == 3 * 256
    found = colours(pixels)
    assert set(found[600 * 50 :]) == {bytes.fromhex("123456")}
    assert max(map(abs, (a - b for a, b in zip(found[0], b"\0\0\0", strict=True)))) < 8
    assert size(pictures.png(pixels)) == (600, 100)
