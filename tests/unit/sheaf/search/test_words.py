import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.search import words

SCRIPTS = st.sampled_from(
    "aZ9é\u0301ßİ ﬁ-'\"水部署のがｶﾞーアン서버กัำ名ខ្មែរမြန်हि\u200b\u00ad\ue000🎉½㍿"
)
TEXTS = st.one_of(st.text(), st.text(SCRIPTS))


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
        ("が か\u3099 ガ", "が が ガ"),
        ("데이터 데이터", "데이터 데이터"),
        ("葛\U000e0100城", "葛城"),
        ("ไทย\u200bลาว", "ไทย ลาว"),
        ('<-> :* & | ! \\ " \x00 \ud800 🎉 \ue000', ""),
    ],
)
def test_text_is_split_and_folded(text: str, pieces: str) -> None:
    assert words.split(text) == tuple(pieces.split())


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
    assert words.indexed(text) == terms


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
    assert words.queried(words.split(phrase)) == terms


@given(TEXTS)
def test_folding_again_changes_nothing(text: str) -> None:
    pieces = [unicodedata.normalize("NFC", piece) for piece in words.split(text)]
    assert list(words.split(" ".join(pieces))) == pieces


@given(st.text(SCRIPTS))
def test_case_makes_no_difference(text: str) -> None:
    assert words.split(text.upper()) == words.split(text) == words.split(text.casefold())


@given(TEXTS)
def test_terms_are_words_to_postgresql_too(text: str) -> None:
    assert not re.search(r"[\x00-\x1f!-/:-@\[-`{-\x7f\ud800-\udfff]", words.indexed(text))


@given(TEXTS, st.data())
def test_any_part_of_a_text_is_found_in_it(text: str, data: st.DataObject) -> None:
    pieces = words.split(text)
    if not pieces:
        return
    start = data.draw(st.integers(0, len(pieces) - 1))
    phrase = pieces[start : data.draw(st.integers(start + 1, len(pieces)))]
    terms, wanted = words.indexed(text).split(), words.queried(phrase).split()
    assert any(
        all(term.startswith(one) for one, term in zip(wanted, terms[at:], strict=False))
        for at in range(len(terms) - len(wanted) + 1)
    )
    folded = "".join(words.fold(unicodedata.normalize("NFC", text)))
    assert re.search(words.pattern(phrase), folded)
