"""Accents: a site's own colour, as it can be read on light and on dark paper.

WCAG 2.2, 1.4.3, asks for a contrast of 4.5 to 1. A colour that has it stays; another one becomes as
little darker, or lighter, as it must, and keeps its hue and its saturation.
"""

from base64 import b64encode
from collections.abc import Iterable
from colorsys import hls_to_rgb, rgb_to_hls
from functools import cache
from hashlib import sha256

CONTRAST = 4.5
# What is behind it or, on a button, before it: --paper, --soft, --mark, --gone and --on-accent of
# style.css.
LIGHT = ("#fdfcf9", "#f5f1e7", "#fbe6a2", "#f9d9d2", "#ffffff")
DARK = ("#191713", "#24211b", "#5d4a14", "#5c2a22", "#191713")
_BLACK, _WHITE = 0.0, 1.0
_STEPS = 256


@cache
def style(accent: str) -> str:
    """The style sheet that a site's colour, `#rrggbb`, is set by: it goes behind style.css.

    Paper stays black and white.
    """
    light, dark = shade(accent, LIGHT, _BLACK), shade(accent, DARK, _WHITE)
    is_dark = "@media screen and (prefers-color-scheme:dark)"
    return f"@media screen{{:root{{--accent:{light}}}}}{is_dark}{{:root{{--accent:{dark}}}}}"


def source(accent: str) -> str:
    """What a content security policy allows that style sheet by, and no other."""
    return f"'sha256-{b64encode(sha256(style(accent).encode()).digest()).decode()}'"


def shade(colour: str, grounds: Iterable[str], towards: float) -> str:
    """The colour as it can be read on all grounds: itself, or nearer to black (0) or white (1)."""
    hue, lightness, saturation = rgb_to_hls(*_channels(colour))
    path = (lightness + (towards - lightness) * step / _STEPS for step in range(_STEPS + 1))
    shades = (_hexadecimal(hls_to_rgb(hue, each, saturation)) for each in path)
    return next(each for each in shades if is_readable(each, grounds))


def is_readable(colour: str, grounds: Iterable[str]) -> bool:
    """Whether it has the contrast on each of them."""
    return all(contrast(colour, ground) >= CONTRAST for ground in grounds)


def contrast(one: str, other: str) -> float:
    """How much two colours differ in luminance, from 1 to 21, by WCAG's formula."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = map(_linear, _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _channels(colour: str) -> tuple[float, float, float]:
    """Red, green and blue, from 0 to 1."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red / 255, green / 255, blue / 255


def _hexadecimal(channels: Iterable[float]) -> str:
    return f"#{bytes(round(each * 255) for each in channels).hex()}"
