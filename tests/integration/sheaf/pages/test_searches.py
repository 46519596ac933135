"""What searches find and in which order, the same on any number of databases."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sheaf.pages import searches
from sheaf.pages.searches import Found
from sheaf.paging import BadCursor, PageRequest
from sheaf.search import statements, words
from sheaf.search.queries import Filters
from sheaf.search.statements import Hit
from sheaf.sharding import resharding, shards
from tests.fixtures import Servers, migrate_together
from tests.fixtures import database as new_database
from tests.integration.conftest import Configure
from tests.integration.sheaf.pages import library
from tests.integration.sheaf.pages.library import Shelved, count, hits, shelve, slugs, whole

SHARDS = (1, 2, 5)


@pytest.fixture(autouse=True)
def _anew(clean: Servers) -> None:
    pass


def titled(*titles: str) -> None:
    """Have pages with these titles, by the names p0, p1 and so on."""
    shelve(*(Shelved(f"p{number}", title) for number, title in enumerate(titles)))


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("commit --amend", "Run zorb commit --amend"),
        ("--amend", "Run zorb commit --amend"),
        ("--reload", "With --reload it starts anew."),
        ("--dry-run", "Try it with --dry-run first."),
        ("tar -xf", "tar -xf archive"),
        ("vue.js", "Written with Vue.js."),
        ("C#", "A program in C#, compiled."),
        ("C++", "C++ is older."),
        ("f#", "F# is another."),
        ("TLS/1.3", "It wants TLS/1.3."),
        ("os.path", "See os.path.join"),
        ("<br>", "A line ends with <br> here."),
        ("/etc/nginx/nginx.conf", "Edit /etc/nginx/nginx.conf, then reload."),
        ("std::vector<int>", "A std::vector<int> of them."),
        (
            "ERROR: could not connect to server: Connection refused (0x0000274D/10061)",
            "Somebody saw `ERROR: could not connect to server: Connection refused"
            " (0x0000274D/10061)` once.",
        ),
        ("lodz", "In Łódź."),
        ("orsted", "Named after Ørsted."),
        ("da nang", "Đà Nẵng"),
        ("igdir", "Iğdır"),
        ("aesop", "Æsop"),
        ("thingvellir", "Þingvellir"),
        ("hamrun", "Ħamrun"),
        ("محمد", "مُحَمَّد"),
        ("احمد", "أحمد"),
        ("שלום", "שָׁלוֹם"),
        ("میخواهم", "می\u200cخواهم"),
        ("nguoi viet", "Người Việt"),
    ],
)
def test_what_people_type_is_found(typed: str, text: str) -> None:
    others = Shelved("other", "Zorb commit basics", "Run zorb commit, a vector of tls. C and F.")
    shelve(Shelved("page", "Page", text), others)
    assert slugs(typed)[0] == "page"
    assert "<mark>" in hits(typed)[0].snippet


def test_a_flag_excludes_nothing() -> None:
    shelve(
        Shelved("a", "Change the last zorbcommit", "Run zorb commit --amend"),
        Shelved("b", "Zorb commit basics", "Run zorb commit."),
    )
    assert slugs("zorb commit --amend") == ["a"]
    assert slugs("zorb commit NOT amend") == ["b"]


def test_a_version_is_found_where_it_is_the_title() -> None:
    shelve(
        Shelved("a", "Wumpus 3.0.4 released, 4 fixes", "See 3.4.0"),
        Shelved("b", "Wumpus 3.2.0 preview 3 released", "Next will be 3.4.0"),
        Shelved("c", "Wumpus 3.4.0 released"),
    )
    assert slugs("wumpus 3.4.0 released")[0] == "c"
    assert hits("wumpus 3.4.0 released")[0].place == "title"


def test_an_exact_title_is_first() -> None:
    titled("Quiblet and quiblet pots for quiblet", "Quiblet")
    assert slugs("quiblet") == ["p1", "p0"]


def test_places_come_one_after_the_other() -> None:
    shelve(
        Shelved("a-text", "Other", "leaf leaf leaf leaf"),
        Shelved("b-heading", "Other", "", "A leaf"),
        Shelved("c-tag", "Other", tags=("leaf",)),
        Shelved("d-inside", "The leaf"),
        Shelved("e-begins", "Leaf of tea"),
        Shelved("f-title", "Leaf"),
    )
    found = hits("leaf")
    assert [hit.slug for hit in found] == [
        *("f-title", "e-begins", "d-inside", "b-heading", "c-tag", "a-text"),
    ]
    assert [hit.place for hit in found] == [
        *("title", "beginning of the title", "in the title", "heading", "heading", "text"),
    ]


@pytest.mark.parametrize(
    ("lang", "typed", "exact", "other"),
    [
        ("", "deploying", "deploying it", "deployed it"),
        ("", "deploy", "deploy it", "deploys it"),
        ("de", "häuser", "viele häuser", "ein haus"),
        ("fr", "déployer", "il faut déployer", "on déploie, ils déployaient"),
        ("es", "libros", "dos libros", "un libro"),
        ("ru", "книги", "эти книги", "эту книгу"),
        ("fi", "talossa", "talossa on", "talosta on"),
    ],
)
def test_the_typed_form_comes_before_another(lang: str, typed: str, exact: str, other: str) -> None:
    shelve(
        Shelved("a-other", "One", other, lang=lang),
        Shelved("b-exact", "Two", exact, lang=lang),
        Shelved("c", "Three", "nothing", lang=lang),
    )
    count()
    assert slugs(typed) == ["b-exact", "a-other"]


def test_a_form_is_marked() -> None:
    shelve(Shelved("a", "One", "They deployed it."))
    assert hits("deploying")[0].snippet == "They <mark>deployed</mark> it."


def test_rare_words_weigh_more_once_they_are_counted() -> None:
    many = [Shelved(f"x{number}", "Other", "usual words") for number in range(20)]
    shelve(
        Shelved("a", "One", "usual usual usual usual rare"),
        Shelved("b", "Two", "usual rare rare rare rare"),
        *many,
    )
    before = {hit.slug: hit.rank for hit in hits("usual rare")}
    count()
    after = {hit.slug: hit.rank for hit in hits("usual rare")}
    assert before["a"] == before["b"]
    assert after["b"] > after["a"]


def test_a_word_that_a_snapshot_lacks_is_rare() -> None:
    shelve(*(Shelved(f"x{number}", "Other", "usual words") for number in range(20)))
    count()
    new = [Shelved("a", "One", "usual usual usual new"), Shelved("b", "Two", "usual new new new")]
    add(*new)
    assert slugs("usual new") == ["b", "a"]


def add(*shelved: Shelved) -> None:
    """Add pages to those that are there, on one database."""
    library._insert(0, list(shelved))


def test_a_long_text_says_less_of_a_word() -> None:
    shelve(
        Shelved("a-long", "One", "leaf " + "and so on " * 2000),
        Shelved("b-short", "Two", "A leaf."),
    )
    assert slugs("leaf") == ["b-short", "a-long"]


def test_links_break_ties_as_they_were_counted() -> None:
    same = [Shelved(slug, "Same", "leaf") for slug in "abc"]
    shelve(*same, Shelved("x", "X", to=("b",)), Shelved("y", "Y", to=("b", "c")))
    assert slugs("leaf") == ["a", "b", "c"]
    count()
    assert slugs("leaf") == ["b", "c", "a"]
    assert [hit.links for hit in hits("leaf")] == [2, 1, 0]


def test_what_operators_do_not_find_is_looked_for_as_text() -> None:
    shelve(Shelved("a", "Not or", "Do NOT remove this OR that"), Shelved("b", "B", "remove"))
    assert matched("do NOT remove") == [("literal", "a")]
    assert slugs("remove NOT that")[0] == "b"
    assert slugs("that OR nothing") == ["a"]


def matched(q: str) -> list[tuple[str, str]]:
    return [(hit.matched, hit.slug) for hit in hits(q)]


def test_what_stands_in_a_row_may_stand_apart() -> None:
    shelve(Shelved("a", "A", "green leaves, tea"), Shelved("b", "B", "tea that is green"))
    assert matched('"green tea"') == [("apart", "a"), ("apart", "b")]
    assert matched("green-tea") == [("apart", "a"), ("apart", "b")]


@pytest.mark.parametrize(
    "q", ["green tea", '"green tea"', "green-tea", "tea NOT black", "tea OR x"]
)
def test_what_was_typed_is_found_alone(q: str) -> None:
    shelve(
        Shelved("a", "A", "green tea"),
        Shelved("b", "B", "green: black tea, not white"),
        Shelved("c", "C", "green"),
    )
    expected = {"green tea": ["a", "b"], "tea OR x": ["a", "b"]}.get(q, ["a"])
    assert sorted(slug for _, slug in matched(q)) == expected


def test_most_of_the_words_are_better_than_nothing() -> None:
    shelve(
        Shelved("a", "A", "green tea leaves"),
        Shelved("b", "B", "green tea"),
        Shelved("c", "C", "black"),
    )
    assert matched("green tea leaves pots") == [("some", "a"), ("some", "b")]
    assert matched("green tea pots") == [("some", "a"), ("some", "b")]
    assert matched("pots kettles") == []


def test_a_word_may_go_on() -> None:
    titled("Deployment of things", "Deploys", "Other")
    assert {slug for _, slug in matched("deplo")} == {"p0", "p1"}
    assert {how for how, _ in matched("deplo")} == {"beginnings"}


def test_slips_are_mended_where_nothing_is_found() -> None:
    titled("Kubernetes", "Installation", "Kubernetes cluster")
    count()
    found = searches.find("kuberentes", Filters(), PageRequest(10))
    assert found.meant == "kubernetes"
    assert [hit.slug for hit in found.items] == ["p0", "p2"]
    assert {hit.matched for hit in found.items} == {"meant"}


def test_a_slip_beside_a_word_that_is_there() -> None:
    titled("Kubernetes cluster", "A cluster")
    count()
    found = searches.find("kuberentes cluster", Filters(), PageRequest(10))
    assert [hit.matched for hit in found.items] == ["meant", "some"]
    assert found.meant == "kubernetes cluster"
    assert searches.find("kuberentes fleet", Filters(), PageRequest(10)).meant is None


def test_slips_never_stand_before_what_was_typed() -> None:
    shelve(
        Shelved("a", "Kubernetes", "kubernetes"),
        Shelved("b", "B", "kuberentes"),
        Shelved("c", "Kubernetes"),
    )
    count()
    found = matched("kuberentes")
    assert found[0] == ("all", "b")
    assert ("all", "a") not in found


def test_filters_narrow() -> None:
    shelve(
        Shelved("guide", "A", "leaf"),
        Shelved("guide/tea", "B", "leaf", tags=("Größe",), author="bob"),
        Shelved("guided", "C", "leaf", tags=("green leaf",)),
        Shelved("other/guide", "D", "leaf", author="bob"),
    )
    for q, narrowed in {
        "leaf in:guide": Filters("guide"),
        "leaf in:/guide/": Filters("guide"),
    }.items():
        assert slugs(q) == slugs("leaf", narrowed) == ["guide", "guide/tea"]
    assert slugs("leaf tag:grosse") == slugs("leaf", Filters(tag="GRÖSSE")) == ["guide/tea"]
    assert slugs('leaf tag:"Green Leaf"') == ["guided"]
    assert slugs("leaf tag:green") == []
    assert slugs("leaf author:bob") == slugs("leaf", Filters(author="bob"))
    assert set(slugs("leaf author:bob")) == {"guide/tea", "other/guide"}
    assert slugs("leaf in:guide author:bob tag:größe") == ["guide/tea"]
    assert slugs("leaf in:guid") == slugs("leaf in:%") == []


def test_tags_with_signs_are_others() -> None:
    tags = {"a": "C#", "b": "c++", "c": "C", "d": "C# 12"}
    shelve(*(Shelved(slug, slug, tags=(name,)) for slug, name in tags.items()))
    found = {slug: slugs(f'tag:"{name}"') for slug, name in tags.items()}
    assert found == {slug: [slug] for slug in tags}


def test_tags_are_found_by_their_names() -> None:
    shelve(Shelved("a", "A", tags=("Größe", "C++", "🎉", "'", "\\")), Shelved("b", "B"))
    assert slugs("grosse") == slugs("a grosse") == ["a"]
    assert slugs("c++") == ["a"]
    for tag in ("🎉", "'", "\\", "größe"):
        assert slugs("a", Filters(tag=tag)) == ["a"]


def test_a_list_is_the_same_however_it_is_read() -> None:
    shelve(*(Shelved(f"p{number:02}", "Leaf", "leaf " * (number % 4)) for number in range(23)))
    count()
    once = [hit.slug for hit in hits("leaf")]
    assert len(once) == 23
    for size in (1, 4, 22, 23):
        assert [hit.slug for hit in whole("leaf", size)] == once


@pytest.mark.parametrize("typed", ["le", "laef", "leaf pot cup", '"tea leaf"'])
def test_so_is_one_of_another_step(typed: str) -> None:
    shelve(*(Shelved(f"p{number}", "Leaf leaves tea", f"pot {number}") for number in range(8)))
    count()
    once = [(hit.matched, hit.slug) for hit in hits(typed)]
    assert len(once) == 8
    assert "all" not in {how for how, _ in once}
    for size in (3, 7, 8):
        assert [(hit.matched, hit.slug) for hit in whole(typed, size)] == once


WIDE = "\U00020000"
RUNES = [chr(0x16A0 + number) * 13 + chr(0x16C0 + number) * 14 for number in range(7)]


def test_cursors_have_room_for_the_longest_of_all() -> None:
    """Slugs of four bytes a letter; and words of three, which some pages go on and others mean."""
    q = " ".join(RUNES)
    longer = " ".join(f"{word}x" for word in RUNES)
    shorter = " ".join(word[1:] for word in RUNES)
    shelve(
        *(Shelved(f"{WIDE * 199}{number}", longer) for number in range(2)),
        *(Shelved(f"{WIDE * 199}{number}", shorter) for number in range(2, 8)),
    )
    count()
    once = [(hit.matched, hit.slug[-1]) for hit in hits(q)]
    assert once[:2] == [("beginnings", "0"), ("beginnings", "1")]
    assert once[2:] == [("meant", str(number)) for number in range(2, 8)]
    assert [(hit.matched, hit.slug[-1]) for hit in whole(q, 3)] == once


def test_a_list_is_read_on_as_it_was_begun_until_two_newer_snapshots() -> None:
    leaves = [Shelved(f"p{number}", "Same", "leaf") for number in range(6)]
    shelve(*leaves, Shelved("x", "X", to=("p3",)))
    count()
    first = searches.find("leaf", Filters(), PageRequest(2))
    assert [hit.slug for hit in first.items] == ["p3", "p0"]
    add(Shelved("y", "Y", to=("p5",)), Shelved("z", "Z", to=("p5",)))
    count()
    assert slugs("leaf") == ["p5", "p3", "p0", "p1", "p2", "p4"]
    assert _rest(first) == ["p1", "p2", "p4", "p5"]
    count()
    with pytest.raises(BadCursor, match="too old"):
        _rest(first)


def _rest(found: Found) -> list[str]:
    rest: list[str] = []
    while found.next:
        found = searches.find("leaf", Filters(), PageRequest(2, found.next))
        rest += [hit.slug for hit in found.items]
    return rest


def test_a_list_that_was_begun_before_the_first_snapshot_is_read_on() -> None:
    shelve(*(Shelved(f"p{number}", "Same", "leaf") for number in range(6)))
    first = searches.find("leaf", Filters(), PageRequest(2))
    count()
    assert _rest(first) == ["p2", "p3", "p4", "p5"]


@pytest.mark.parametrize("q", ["tea", "leaf NOT green", "leafs"])
def test_a_cursor_is_good_for_one_search(q: str) -> None:
    shelve(*(Shelved(f"p{number}", "Same", "leaf") for number in range(6)))
    cursor = searches.find("leaf", Filters(), PageRequest(2)).next
    for filters in (Filters(), Filters("guide"), Filters(tag="x")):
        with pytest.raises(BadCursor):
            searches.find(q, filters, PageRequest(2, cursor))


def test_the_list_ends_where_more_are_found_than_are_ranked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statements, "MOST_RANKED", 20)
    leaves = [Shelved(f"p{number:02}", "Same", "leaf") for number in range(30)]
    titled_ = [Shelved(f"t{number}", "Leaf", "") for number in range(5)]
    shelve(*leaves, *titled_, Shelved("x", "X", to=("p29", "p28")))
    count()
    wanted = ["t0", "t1", "t2", "t3", "t4", "p28", "p29", *(f"p{n:02}" for n in range(13))]
    assert [hit.slug for hit in whole("leaf", 7)] == wanted
    found = searches.find("leaf", Filters(), PageRequest(7))
    assert found.ends_early
    assert searches.find("leaf", Filters(), PageRequest(7, found.next)).ends_early
    assert not searches.find("leaf in:t0", Filters(), PageRequest(7)).ends_early


@pytest.fixture(scope="module")
def databases(servers: Servers) -> Iterator[dict[int, list[str]]]:
    """The addresses of databases that own all slots together, by how many they are."""
    with ExitStack() as stack:
        found = {}
        for number in SHARDS:
            names = [f"searched_{number}_{each}" for each in range(number)]
            found[number] = [stack.enter_context(new_database(servers, n, None)) for n in names]
            migrate_together(found[number])
        yield found


WORDS = ("tea", "leaf", "leaves", "green", "部署", "über", "c#", "--dry-run", "deploy", "deployed")
texts = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
targets = st.lists(st.integers(0, 11), unique=True, max_size=3).map(
    lambda numbers: tuple(f"p{number}" for number in numbers)
)
books = st.builds(
    lambda title, plain, headings, tags, lang, to: (title or "x", plain, headings, tags, lang, to),
    texts,
    texts,
    texts,
    st.lists(st.sampled_from(WORDS), unique=True, max_size=2).map(tuple),
    st.sampled_from(["", "en", "de"]),
    targets,
)
libraries = st.lists(books, min_size=3, max_size=12).map(
    lambda found: [
        Shelved(f"p{number}", *book[:5], "alice", book[5]) for number, book in enumerate(found)
    ]
)
typed = st.lists(
    st.sampled_from([*WORDS, "NOT", "OR", "tae", "dep", "naught", '"tea leaf"', "tag:tea"]),
    min_size=1,
    max_size=4,
).map(" ".join)
Seen = list[tuple[str, str, str, float, int, str]]


def seen(q: str, size: int) -> Seen:
    """All that is told of what is found, page by page."""
    return [_seen(hit) for hit in whole(q, size)]


def _seen(hit: Hit) -> tuple[str, str, str, float, int, str]:
    return hit.matched, hit.slug, hit.place, hit.rank, hit.links, hit.snippet


@pytest.mark.parametrize("most", [5000, 4], ids=["all are ranked", "few are ranked"])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=6,
    deadline=None,
)
@given(shelved=libraries, queries=st.lists(typed, min_size=1, max_size=3), counted=st.booleans())
def test_on_any_number_of_databases_it_is_one_list(
    configure: Configure,
    databases: dict[int, list[str]],
    most: int,
    shelved: Sequence[Shelved],
    queries: list[str],
    counted: bool,
) -> None:
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements, "MOST_RANKED", most)
        for urls in databases.values():
            configure(SHEAF_DATABASE_URLS=",".join(urls))
            shelve(*shelved)
            if counted:
                count()
            found.append([seen(q, 3) for q in queries])
            shards.dispose()
    assert found[1:] == found[:-1]


@pytest.mark.parametrize("most", [5000, 7], ids=["all are ranked", "few are ranked"])
def test_while_slots_move_it_is_the_same_list(
    servers: Servers, configure: Configure, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(statements, "MOST_RANKED", most)
    leaves = [Shelved(f"p{n:02}", "Leaf", f"tea {'leaf ' * (n % 5)}") for n in range(20)]
    leaves += [Shelved(f"p{n}", "Same", "tea") for n in range(20, 40)]
    linking = [Shelved(f"l{n:02}", "Linking", to=(f"p{n:02}",)) for n in range(0, 40, 3)]
    queries = ("leaf", "leaf OR nothing", "lea", "laef", "tea leaf pots")
    with ExitStack() as stack:
        urls = [stack.enter_context(new_database(servers, f"moving_{n}", None)) for n in range(3)]
        for number in (2, 3):
            migrate_together(urls[:number])
        configure(SHEAF_DATABASE_URLS=",".join(urls))
        shelve(*leaves, *linking)
        count()
        before = {q: seen(q, 9) for q in queries}
        assert all(before.values())
        steps = set()

        def look(batch: resharding.Batch) -> None:
            if batch.step not in steps:
                steps.add(batch.step)
                assert {q: seen(q, 9) for q in queries} == before

        resharding.run(3, look)
        assert steps == set(resharding.STEPS)
        assert {q: seen(q, 9) for q in queries} == before
        assert len({shards.owning(page.slug) for page in leaves}) == 3
        shards.dispose()


def test_not_is_never_turned_round() -> None:
    nots = [Shelved(f"n{number}", f"N {number}", "not here") for number in range(60)]
    others = [Shelved(f"o{number}", f"O {number}", "here") for number in range(60)]
    shelve(
        *nots,
        *others,
        Shelved("w", "Wombat care", "wombat grass"),
        Shelved("z", "Zeppelin", "zeppelins"),
        Shelved("a", "Airships", "airship", headings="the zeppelin"),
    )
    count()
    assert ("all", "w") not in matched("wombat NOT grass")
    found = searches.find("zepplin NOT airship", Filters(), PageRequest(10))
    assert [hit.slug for hit in found.items] == ["z"]
    assert found.meant == "zeppelin NOT airship"


def test_what_narrows_can_be_left_out() -> None:
    shelve(
        Shelved("guide/a", "A", "leaf", tags=("red", "wet"), author="bob"),
        Shelved("guide/b", "B", "leaf", tags=("red",)),
        Shelved("c", "C", "leaf", author="bob"),
    )
    for q, found in {
        "leaf NOT tag:red": ["c"],
        "leaf NOT in:guide": ["c"],
        "leaf NOT author:bob": ["guide/b"],
        "leaf tag:red tag:wet": ["guide/a"],
        "tag:red NOT tag:wet": ["guide/b"],
        "leaf in:guide NOT in:guide/a": ["guide/b"],
        "NOT tag:red": [],
    }.items():
        assert slugs(q) == found, q


def test_a_title_with_an_operator_comes_first() -> None:
    titled("Hedgehog", "Porcupine or hedgehog", "Porcupine")
    assert hits("porcupine or hedgehog")[0].place == "title"
    assert slugs("porcupine or hedgehog")[0] == "p1"


def test_what_is_quoted_is_found_in_this_form() -> None:
    shelve(Shelved("a", "A", "kayaks"), Shelved("b", "B", "kayak"))
    assert slugs("kayaks") == ["a", "b"]
    assert slugs('"kayaks"') == ["a"]
    assert slugs('kayak NOT "kayaks"') == ["b"]


def test_a_word_that_pages_have_by_now_is_no_slip() -> None:
    titled("Strict")
    count()
    new = [Shelved(f"o{number}", "Bird", "an ostrich runs") for number in range(4)]
    shelve(Shelved("s", "Strict", "strict page"), *new)
    assert {how for how, _ in matched("ostrich page")} == {"some"}


def test_numbers_always_count() -> None:
    shelve(*(Shelved(f"p{number}", f"Target {number}", "the 1 here") for number in range(120)))
    count()
    found = searches.find("the target 1 7", Filters(), PageRequest(10))
    assert (found.optional, [hit.slug for hit in found.items]) == (("the", "target"), ["p7"])


@pytest.mark.parametrize(
    ("lang", "typed", "other"),
    [
        ("pt", "informação", "informações"),
        ("pt-BR", "organizações", "organização"),
        ("tr", "kız", "kızlar"),
        ("tr", "çocuk", "çocuğu"),
        ("tr", "ışıklar", "ışık"),
        ("ar", "مكتبة", "المكتبة"),
        ("ar", "السيارة", "سيارة"),
        ("de", "häuser", "Haus"),
        ("fr", "déployées", "déployer"),
    ],
)
def test_forms_are_told_by_how_words_are_spelled(lang: str, typed: str, other: str) -> None:
    shelve(
        Shelved("a", "A", f"x {other}", lang=lang),
        Shelved("b", other, "x", lang=lang),
        Shelved("c", "C", f"x {words.folded(typed)}", lang=lang),
    )
    count()
    found = {hit.slug: hit.place for hit in hits(typed)}
    assert found == {"a": "text", "b": "in the title", "c": "text"}


def test_forms_of_one_language_are_none_of_another() -> None:
    shelve(
        Shelved("en", "A", "gifts", lang="en"),
        Shelved("de", "B", "gift", lang="de"),
        Shelved("tr", "C", "kitaplar", lang="tr"),
        Shelved("other", "D", "kitap", lang="en"),
    )
    count()
    assert slugs("kitaplar") == ["tr"]
    assert slugs("kitapları") == ["tr"]
    assert set(slugs("gift")) == {"en", "de"}


def test_what_is_left_out_is_found_as_text_in_a_row_alone() -> None:
    shelve(
        Shelved("a", "A", "It does not eat grass, the numbat"),
        Shelved("b", "B", "the numbat: NOT grass"),
    )
    assert matched("numbat NOT grass") == [("literal", "b")]


def test_a_stem_of_another_language_makes_no_word_common() -> None:
    fill = [Shelved(f"f{number}", f"F {number}", "this is not here") for number in range(90)]
    shelve(
        *fill,
        *(Shelved(f"fr{number}", f"Fr {number}", "la note", lang="fr") for number in range(20)),
        Shelved("w", "Wombat", "wombat not here"),
        Shelved("n", "Other", "wombat notes", lang="en"),
    )
    count()
    assert matched("notes wombat") == [("all", "n")]


def test_a_word_that_is_left_out_is_no_slip() -> None:
    shelve(
        Shelved("z", "Zeppelin", "zeppelin"),
        *(Shelved(f"p{number}", f"P {number}", "zeppelis blue") for number in range(4)),
    )
    count()
    assert matched("zeppelis NOT blue") == []


def test_a_slip_may_have_the_stem_of_another_language() -> None:
    shelve(
        Shelved("a", "Wombat zeppelin", "x", lang="en"),
        *(Shelved(lang, lang, "x", lang=lang) for lang in ("sv", "fi", "hu")),
    )
    count()
    found = searches.find("wombatt zepplinn", Filters(), PageRequest(10))
    assert (found.meant, [hit.slug for hit in found.items]) == ("wombat zeppelin", ["a"])


def test_what_is_quoted_is_never_optional() -> None:
    fill = [Shelved(f"f{number}", f"F {number}", "a system") for number in range(120)]
    shelve(*fill, Shelved("w", "Wombat", "wombat"), Shelved("s", "S", "system wombats"))
    count()
    assert matched('"system" wombat') == [("all", "s")]
    assert matched('"system" "wombat"')[0] == ("apart", "s")


def test_a_short_word_is_marked_in_its_other_forms() -> None:
    shelve(Shelved("a", "A", "x " * 500 + "some bugs here"), Shelved("b", "B", "Kızlar", lang="tr"))
    count()
    assert "<mark>bugs</mark>" in hits("bug")[0].snippet
    assert "<mark>Kızlar</mark>" in hits("kız")[0].snippet
