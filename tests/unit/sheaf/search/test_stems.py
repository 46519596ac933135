import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.search import words
from sheaf.search.stems import _MOST_KNOWN, each, primary, stem, stems


def stem_of(text: str, lang: str) -> str:
    (word,) = words.split(text)
    return stem(word, lang)


@pytest.mark.parametrize(
    ("lang", "one", "other"),
    [
        ("ar", "كتاب", "الكتاب"),
        ("ca", "coses", "cosa"),
        ("cs", "domy", "dom"),
        ("da", "husene", "huse"),
        ("de", "häuser", "hauses"),
        ("el", "δρόμος", "δρόμου"),
        ("en", "deployed", "deploying"),
        ("es", "libros", "libro"),
        ("et", "majad", "majade"),
        ("eu", "etxeak", "etxera"),
        ("fi", "talossa", "talosta"),
        ("fr", "maisons", "maison"),
        ("fa", "کتاب", "کتاب\u200cهای"),
        ("hi", "किताबें", "किताब"),
        ("hu", "házak", "házat"),
        ("hy", "քաղաքի", "քաղաքներ"),
        ("id", "rumahnya", "rumah"),
        ("it", "libri", "libro"),
        ("lt", "namai", "namas"),
        ("ne", "किताबहरू", "किताबले"),
        ("nl", "huizen", "huis"),
        ("no", "husene", "huset"),
        ("pl", "domami", "domach"),
        ("pt", "livros", "livro"),
        ("ro", "casele", "casa"),
        ("ru", "книги", "книгу"),
        ("sr", "књига", "књиге"),
        ("sv", "husen", "huset"),
        ("ta", "வீடுகள்", "வீடு"),
        ("yi", "הויז", "הויזער"),
        ("tr", "kitapları", "kitaplardan"),
    ],
)
def test_forms_have_a_stem_in_common(lang: str, one: str, other: str) -> None:
    assert stem_of(one, lang) == stem_of(other, lang)


@pytest.mark.parametrize("word", ["deployed", "книги", "βιβλία", "किताबें"])
def test_without_a_language_the_script_says_it(word: str) -> None:
    assert stem_of(word, "") == stem_of(word, "zh") != words.split(word)[0]


@pytest.mark.parametrize(("word", "lang"), [("deployed", "vi"), ("книги", "uk"), ("पुस्तकें", "mr")])
def test_a_language_may_have_none(word: str, lang: str) -> None:
    assert stem_of(word, lang) == words.split(word)[0]


def test_a_word_in_another_script_is_in_its_usual_language() -> None:
    assert stem("deployed", "ru") == "deploy"
    assert stem(words.split("книги")[0], "de") == stem(words.split("книги")[0], "ru")


@pytest.mark.parametrize("word", ["部署", "カ", "서버", "ไทย", "42", "is", "ios", "as"])
def test_a_word_may_be_its_own_stem(word: str) -> None:
    assert stem(word) == word


def test_a_stem_is_no_single_letter() -> None:
    assert all(len(stem(word, "en")) == len(word) for word in ("a", "as", "ss", "ied"))


@pytest.mark.parametrize(
    ("lang", "language"), [("pt-BR", "pt"), ("pt_BR", "pt"), ("EN", "en"), ("", "")]
)
def test_a_language_is_the_first_part_of_its_tag(lang: str, language: str) -> None:
    assert primary(lang) == language
    assert stem("livros", lang) == stem("livros", language)


@pytest.mark.parametrize(
    ("lang", "word"),
    [
        ("fr", "déployées"),
        ("fr", "naïveté"),
        ("de", "Häuser"),
        ("es", "canción"),
        ("pt", "ações"),
        ("sv", "frågor"),
        ("cs", "příliš"),
        ("hu", "működik"),
        ("tr", "güneşli"),
        ("el", "βιβλίο"),
        ("ar", "الكِتَابُ"),
        ("en", "cafés"),
    ],
)
def test_accents_make_no_difference(lang: str, word: str) -> None:
    bare = "".join(
        each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each)
    )
    assert bare != word
    assert stem_of(bare, lang) == stem_of(word, lang)


def test_all_the_stems_that_a_word_may_have() -> None:
    assert stems("tea", ("de", "en")) == ("tea",)
    assert stems("livros", ("pt", "en")) == ("livro", "livr")


@given(st.text(), st.sampled_from(["", "en", "de", "ar", "ta", "tr", "xx", "pt-BR"]))
def test_any_word_has_a_stem_that_is_a_word(text: str, lang: str) -> None:
    for word in words.split(text):
        found = stem(word, lang)
        assert found
        assert words.split(found) == (found,)


def test_many_words_have_the_stems_that_each_has() -> None:
    typed = ["deployed", "livros", "книги", "茶", "deployed"]
    assert each(typed, "pt") == {word: stem(word, "pt") for word in typed}


def test_what_was_worked_out_before_makes_no_difference() -> None:
    many = [f"deployed{number}ing" for number in range(_MOST_KNOWN + 1)]
    for _ in range(2):
        assert each([*many, "deployed"], "en")["deployed"] == stem("deployed", "en") == "deploy"
    assert each(many, "en")["deployed7ing"] == stem("deployed7ing", "en")
    assert each(["nation"], "fr") == {"nation": stem("nation", "fr")}
