"""Pictures of a tab as small PNGs: of 256 colours, with which text looks as it did."""

import base64
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page

_REDUCER = Path(__file__).with_name("reducer.js").read_text()
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_A_BYTE_OF_A_PALETTE = bytes((8, 3, 0, 0, 0))


class Pixels(NamedTuple):
    """A picture: row by row, indexes into a palette of RGB, three bytes for each colour."""

    width: int
    palette: bytes
    indexes: bytes


def reduced(png: bytes, tab: Page) -> Pixels:
    """What is in a PNG, in the 256 colours that most of it has; the Chromium of `tab` reads it."""
    found = tab.evaluate(_REDUCER, base64.b64encode(png).decode())
    return Pixels(found["width"], bytes(found["palette"]), base64.b64decode(found["indexes"]))


def png(pixels: Pixels) -> bytes:
    """The picture as a PNG."""
    width, palette, indexes = pixels
    rows = [indexes[at : at + width] for at in range(0, len(indexes), width)]
    header = struct.pack(">II", width, len(rows)) + _A_BYTE_OF_A_PALETTE
    unfiltered = b"".join(b"\0" + row for row in rows)
    chunks = [(b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(unfiltered, 9))]
    return _SIGNATURE + b"".join(_chunk(*chunk) for chunk in [*chunks, (b"IEND", b"")])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
