import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sheaf.search import words

SCRIPTS = st.sampled_from(
    "aZ9é\u0301ßİ ﬁ-'\"水部署のがｶﾞーアン서버กัำ名ខ្មែរမြန်हि\u200b\u00ad\ue000🎉½㍿"
)
# A sign of voice stands on kana: behind the marks of other scripts it has no place of its own.
_OUT_OF_PLACE = re.compile("[^ぁ-ヿｦ-ﾝ][\u3099\u309aﾞﾟ]")
TEXTS = st.one_of(st.text(), st.text(SCRIPTS)).filter(lambda text: not _OUT_OF_PLACE.search(text))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Naïve CAFÉ", "naive cafe"),
        ("nai\u0308ve", "naive"),
        ("Straße ﬁne ＡＷＳ", "strasse fine aws"),
        ("don't foo-bar v1.2", "don t foo bar v1 2"),
        ("sheaf.locks /usr/bin a_b", "sheaf locks usr bin a b"),
        ("Ёлка", "елка"),
        ("Τέλος", "τελοσ"),
        ("हिन्दी में", "हिन्दी में"),
        ("co\u00adoperate", "cooperate"),
        ("AWS部署指南 v2", "aws 部署指南 v2"),
        ("第3回目", "第 3 回目"),
        ("が か\u3099 ガ ｶﾞ", "カ\u3099 カ\u3099 カ\u3099 カ\u3099"),
        ("데이터 데이터", "데이터 데이터"),
        ("葛\U000e0100城", "葛城"),
        ("ไทย\u200bลาว", "ไทย ลาว"),
        ('<-> :* & | ! \\ " \x00 \ud800 🎉 \ue000', ""),
    ],
)
def test_text_is_split_and_folded(text: str, pieces: str) -> None:
    assert words.split(text) == tuple(pieces.split())


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("lodz", "Łódź"),
        ("orsted", "Ørsted"),
        ("da nang", "Đà Nẵng"),
        ("viet nam nguoi duong", "Việt Nam người đường"),
        ("igdir istanbul", "Iğdır İSTANBUL"),
        ("aesop", "Æsop"),
        ("coeur", "cœur"),
        ("strasse", "STRAẞE"),
        ("thor", "Þór"),
        ("hamrun", "Ħamrun"),
        ("sudur", "suður"),
        ("paral lel", "paral·lel"),
        ("collega", "coŀlega"),
        ("sami nj", "sámi ǌ"),
        ("eangal", "eaŋgal"),
        ("елка", "ЁЛКА"),
        ("елка мой", "е\u0308лка мои\u0306"),
        ("محمد", "مُحَمَّد"),
        ("محمد", "محـــمد"),
        ("احمد", "أحمد"),
        ("اسلام", "إسلام"),
        ("القران", "القرآن"),
        ("الله", "ٱللّٰه"),
        ("موسسه", "مؤسسة"),
        ("رييس", "رئيس"),
        ("علي", "على"),
        ("لا", "ﻷ"),
        ("שלום", "שָׁלוֹם"),
        ("ירושלים", "יְרוּשָׁלַיִם"),
        ("ייד", "ײד"),
        ("میخواهم", "می\u200cخواهم"),
        ("ميخواهم", "می\u200cخواهم"),
        ("كتاب", "کتاب"),
        ("خانه", "خانۀ"),
        ("फिल्म", "फ़िल्म"),
        ("カタカナ", "ｶﾀｶﾅ"),
        ("ひらがな", "ヒラガナ"),
        ("データベース", "ﾃﾞｰﾀﾍﾞｰｽ"),
        ("キヤノン", "キャノン"),
        ("1402 2026 42", "۱۴۰۲ ٢٠٢٦ ４２"),
        ("και", "ϗ"),
        ("ωδη", "ᾠδή"),
    ],
)
def test_what_people_do_not_type_makes_no_difference(typed: str, text: str) -> None:
    assert words.split(typed) == words.split(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("мой", "мои"),
        ("МОЙ", "МОИ"),
        ("її", "іі"),
        ("ўсё", "усё"),
        ("パッチ", "バッチ"),
        ("カード", "ガード"),
        ("مؤمن", "مءمن"),
        ("มา", "ม้า"),
        ("हस", "हंस"),
        ("ө", "o"),
        ("ə", "e"),
    ],
)
def test_what_people_type_makes_a_difference(one: str, other: str) -> None:
    assert words.split(one) != words.split(other)


def test_words_that_stand_apart_are_two() -> None:
    assert words.split("می خواهم") == words.split("می") + words.split("خواهم")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Łódź:  the “Guide”", "lodz the guide"),
        ("C++", "c"),
        ("AWS部署", "aws 部署"),
        ("nai\u0308ve", "naive"),
        ("→ !", "→ !"),
        ("🎉", "🎉"),
        ("", ""),
    ],
)
def test_titles_are_compared_by_their_words(text: str, key: str) -> None:
    assert words.key(text) == key


@given(TEXTS)
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert words.key(words.key(text)) == words.key(text)


@given(st.text(SCRIPTS))
def test_keys_are_the_same_where_words_are(text: str) -> None:
    if words.split(text):
        assert words.key(text) == words.key(text.upper()) == words.key(f"  {text}!")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("two words", "two words"),
        ("水", "水"),
        ("部署", "部署 署"),
        ("AWS部署指南", "aws 部署 署指 指南 南"),
        ("全文検索", "全文 文検 検索 索"),
        ("서버를 배포", "서버 버를 를 배포 포"),
        ("กั้นไทย", "กั้น นไ ไท ทย ย"),
    ],
)
def test_runs_are_indexed_in_pairs(text: str, terms: str) -> None:
    assert words.terms(text) == terms.split()


@pytest.mark.parametrize(
    ("phrase", "terms"),
    [
        ("two words", "two words"),
        ("水", "水"),
        ("部署", "部署"),
        ("部署指南", "部署 署指 指南"),
        ("部署AWS", "部署 署 aws"),
        ("AWS部", "aws 部"),
    ],
)
def test_what_is_looked_for_may_end_within_a_run(phrase: str, terms: str) -> None:
    assert words.queried(words.split(phrase)) == terms.split()


@given(TEXTS)
def test_folding_again_changes_nothing(text: str) -> None:
    pieces = words.split(text)
    assert words.split(" ".join(pieces)) == pieces


def test_folding_any_character_again_changes_nothing() -> None:
    for code in (*range(0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x20000)):
        once = words.folded(chr(code))
        assert words.folded(once) == once, hex(code)


@given(st.text(SCRIPTS))
def test_case_makes_no_difference(text: str) -> None:
    assert words.split(text.upper()) == words.split(text) == words.split(text.casefold())


@given(TEXTS)
def test_terms_are_words_to_postgresql_too(text: str) -> None:
    assert not re.search(r"[\x00-\x1f!-/:-@\[-`{-\x7f\ud800-\udfff]", " ".join(words.terms(text)))


@given(TEXTS, st.data())
def test_any_part_of_a_text_is_found_in_it(text: str, data: st.DataObject) -> None:
    pieces = words.split(text)
    if not pieces:
        return
    start = data.draw(st.integers(0, len(pieces) - 1))
    phrase = pieces[start : data.draw(st.integers(start + 1, len(pieces)))]
    terms, wanted = words.terms(text), words.queried(phrase)
    assert any(
        all(term.startswith(one) for one, term in zip(wanted, terms[at:], strict=False))
        for at in range(len(terms) - len(wanted) + 1)
    )
    folded = words.folded(unicodedata.normalize("NFC", text))
    found = re.finditer(words.pattern(phrase), folded)
    assert any(words.end(folded, *one.span(), phrase) for one in found)


@given(TEXTS, st.sampled_from(["a", "tea", "lodz", "чай", "b1"]), st.integers(0, 3))
@example("tea teapot 茶tea茶 teá", "tea", 1)
def test_a_word_is_found_where_it_is_one(text: str, word: str, times: int) -> None:
    folded = words.folded(unicodedata.normalize("NFC", text + f" {word}" * times))
    found = {
        (one.start(), words.end(folded, *one.span(), (word,)))
        for one in re.finditer(words.pattern((word,)), folded)
    }
    places = (one.span() for one in words._PIECE.finditer(folded))
    assert {each for each in found if each[1]} == {
        (start, end) for start, end in places if folded[start:end] == word
    }


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("Informação, informacao — “e”", {"informação": "informacao"}),
        ("Caf\u0065\u0301 部署 naïve_x2", {"café": "cafe", "naïve": "naive"}),
        ("plain “text” – only", {}),
    ],
)
def test_how_words_are_spelled_is_known_where_it_matters(
    text: str, spelled: dict[str, str]
) -> None:
    assert words.spelled(text) == spelled
