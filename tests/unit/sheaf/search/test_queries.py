import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.search import queries


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("two words", '"two" "words"'),
        ('"exact phrase"', '"exact phrase"'),
        ('"without an end', '"without an end"'),
        ("tea -milk", '"tea" -"milk"'),
        ('tea -"cold milk" --sugar', '"tea" -"cold milk" -"sugar"'),
        ("tea or coffee", '"tea" or "coffee"'),
        ("tea OR coffee", '"tea" or "coffee"'),
        ("or tea or or coffee or", '"tea" or "coffee"'),
        ('"or" tea', '"or" "tea"'),
        ("a-b don't", '"a b" "don t"'),
        ("部署", '"部署"'),
        ("部署指南", '"部署 署指 指南"'),
        ("AWS部署 -検索エンジン", '"aws 部署" -"検索 索エ エン ンシ\u3099 シ\u3099ン"'),
        ('"部署 AWS"', '"部署 署 aws"'),
        ("Naïve", '"naive"'),
        ("a or -", '"a"'),
    ],
)
def test_queries_are_rewritten_in_indexed_terms(text: str, terms: str) -> None:
    assert queries.parse(text).terms == terms


@pytest.mark.parametrize("text", ["", " ", '"', '""', "-", "or", "<->", ":*", "🎉", "-milk", '-"x'])
def test_a_query_may_want_nothing(text: str) -> None:
    assert queries.parse(text) == queries.Query("", ())


def test_what_is_not_wanted_is_not_shown() -> None:
    assert queries.parse('"the phrase" one -two').wanted == (("the", "phrase"), ("one",))


@given(st.text())
def test_a_query_is_its_terms(text: str) -> None:
    query = queries.parse(text)
    assert query.terms.count('"') % 2 == 0
    assert not query.terms.endswith(" or")
    assert bool(query.terms) == bool(query.wanted)
