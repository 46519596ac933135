import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.search import queries, snippets

LONG = " ".join(f"word{number}" for number in range(200))


def cut(text: str, query: str) -> str:
    return snippets.cut(text, queries.parse(query).marks())


@pytest.mark.parametrize(
    ("text", "query", "snippet"),
    [
        ("Tea and milk", "tea MILK", "<mark>Tea</mark> and <mark>milk</mark>"),
        ("Tea, teapot", "tea", "<mark>Tea</mark>, teapot"),
        (
            "Pages: studying, studied; a studio",
            "studies",
            "Pages: <mark>studying</mark>, <mark>studied</mark>; a studio",
        ),
        ("a naïve Café", "naive cafe", "a <mark>naïve</mark> <mark>Café</mark>"),
        ("nai\u0308ve", "naïve", "<mark>naïve</mark>"),
        ("ﬁne Straße", "fine strasse", "<mark>ﬁne</mark> <mark>Straße</mark>"),
        ("AWS部署指南", "部署", "AWS<mark>部署</mark>指南"),
        ("AWS部署指南", "aws部", "<mark>AWS部</mark>署指南"),
        ("全文検索エンジン", "検索", "全文<mark>検索</mark>エンジン"),
        ("서버를 배포", "서버", "<mark>서버</mark>를 배포"),
        ("In Łódź: Æsop's", "aesop lodz", "In <mark>Łódź</mark>: <mark>Æsop</mark>&#x27;s"),
        ("قال مُحَمَّدٌ نعم", "محمد", "قال <mark>مُحَمَّدٌ</mark> نعم"),
        ("می\u200cخواهم بروم", "میخواهم", "<mark>می\u200cخواهم</mark> بروم"),
        ("全文ガイド", "かいと", "全文ガイド"),
        ("全文ガイド", "がいど", "全文<mark>ガイド</mark>"),
        ("全文ｶﾞｲﾄﾞ集", "ガイド", "全文<mark>ｶﾞｲﾄﾞ</mark>集"),
        ("㍿山田", "株式", "<mark>㍿</mark>山田"),
        ("an exact phrase", '"exact phrase"', "an <mark>exact phrase</mark>"),
        ("a<b & c>d", "b", "a&lt;<mark>b</mark> &amp; c&gt;d"),
        ("\ue000tea\ue001 </mark>", "tea", "\ue000<mark>tea</mark>\ue001 &lt;/mark&gt;"),
        ("one\n\n two", "two", "one <mark>two</mark>"),
        ("only in the title", "other", "only in the title"),
        ("", "tea", ""),
    ],
)
def test_what_was_found_is_marked(text: str, query: str, snippet: str) -> None:
    assert cut(text, query) == snippet


def test_a_long_text_is_cut_around_what_was_found() -> None:
    snippet = cut(LONG, "word100")
    assert snippet.startswith("… word9")
    assert snippet.endswith(" …")
    assert "<mark>word100</mark>" in snippet
    assert 120 < len(snippet) < 190


@pytest.mark.parametrize("before", [0, 19_990, 20_999, 250_000])
def test_it_is_marked_wherever_in_the_text_it_is(before: int) -> None:
    snippet = cut("leaf " * (before // 5) + "Green\nTea for two", '"green tea"')
    assert snippet.endswith("<mark>Green Tea</mark> for two")
    assert snippet.startswith("… leaf") == (before > 0)


def test_places_far_apart_are_shown_in_two_fragments() -> None:
    snippet = cut(LONG, "word150 word20")
    assert "<mark>word20</mark>" in snippet
    assert "<mark>word150</mark>" in snippet
    assert snippet.index("word20<") < snippet.index(" … ", 2) < snippet.index("word150<")


def test_the_place_with_most_of_the_words_is_shown() -> None:
    snippet = cut(f"green leaves {LONG} green tea {LONG} green leaves", "green tea")
    assert snippet.count("</mark>") in {2, 3}
    assert "<mark>green</mark> <mark>tea</mark>" in snippet


def test_a_run_is_cut_where_it_must_be() -> None:
    snippet = cut("山" * 500 + "検索" + "川" * 500, "検索")
    assert re.fullmatch("… 山{25}<mark>検索</mark>川{133} …", snippet)


SAMPLES = st.text(st.sampled_from("ab é<>&\"'… 部署のﬁ㍿\u0301\ue000\n-"), max_size=400)


@given(
    st.one_of(st.text(), SAMPLES), st.lists(st.text(st.sampled_from("abé部署の株ﬁ "), max_size=4))
)
def test_a_snippet_is_made_of_the_text_and_marks_only(text: str, found: list[str]) -> None:
    snippet = cut(text, " ".join(found))
    bare = re.sub("</?mark>", "", snippet)
    assert not set("<>\"'") & set(bare)
    assert re.fullmatch(r"(?:[^<]*<mark>[^<]+</mark>)*[^<]*", snippet)
    source = " ".join(unicodedata.normalize("NFC", text).split())
    assert composed_of(html.unescape(bare), source)


def composed_of(snippet: str, source: str) -> bool:
    """Whether one or two parts of the source, in its order, are all of the snippet."""
    if snippet in source:
        return True
    whole = snippet.removeprefix("… ") if snippet not in source else snippet
    candidates = {snippet, whole, snippet.removesuffix(" …"), whole.removesuffix(" …")}
    return any(in_order(one, source) for one in candidates)


def in_order(text: str, source: str) -> bool:
    if text in source:
        return True
    gaps = [found.start() for found in re.finditer(" … ", text)]
    return any(
        (first := source.find(text[:gap])) >= 0 and source.find(text[gap + 3 :], first + gap) >= 0
        for gap in gaps
    )
