import re
from colorsys import rgb_to_hls
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering import accents, static
from sheaf.rendering.accents import DARK, LIGHT

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
GROUNDS = ("paper", "soft", "mark", "gone", "on-accent")
SHADE = re.compile("--accent:(#[0-9a-f]{6})")


def shades(colour: str) -> tuple[str, str]:
    light, dark = SHADE.findall(accents.style(colour))
    return light, dark


@given(COLOURS)
def test_every_colour_becomes_one_that_can_be_read_on_light_and_on_dark(colour: str) -> None:
    light, dark = shades(colour)
    assert min(accents.contrast(light, ground) for ground in LIGHT) >= accents.CONTRAST
    assert min(accents.contrast(dark, ground) for ground in DARK) >= accents.CONTRAST


@given(COLOURS)
def test_a_colour_that_can_be_read_stays(colour: str) -> None:
    for shade, grounds in zip(shades(colour), (LIGHT, DARK), strict=True):
        assert (shade == colour) == accents.is_readable(colour, grounds)
    light, dark = shades(colour)
    assert (shades(light)[0], shades(dark)[1]) == (light, dark)


@given(COLOURS)
def test_the_hue_stays(colour: str) -> None:
    for shade in shades(colour):
        apart = abs(hue(colour) - hue(shade))
        # Channels are whole numbers: the less they are apart, the coarser are hues.
        assert min(apart, 1 - apart) * 6 * reach(shade) <= 2


def hue(colour: str) -> float:
    return rgb_to_hls(*(channel / 255 for channel in bytes.fromhex(colour[1:])))[0]


def reach(colour: str) -> int:
    """How far the channels are apart."""
    channels = bytes.fromhex(colour[1:])
    return max(channels) - min(channels)


@pytest.mark.parametrize(
    ("one", "other", "contrast"),
    [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48), ("#0000ff", "#ffffff", 8.59)],
)
def test_contrast_is_that_of_wcag(one: str, other: str, contrast: float) -> None:
    assert accents.contrast(one, other) == pytest.approx(contrast, abs=0.005)
    assert accents.contrast(other, one) == accents.contrast(one, other)


def test_the_grounds_are_those_of_the_style_sheet() -> None:
    text = static.read("style.css").body.decode().partition("@media print")[0]
    found = {name: re.findall(f"--{name}: (#[0-9a-f]+);", text) for name in GROUNDS}
    light, dark = zip(*found.values(), strict=True)
    assert tuple(each if len(each) == 7 else f"#{each[1:] * 2}" for each in light) == LIGHT
    assert dark == DARK


def test_the_sites_own_accent_can_be_read_as_well() -> None:
    (path,) = Path(accents.__file__).parent.glob("static/style.css")
    light, dark = re.findall(r"--accent: (#[0-9a-f]{6});", path.read_text())
    assert accents.is_readable(light, LIGHT)
    assert accents.is_readable(dark, DARK)
