import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.search import queries, words
from sheaf.search.queries import Filters, Query, Term

PARTS = st.sampled_from(
    [
        "NOT",
        "OR",
        "or",
        '"',
        "in:",
        "tag:",
        "author:",
        "-",
        "--",
        "C#",
        "c++",
        "a",
        "部署",
        "é",
        " ",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PARTS).map(" ".join), st.lists(PARTS).map("".join))


def read(text: str) -> str:
    """A query in short: a term's words in parentheses, `|` between alternatives."""
    query = queries.parse(text)
    wanted = " | ".join(" ".join(map(_term, terms)) for terms in query.alternatives)
    return wanted + "".join(f" !{_term(term)}" for term in query.unwanted)


def _term(term: Term) -> str:
    if term.signed:
        return term.signed
    return term.pieces[0] if len(term.pieces) == 1 else f"({' '.join(term.pieces)})"


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("two words", "two words"),
        ('"exact phrase"', "(exact phrase)"),
        ('"without an end', "(without an end)"),
        ("tea OR coffee", "tea | coffee"),
        ("tea or coffee", "tea | coffee"),
        ("or tea or or coffee or", "tea | coffee"),
        ('"or" tea', "or tea"),
        ("tea NOT milk", "tea !milk"),
        ('tea NOT "cold milk" NOT sugar', "tea !(cold milk) !sugar"),
        ("NOT milk tea", "tea !milk"),
        ("tea not milk", "tea not milk"),
        ('"NOT" tea', "not tea"),
        ("tea NOT", "tea"),
        ("a-b don't", "(a b) (don t)"),
        ("tea tea TEA", "tea"),
        ("部署指南", "部署指南"),
        ("AWS部署", "(aws 部署)"),
        ('"部署 AWS"', "(部署 aws)"),
        ("Naïve", "naive"),
        ("a or -", "a"),
    ],
)
def test_a_query_is_read(text: str, terms: str) -> None:
    assert read(text) == terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("commit --amend", "commit amend"),
        ("--dry-run", "(dry run)"),
        ("tar -xf", "tar xf"),
        ("- -- a", "a"),
        ("-milk", "milk"),
        ('-"cold milk"', "(cold milk)"),
        ("vue.js", "(vue js)"),
        ("C#", "c#"),
        ("(C#, F#)", "c# f#"),
        ('"C++"', "c++"),
        ("c++17", "(c 17)"),
        ("--std=c++", "(std c)"),
        ("C#/F#", "(c f)"),
        ("TLS/1.3", "(tls 1 3)"),
        ("os.path", "(os path)"),
        ("<br>", "br"),
        ("/etc/nginx/nginx.conf", "(etc nginx nginx conf)"),
        ("std::vector", "(std vector)"),
        ("note:this", "(note this)"),
        ("in: tag: author:", "in tag author"),
        ("a:tag:b", "(a tag b)"),
        ("TAG:b", "(tag b)"),
        (
            "error: cannot find 'x' (os error 2) [E0425]",
            "error cannot find x os 2 e0425",
        ),
        ("a & b | !c:*  <-> \\ %", "a b c"),
    ],
)
def test_what_people_type_is_text(text: str, terms: str) -> None:
    assert read(text) == terms


@pytest.mark.parametrize(
    "text", ["", " ", '"', '""', "-", "or", "NOT", "<->", ":*", "🎉", "NOT milk", 'NOT "x', "tag:x"]
)
def test_a_query_may_want_nothing(text: str) -> None:
    assert queries.parse(text).alternatives == ()
    assert queries.parse(text).terms == []


@pytest.mark.parametrize(
    ("text", "narrowing"),
    [
        ("tea in:guide", "in=guide"),
        ("in:/guide/tea/ tea", "in=guide/tea"),
        ("in:u\u0308ber tea", "in=über"),
        ("tag:green tea", "tag=green"),
        ('tag:"green leaf" tea', "tag=green leaf"),
        ('tag:"green leaf', "tag=green leaf"),
        ("tea author:alice", "author=alice"),
        ('in:a tag:"b c" author:d tea', "in=a, tag=b c, author=d"),
        ("tag:a tag:b tea", "tag=a, tag=b"),
        ("NOT tag:a tea", "not tag=a"),
        ("tea NOT in:a in:a/b", "not in=a, in=a/b"),
        ('tea "in:guide"', ""),
        ('tea tag:""', ""),
        ("tea in:/", ""),
        ("tea x-tag:a", ""),
        ("tea NOTtag:a", ""),
    ],
)
@pytest.mark.parametrize("operators", [True, False])
def test_three_words_narrow(text: str, narrowing: str, operators: bool) -> None:
    assert shown(queries.parse(text, operators=operators)) == narrowing


def shown(query: Query) -> str:
    return ", ".join(
        f"{'not ' * each.leaves_out}{each.kind}={each.value}" for each in query.narrowing
    )


def test_what_is_typed_counts_before_parameters() -> None:
    given = Filters("there", "leaf", "bob")
    assert shown(queries.parse("tea in:here", given)) == "in=here, tag=leaf, author=bob"
    assert shown(queries.parse("tea", given)) == "in=there, tag=leaf, author=bob"
    assert shown(queries.parse("tea NOT tag:x", given)) == (
        "not tag=x, in=there, tag=leaf, author=bob"
    )


def test_what_is_quoted_has_no_other_forms() -> None:
    [term] = queries.parse('"teas"').terms
    assert term.tsquery(("de",)) == "'teas'"
    assert queries.parse('kettle NOT "teas"').tsquery(()).endswith("& (!('teas'))")


@pytest.mark.parametrize(
    ("text", "others", "replaced"),
    [
        ("a Smaovar please", {"smaovar": "samovar"}, "a samovar please"),
        ("zepplin NOT airship", {"zepplin": "zeppelin"}, "zeppelin NOT airship"),
        ('"grene tea" in:grene', {"grene": "green"}, '"green tea" in:grene'),
        ("--dri-run", {"dri": "dry"}, "--dry-run"),
        ("ZEPPLIN's mast", {"zepplin": "zeppelin"}, "zeppelin's mast"),
        ("kubernetasとコンピュータ", {"kubernetas": "kubernetes"}, "kubernetesとコンピュータ"),
        ("tea", {"milk": "oat"}, "tea"),
    ],
)
def test_words_can_be_replaced(text: str, others: dict[str, str], replaced: str) -> None:
    assert queries.replaced(text, others) == replaced


def test_what_is_negated_is_text_in_a_row() -> None:
    assert [term.pieces for term in queries.parse("do NOT remove", operators=False).terms] == [
        ("do",),
        ("not", "remove"),
    ]


def test_not_stands_before_what_follows_it_alone() -> None:
    for text in ("tea NOT - milk", 'tea NOT "" milk'):
        assert queries.parse(text).unwanted == ()


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("informação", "informação"),
        ("İnsanlığı", "insanlığı"),
        *((typed, "") for typed in ("café2", "किताब", "ọ̀rọ̀", "infor\u00adma\u00e7\u00e3o")),
        *(("部署", ""), ("c#", "")),
    ],
)
def test_a_word_is_spelled_as_a_whole_or_not_at_all(typed: str, spelled: str) -> None:
    assert [term.spelled for term in queries.parse(typed).terms] == [spelled]


@pytest.mark.parametrize("text", ["tea NOT milk", "tea OR milk", "NOT", "or", "tea or"])
def test_operators_may_be_text(text: str) -> None:
    query = queries.parse(text)
    assert query.has_operators
    plain = queries.parse(text, operators=False)
    assert not plain.has_operators
    assert plain.words == text.lower().split()
    assert plain.unwanted == ()


def test_what_is_not_wanted_is_not_shown() -> None:
    query = queries.parse('"the phrase" one NOT two')
    assert [term.pieces for term in query.terms] == [("the", "phrase"), ("one",)]
    assert query.words == ["the", "phrase", "one"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('"Green tea" v1.2', "green tea v1 2"),
        ("a OR b", "a or b"),
        ("AWS部署", "aws 部署"),
        ("-", ""),
    ],
)
def test_a_title_may_be_typed(text: str, title: str) -> None:
    assert queries.parse(text).title == title


@pytest.mark.parametrize(
    ("text", "langs", "tsquery"),
    [
        ("deploying", (), "'deploying' | 'deploy' | '~deploy'"),
        ("tee", ("de",), "'tee' | '~tee'"),
        ('"b c"', (), "'b' <-> 'c'"),
        ("部署", (), "'部署'"),
        ("水", (), "'水':*"),
        ("C#", (), "'c#'"),
        ("tea NOT 水", (), "'tea' | '~tea' & !'水':*"),
        ("a tag:Größe", (), "'a' | '~a' & '#grosse'"),
        ("a tag:'", (), "'a' | '~a' & '#'''"),
        ("a tag:\\", (), r"'a' | '~a' & '#\\'"),
    ],
)
def test_it_is_asked_in_the_notation_of_postgresql(
    text: str, langs: tuple[str, ...], tsquery: str
) -> None:
    asked = queries.parse(text).tsquery(langs)
    assert asked.replace("(", "").replace(")", "") == tsquery


def test_words_in_a_row_may_stand_anywhere() -> None:
    query = queries.parse('"dry run" 部署指南 C#').of_words()
    terms = [term.signed or term.pieces[0] for term in query.terms]
    assert terms == ["dry", "run", "部署", "署指", "指南", "c#"]


def test_words_may_be_left_out_where_others_are_left() -> None:
    query = queries.parse("the tea OR the")
    the = Term(("the",))
    assert query.without({the}).alternatives == ((Term(("tea",)),), (the,))


def test_words_may_go_on_or_be_meant_otherwise() -> None:
    query = queries.parse("depl teh tea").with_words(["depl"], {"teh": "the"})
    assert query.terms == [Term(("depl",), is_beginning=True), Term(("the",)), Term(("tea",))]
    assert "'depl':*" in query.tsquery(())


def test_some_of_the_words() -> None:
    query = queries.parse("a b c d").of_some(("a", "b", "d"), 2)
    found = [" ".join(term.pieces[0] for term in terms) for terms in query.alternatives]
    assert found == ["a b", "a d", "b d"]
    assert query.title == ""


@given(TEXTS, st.booleans())
def test_any_text_is_a_query(text: str, operators: bool) -> None:
    query = queries.parse(text, operators=operators)
    for term in (*query.terms, *query.unwanted):
        assert term.pieces
        assert all(words.split(piece) == (piece,) for piece in term.pieces)
    assert all(query.alternatives)
    if not operators:
        assert len(query.alternatives) <= 1
        assert not query.unwanted


@given(TEXTS)
def test_what_it_asks_is_quoted(text: str) -> None:
    query = queries.parse(text)
    if query.alternatives:
        bare = "".join(query.tsquery(("de", "fr")).split("'")[::2])
        assert not set(bare) - set("()&|!<->:* ")


@given(TEXTS)
def test_words_of_a_query_are_words_again(text: str) -> None:
    query = queries.parse(text).of_words()
    assert query.of_words() == query
    assert isinstance(query, Query)
