"""Writes the alphabet of slugs, once for all interpreters: `python -m ops.letters`.

It is that of Unicode 14.0, which Python 3.11 has. Every later one knows these letters too, and
composes them in the same way, so a name that may be given is the same name everywhere.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from textwrap import wrap

from idna.idnadata import joining_types
from idna.intranges import intranges_contain

import sheaf
from sheaf import texts

UNICODE = "14.0.0"
TARGET = Path(sheaf.__file__).with_name("letters.py")
_HEAD = f'''"""The alphabet of slugs beyond ASCII. Written by ops/letters.py.

As ranges of code points: the letters, marks and digits (categories L, M, N) of Unicode {UNICODE},
without what nobody sees by itself; and of these, which join what is before them, and which what is
after them, in writing such as Arabic's.
"""
'''
_CODES = range(0x80, 0x110000)


def letters() -> Iterator[int]:
    """The code points of the alphabet; raises RuntimeError with other tables than those meant."""
    if unicodedata.unidata_version != UNICODE:
        raise RuntimeError(f"this interpreter has Unicode {unicodedata.unidata_version}")
    invisible = re.compile(f"[{texts.INVISIBLE}]")
    for code in _CODES:
        character = chr(code)
        if unicodedata.category(character)[0] in "LMN" and not invisible.match(character):
            yield code


def module() -> str:
    """The text of the module."""
    alphabet = list(letters())
    tables = {
        "LETTERS": alphabet,
        "JOINED_BEFORE": [code for code in alphabet if _joins(code, "DR")],
        "JOINED_AFTER": [code for code in alphabet if _joins(code, "DL")],
    }
    return constants(_HEAD, {name: ranges(codes) for name, codes in tables.items()})


def _joins(code: int, kinds: str) -> bool:
    return any(intranges_contain(code, joining_types[kind]) for kind in kinds)


def constants(head: str, tables: Mapping[str, Iterable[str]]) -> str:
    """The text of a module of constants: of each the parts, with a space behind every one."""
    return "\n".join([head, *(f"{name} = (\n{_quoted(tables[name])}\n)" for name in tables), ""])


def _quoted(parts: Iterable[str]) -> str:
    return "\n".join(f'    "{part} "' for part in wrap(" ".join(parts), 92))


def ranges(codes: Iterable[int]) -> Iterator[str]:
    """Code points that rise, by the runs of them: `61-7a`."""
    for _, run in groupby(enumerate(codes), key=lambda numbered: numbered[1] - numbered[0]):
        first, *rest = [code for _, code in run]
        yield f"{first:x}-{rest[-1]:x}" if rest else f"{first:x}"


if __name__ == "__main__":
    TARGET.write_text(module(), encoding="utf-8")
