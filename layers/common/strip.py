"""Cuts symbols and debug information off shared libraries: `python strip.py FOLDER`.

The loader needs an ELF file's segments only; everything behind the last one (section headers,
symbols, debug information) can go. binutils' strip does the same, but only for the machine's own
processor, and the layer is usually built for another one.
"""

import struct
import sys
from pathlib import Path

ELF64 = b"\x7fELF\x02\x01"


def stripped(elf: bytes) -> bytes:
    """A 64-bit little-endian ELF file without what no segment holds."""
    headers_at, headers_size, headers = struct.unpack_from("<32xQ14xHH", elf)
    end = headers_at + headers_size * headers
    for at in range(headers_at, end, headers_size):
        offset, size = struct.unpack_from("<8xQ16xQ", elf, at)
        end = max(end, offset + size)
    cut = bytearray(elf[:end])
    struct.pack_into("<Q", cut, 40, 0)  # no section headers: where,
    struct.pack_into("<HHH", cut, 58, 0, 0, 0)  # what size, how many, which has the names
    return bytes(cut)


def main(folder: str) -> None:
    """Strips every shared library below a folder."""
    for library in Path(folder).rglob("*.so*"):
        elf = library.read_bytes()
        if elf.startswith(ELF64):
            library.write_bytes(stripped(elf))


if __name__ == "__main__":
    main(sys.argv[1])
