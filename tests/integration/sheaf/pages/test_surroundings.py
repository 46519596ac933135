"""What a page shows of others, on any number of databases, against Python that sees all pages."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sheaf import telemetry
from sheaf.database.outages import Unavailable
from sheaf.pages import lookups, reads, surroundings, tree
from sheaf.pages.surroundings import MOST_BESIDE, MOST_LINKING, Surroundings
from sheaf.pages.tree import Entry
from sheaf.sharding import scattering, shards
from tests.fixtures import Servers, together
from tests.integration.conftest import Configure
from tests.integration.sheaf.pages.library import Shelved, shelve


@pytest.fixture(scope="module", params=[1, 3], ids=["one shard", "three shards"])
def urls(request: pytest.FixtureRequest, servers: Servers) -> Iterator[list[str]]:
    with together(servers, "around", request.param) as made:
        yield made


@pytest.fixture(autouse=True)
def _spread(clean: Servers, urls: list[str], configure: Configure) -> Iterator[None]:
    configure(SHEAF_DATABASE_URLS=",".join(urls))
    yield
    shards.dispose()


def around(slug: str) -> Surroundings:
    page = lookups.at(slug)
    assert page is not None
    return surroundings.of(page)


def labels(entries: tuple[Entry, ...]) -> list[str]:
    return [(each.title or each.name) + "/" * each.folder for each in entries]


def test_what_is_beside_a_page() -> None:
    shelve(
        Shelved("home", "Welcome"),
        Shelved("guide", "The guide"),
        Shelved("guide/b", "Écrire", to=("home",)),
        Shelved("guide/a", "Zebras", to=("home", "guide/b")),
        Shelved("guide/more/deep", "Deep"),
        Shelved("guides", "Others"),
    )
    home = around("home")
    assert (home.above, home.folder, labels(home.beside)) == (
        *((), ""),
        ["The guide/", "Others", "Welcome"],
    )
    assert labels(home.linking) == ["Zebras", "Écrire"]
    guide = around("guide")
    assert (guide.folder, labels(guide.beside)) == ("guide", ["more/", "Écrire", "Zebras"])
    below = around("guide/b")
    assert (labels(below.above), below.folder) == (["The guide/"], "guide")
    assert labels(below.beside) == labels(guide.beside)
    deep = around("guide/more/deep")
    assert (labels(deep.above), labels(deep.beside)) == (["The guide/", "more/"], [])


def test_of_many_the_nearest_are_beside_a_page() -> None:
    names = [f"many/{number:03}" for number in range(3 * MOST_BESIDE)]
    shelve(*(Shelved(name, f"Page {name}", to=("many/000",)) for name in names))
    for place in (0, 5, 60, len(names) - 1):
        found = around(names[place])
        shown = [each.slug for each in found.beside]
        first = names.index(shown[0])
        assert shown == names[first : first + MOST_BESIDE]
        assert first == max(0, min(place - (MOST_BESIDE - 1) // 2, len(names) - MOST_BESIDE))
        assert found.has_more
    linked = around("many/000")
    assert [each.slug for each in linked.linking] == names[1 : MOST_LINKING + 1]
    assert linked.is_linked_more


def test_of_a_folder_with_one_page_below_that_is_shown() -> None:
    shelve(Shelved("solo", "Solo"), Shelved("solo/only", "Only"))
    assert labels(around("solo").beside) == ["Only"]
    assert labels(around("solo/only").beside) == []


def test_numbers_in_titles_count() -> None:
    titles = ["Chapter 2", "Chapter 10", "Chapter 010a", "Chapter", "9 things", "10 things"]
    shelve(*(Shelved(f"b/{number}", title) for number, title in enumerate(titles)))
    assert labels(around("b/0").beside) == [
        *("9 things", "10 things", "Chapter", "Chapter 2", "Chapter 10", "Chapter 010a"),
    ]


SEGMENTS = st.sampled_from(["a", "b", "a-b", "a.b", "é", "home"])
SLUGS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)
TITLES = st.sampled_from(["A", "B", "É", "a", "Zz"])


@dataclass(frozen=True)
class Expected:
    above: list[str]
    beside: set[str]
    linking: list[str]


def expected(found: dict[str, tuple[str, list[str]]], slug: str) -> Expected:
    folder = slug if any(each.startswith(f"{slug}/") for each in found) else slug.rpartition("/")[0]
    first = f"{folder}/" if folder else ""
    beside = {
        first + each.removeprefix(first).partition("/")[0]
        for each in found
        if each.startswith(first)
    }
    beside = set() if beside == {slug} else beside
    linking = sorted(each for each, (_, to) in found.items() if slug in to and each != slug)
    return Expected(tree.path_of(slug)[:-1], beside, linking)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=40,
)
@given(
    st.dictionaries(
        SLUGS, st.tuples(TITLES, st.lists(SLUGS, max_size=3, unique=True)), min_size=1, max_size=12
    )
)
def test_all_that_is_around_a_page_is_found(found: dict[str, tuple[str, list[str]]]) -> None:
    shelve(*(Shelved(slug, title, to=tuple(to)) for slug, (title, to) in found.items()))
    for slug in found:
        shown, wanted = around(slug), expected(found, slug)
        assert [each.slug for each in shown.above] == wanted.above
        assert {each.slug for each in shown.beside} == wanted.beside
        assert [each.slug for each in shown.linking] == wanted.linking
        for each in (*shown.above, *shown.beside, *shown.linking):
            assert each.title == (found[each.slug][0] if each.slug in found else None)
        assert list(shown.beside) == tree.as_read(shown.beside)


def test_databases_that_do_not_answer_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shelve(Shelved("guide/a", "A"), Shelved("guide/b", "B"))
    page = shards.read("guide/a", reads.find)
    assert page is not None
    logged: list[str] = []
    monkeypatch.setattr(telemetry, "log", lambda _level, message, **_: logged.append(message))

    def down(*_: object) -> None:
        raise Unavailable("it is down")

    monkeypatch.setattr(scattering, "rows_in", down)
    assert labels(surroundings.of(page).above) == ["guide/"]
    assert surroundings.of(page).beside == ()
    assert logged == ["surroundings not looked up"] * 2
