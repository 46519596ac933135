import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.search import queries, ranking, vectors
from sheaf.search.queries import Term
from sheaf.search.ranking import Counts, Order, Unit

NOTHING = Counts()


def units(q: str, counts: Counts = NOTHING) -> list[Unit]:
    (found,) = Order.of(queries.parse(q), counts).alternatives
    return [*found]


def test_rare_words_count_more() -> None:
    counts = Counts(1000, (), {"tea": 500, "leaf": 3})
    rarities = {unit.groups: unit.rarity for unit in units("tea leaf new", counts)}
    number = vectors.number
    new, leaf, tea = (rarities[number(f"~{word}"),] for word in ("new", "leaf", "tea"))
    assert new > leaf > tea > 0


def test_without_a_snapshot_all_words_count_alike() -> None:
    assert len({unit.rarity for unit in units("tea leaf new")}) == 1


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_rarity_is_a_number_whatever_was_counted(pages: int, having: int) -> None:
    (unit,) = units("tea", Counts(pages, (), {"tea": having}))
    assert 0 < unit.rarity < 100


def test_any_form_of_a_word_is_counted() -> None:
    counts = Counts(1000, (), {"~deploy": 40, "deploys": 2})
    known, new = units("deploys nothing", counts), Counts(1000, (), {"deploys": 2})
    assert known[1].rarity < units("deploys nothing", new)[1].rarity


def test_a_form_is_known_by_itself_and_its_stem() -> None:
    (form,) = units("deployed")
    assert form.groups == (vectors.number("~deploy"),)
    assert form.exact == vectors.number("deployed")
    (itself,) = units("deploy")
    assert itself.groups == form.groups
    assert itself.exact is None


def test_a_word_has_the_stems_of_all_languages() -> None:
    (unit,) = units("livros", Counts(100, ("pt",)))
    assert set(unit.groups) == {vectors.number("~livr"), vectors.number("~livro")}


def test_of_many_words_the_rarest_are_asked_for() -> None:
    counts = Counts(10_000, (), {f"w{number}": 100 + number for number in range(20)})
    found = units(" ".join(f"w{number}" for number in range(20)), counts)
    assert len(found) < 20
    assert found[0].groups == (vectors.number("~w0"),)
    assert vectors.number("~w19") not in {number for unit in found for number in unit.groups}


@pytest.mark.parametrize(
    ("q", "common"),
    [
        ("the tea", {"the"}),
        ("the", {"the"}),
        ("tea leaf", set()),
        ('"the tea"', set()),
    ],
)
def test_words_of_many_pages_are_common(q: str, common: set[str]) -> None:
    counts = Counts(1000, (), {"the": 900, "tea": 20})
    assert ranking.common(queries.parse(q), counts) == {Term((word,)) for word in common}


def test_on_a_small_site_none_is() -> None:
    counts = Counts(20, (), {"the": 20})
    assert ranking.common(queries.parse("the tea"), counts) == set()


def test_what_is_common_need_not_be_there() -> None:
    counts = Counts(1000, (), {"the": 900, "tea": 20})
    assert [unit.is_needed for unit in units("the tea", counts)] == [True, False]
    assert [unit.is_needed for unit in units("the", counts)] == [True]


def test_what_is_counted_of_a_query() -> None:
    found = ranking.lexemes(queries.parse('deployed OR "部署 x" C#'), ("fr",))
    assert {"deployed", "deploy", "~deploy", "部署", "x", "c#"} <= found


@pytest.mark.parametrize(
    ("q", "pages"),
    [
        ("tea", 500),
        ("tea leaf", 3),
        ("tea OR leaf", 503),
        ('"tea leaf"', 3),
        ("tea.new", 0),
        ("茶", 1000),
        ("部署x", 8),
    ],
)
def test_how_many_pages_may_be_found_is_known_before(q: str, pages: int) -> None:
    counts = Counts(1000, (), {"tea": 500, "leaf": 3, "部署": 9, "x": 8})
    assert ranking.found_by(queries.parse(q), counts) == pages
