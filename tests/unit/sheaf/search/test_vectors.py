import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.search import vectors, words
from sheaf.search.stems import stem
from sheaf.search.vectors import IN_HEADING, IN_TITLE, IS_EXACT, MOST_WEIGHT, STEM, Text

WORDS = st.sampled_from(["tea", "teas", "leaf", "leaves", "部署", "C#", "über", "--dry-run", "x"])
LINES = st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=30).map(" ".join))
TEXTS = st.builds(
    Text, LINES, LINES, LINES, st.lists(LINES, max_size=3), st.sampled_from(["", "en", "de-AT"])
)


def weights(text: Text) -> dict[int | None, int]:
    """The byte of each word's number, and that of all others as None's."""
    found: dict[str, Any] = vectors.parameters(text)
    first, *others = found["new_weights"]
    return {None: first, **dict(zip(numbers(text), others, strict=True))}


def numbers(text: Text) -> list[int]:
    """Those of its words that weigh most."""
    array = vectors.parameters(text)["new_words"]
    found: list[int] = json.loads(f"[{str(array).strip('{}')}]")
    return found


def byte(text: Text, name: str) -> int:
    return weights(text)[vectors.number(name)]


def vector(text: Text) -> str:
    found = vectors.parameters(text)["new_search"]
    assert isinstance(found, str)
    return found


def parts(text: Text) -> set[str]:
    """The lexemes of a vector, with their places."""
    return set(re.split(r" (?=')", vector(text)))


def test_words_have_their_places_by_where_they_are() -> None:
    text = Text("Green tea", "One leaf", "Tea leaves.", ["Hot tea"], "en-GB")
    title, headings = {"'green':1A", "'tea':2A"}, {"'hot':4B", "'tea':5B", "'one':6B", "'leaf':7B"}
    others = {"'~leav'", "'#hot tea'", "'@en'"}
    assert parts(text) - others == {*title, *headings, "'tea':9", "'leaves':10"}
    assert others <= parts(text)


def test_stems_have_no_place() -> None:
    assert parts(Text("Deployed", "", "deploying deploy")) == {
        "'deployed':1A",
        "'deploying':4",
        "'deploy':5",
        "'~deploy'",
    }


def test_names_with_signs_are_there_as_such() -> None:
    text = Text("C#", "F#", "c++ and C", ["🎉", "'", "\\"])
    assert {"'c#'", "'f#'", "'c++'", "'#🎉'", "'#'''", r"'#\\'"} <= parts(text)


def test_the_title_is_kept_as_people_type_it() -> None:
    assert vectors.parameters(Text("Łódź: a guide", "", ""))["new_title_words"] == "lodz a guide"


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (Text("Leaf", "", ""), IN_TITLE | IS_EXACT),
        (Text("Leaf", "Leaf", ""), IN_TITLE | IN_HEADING | IS_EXACT),
        (Text("x", "Leaf", ""), IN_HEADING | IS_EXACT),
        (Text("x", "", "", ["leaf"]), IN_HEADING | IS_EXACT),
        (Text("x", "", "leaf leaf"), IS_EXACT),
        (Text("x", "Leafs", "leaf leaf"), IN_HEADING | IS_EXACT),
        (Text("x", "Leafs", ""), IN_HEADING),
    ],
)
def test_what_a_byte_says_of_a_stem(text: Text, flags: int) -> None:
    assert byte(text, f"{STEM}leaf") & ~MOST_WEIGHT == flags


def test_a_form_says_where_it_is_itself() -> None:
    text = Text("Leafs", "", "leaf leaf leafs")
    assert byte(text, "leafs") & ~MOST_WEIGHT == IN_TITLE | IS_EXACT
    assert byte(text, f"{STEM}leaf") & ~MOST_WEIGHT == IN_TITLE | IS_EXACT
    assert byte(text, "leafs") < byte(text, f"{STEM}leaf")


def test_more_of_a_word_weighs_more_and_a_long_text_less() -> None:
    def weight(text: str) -> int:
        return byte(Text("x", "", text), f"{STEM}leaf") & MOST_WEIGHT

    counted = [weight("leaf " * count + "x " * 400) for count in (1, 2, 4, 8, 400)]
    assert counted == sorted(set(counted))
    assert counted[-1] <= MOST_WEIGHT
    lengths = [weight("leaf leaf leaf " + "x " * count) for count in (0, 100, 1000, 10_000)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] >= 1


def test_of_many_words_those_are_kept_that_say_most() -> None:
    many = " ".join(f"w{number}" for number in range(1000))
    text = Text("Leaf", "Heading", f"{many} often often often")
    kept = weights(text)
    assert len(kept) <= 257
    for name in ("leaf", "head", "often"):
        assert vectors.number(STEM + name) in kept


@given(TEXTS)
def test_weights_are_bytes_of_sorted_numbers(text: Text) -> None:
    given: dict[str, Any] = vectors.parameters(text)
    found, bytes_ = numbers(text), given["new_weights"]
    assert found == sorted(set(found))
    assert all(-0x8000 <= number < 0x8000 for number in found)
    assert len(bytes_) == len(found) + 1
    assert len(found) <= 256
    assert bytes_[0] & ~MOST_WEIGHT == 0
    assert all(byte & MOST_WEIGHT for byte in bytes_)


@given(TEXTS)
def test_flags_say_where_a_word_is(text: Text) -> None:
    kept = weights(text)
    parts = {IN_TITLE: text.title, IN_HEADING: "\n".join([*text.tags, text.headings])}
    for flag, part in parts.items():
        for term in words.terms(part):
            group = kept.get(vectors.number(STEM + stem(term, text.lang)))
            assert group is None or group & flag
    for term in words.terms(text.plain):
        if stem(term, text.lang) == term:
            assert kept.get(vectors.number(STEM + term), IS_EXACT) & IS_EXACT


@given(TEXTS)
def test_a_vector_is_quoted(text: Text) -> None:
    bare = re.sub(r"'(?:[^'\\]|''|\\\\)*'", "", vector(text))
    assert re.fullmatch(r"[ :,0-9AB]*", bare)


RUN = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(350_000))
LONG = {
    "different pairs": RUN,
    "different words": " ".join(map(str, range(150_000))),
    "few words": "tea leaf pot cup " * 60_000,
    "one word": "tea " * 260_000,
    "one long word": "x" * 1_048_576,
    "letters that become many": "\ufdfa" * 300_000,
    "wide letters": "\U00020000\U00020001" * 130_000,
    "forms": " ".join(f"w{number}ings" for number in range(90_000)),
}


@pytest.mark.parametrize("kind", LONG)
def test_of_a_very_long_text_the_beginning_counts(kind: str) -> None:
    text = LONG[kind]
    found = vector(Text(text, text, text, [text[:100]]))
    # So much is a lexeme there: its bytes, and a word of where it is; and two bytes a place.
    lexemes = re.findall(r"'([^']*)'(?::([0-9AB,]+))?", found)
    size = sum(
        len(lexeme.encode()) + 4 + 2 * min(len(places.split(",")), 256)
        for lexeme, places in lexemes
    )
    assert size < 1_048_575


def test_a_long_text_says_nothing_of_words_that_are_in_it_once() -> None:
    once = " ".join(f"w{number}" for number in range(200))
    text = Text("Milk", "Oat", f"{once} tea teas leaf leaf")
    named = {vectors.number(f"~{stem}") for stem in ("milk", "oat", "tea", "leaf")}
    assert numbers(text) == sorted({*named, vectors.number("teas")})
