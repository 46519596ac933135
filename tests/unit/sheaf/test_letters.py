"""The alphabet of slugs is the same whatever Unicode the interpreter has."""

import unicodedata

import pytest

from ops.letters import TARGET, UNICODE, module
from sheaf import letters, texts


def codes(table: str) -> list[int]:
    ends = [[int(end, 16) for end in each.split("-")] for each in table.split()]
    return [code for first, *last in ends for code in range(first, (last or [first])[0] + 1)]


@pytest.mark.skipif(unicodedata.unidata_version != UNICODE, reason="has newer tables of Unicode")
def test_the_module_is_what_is_written() -> None:
    assert TARGET.read_text() == module()


def test_they_are_letters_to_this_interpreter_that_can_be_seen() -> None:
    for code in codes(letters.LETTERS):
        assert unicodedata.category(chr(code))[0] in "LMN", hex(code)
        assert texts.line(f"a{chr(code)}") != "a"


def test_those_that_join_are_among_them() -> None:
    assert {*codes(letters.JOINED_AFTER), *codes(letters.JOINED_BEFORE)} < set(
        codes(letters.LETTERS)
    )
    assert ord("\u0628") in codes(letters.JOINED_AFTER)  # BEH joins on both sides
    assert ord("\u0627") not in codes(letters.JOINED_AFTER)  # ALEF to the letter before it alone
    assert ord("\u0627") in codes(letters.JOINED_BEFORE)
