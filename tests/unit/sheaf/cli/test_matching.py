from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.cli.base import Entry
from sheaf.cli.client import PageItem
from sheaf.cli.matching import File, Match, Matches, match
from sheaf.cli.places import Places
from tests.unit.sheaf.cli.sides_of import entry, file, page

NFC, NFD = "caf\u00e9.md", "cafe\u0301.md"


def found(
    files: Iterable[File] = (),
    entries: Mapping[str, Entry] | None = None,
    pages: Iterable[PageItem] = (),
    prefix: str = "",
    *,
    folds: bool = False,
) -> Matches:
    return match(files, entries or {}, pages, Places(prefix), str.casefold if folds else str)


def only(matches: Matches) -> Match:
    assert matches.clashes == []
    [one] = matches.matches
    return one


def told(matches: Matches) -> list[tuple[str, str]]:
    return [(clash.path, clash.reason) for clash in matches.clashes]


def test_a_file_meets_the_page_that_its_name_makes() -> None:
    there = page("guide/Über-uns")
    one = only(found([file("guide/Über uns.md")], pages=[there]))
    assert (one.slug, one.page, one.entry) == ("guide/Über-uns", there, None)


@pytest.mark.parametrize("name", ["x.md", "x/index.md", "x/README.MD", "x/_index.mdx"])
def test_a_folder_has_a_page(name: str) -> None:
    assert only(found([file(name)], pages=[page("x")])).slug == "x"


def test_a_draft_keeps_no_other_file_from_being_a_page() -> None:
    draft, other = file("a b.md", is_draft=True), file("a-b.md")
    one = only(found([draft, other, file(f"{'x/' * 150}a.md", is_draft=True)]))
    assert (one.file, one.slug) == (other, "a-b")


def test_a_file_meets_the_page_that_keeps_its_name_first() -> None:
    there = page("x/index", file="x/index.md")
    assert only(found([file("x/index.md")], pages=[there])).page == there


def test_a_file_meets_the_page_that_the_base_names_first_of_all() -> None:
    there, other = page("new", of="1"), page("old", of="2")
    matches = found([file("old.md")], {"old.md": entry("old", of="1")}, [there, other])
    assert {one.path: one.page for one in matches.matches} == {"old.md": there}
    assert told(matches) == [("old.md", "its file old.md is another page's on this disk")]


def test_a_page_that_has_moved_says_where_its_file_belongs() -> None:
    one = only(found([file("old.md")], {"old.md": entry("old", of="1")}, [page("new", of="1")]))
    assert (one.slug, one.belongs) == ("new", "new.md")


def test_a_base_of_another_site_names_no_page() -> None:
    there = page("a", of="2")
    one = only(found([file("a.md")], {"a.md": entry("a", of="1")}, [there]))
    assert one.page == there


@pytest.mark.parametrize(
    "names",
    [(NFC, NFD), ("a b.md", "a-b.md"), ("x/README.md", "x/index.md"), ("x.md", "x/index.md")],
)
def test_of_two_files_for_one_page_the_second_is_told_with_both_names(
    names: tuple[str, str],
) -> None:
    files = [file(name.replace("e\u0301", "é"), spelling=name) for name in names]
    matches = found(files)
    assert [one.file for one in matches.matches] == files[:1]
    assert told(matches) == [(names[1], f"{names[0]} is the same page")]


def test_the_name_that_the_page_keeps_wins() -> None:
    matches = found([file("a b.md"), file("a-b.md")], pages=[page("a-b", file="a-b.md")])
    assert [one.path for one in matches.matches] == ["a-b.md"]
    assert told(matches) == [("a b.md", "a-b.md is the same page")]


def test_a_name_that_no_page_has_is_told() -> None:
    deep = "a/" * 150 + "b.md"
    [(path, _)] = told(found([file(deep)]))
    assert path == deep


def test_a_page_without_a_file_has_a_place() -> None:
    one = only(found(pages=[page("a-b", file="a b.md")]))
    assert (one.path, one.file) == ("a b.md", None)


def test_two_pages_for_one_file_of_a_disk_that_ignores_case() -> None:
    pages = [page("Tea"), page("tea")]
    assert len(found(pages=pages).matches) == 2
    matches = found(pages=pages, folds=True)
    assert [one.slug for one in matches.matches] == ["Tea"]
    assert told(matches) == [("tea.md", "its file tea.md is another page's on this disk")]


def test_on_such_a_disk_a_file_meets_its_page_in_any_case() -> None:
    kept = {"tea.md": entry("Tea")}
    assert only(found([file("TEA.md")], kept, [page("Tea")], folds=True)).entry == kept["tea.md"]
    assert only(found([file("TEA.md")], pages=[page("Tea")], folds=True)).slug == "Tea"


def test_of_two_files_that_the_base_gives_one_page_the_one_that_is_there_has_it() -> None:
    kept = {"a.md": entry("a", "one"), "b.md": entry("a", "one")}
    there = page("a")
    matches = found([file("a.md", "one"), file("c.md", "one")], kept, [there])
    shown = [(one.path, one.page, one.renamed) for one in matches.matches]
    assert shown == [("a.md", there, None), ("c.md", None, None)]


def test_with_a_prefix_a_folder_is_of_the_pages_below_it() -> None:
    pages = [page("manual"), page("manual/a"), page("manual/b", file="manual/B b.md")]
    matches = found([file("index.md"), file("a.md")], pages=pages, prefix="manual")
    assert [(one.path, one.slug, one.file is None) for one in matches.matches] == [
        ("B b.md", "manual/b", True),
        ("a.md", "manual/a", False),
        ("index.md", "manual", False),
    ]


def test_a_file_that_was_moved_is_offered_as_a_move() -> None:
    kept = {"old.md": entry("old", "text")}
    new = file("new.md", "text")
    one = only(found([new], kept, [page("old", "text")]))
    assert (one.path, one.slug, one.file) == ("old.md", "old", None)
    assert (one.renamed, one.renamed_to) == (new, "new")


def test_a_file_with_a_new_name_for_the_same_page_was_not_moved() -> None:
    kept = {"x.md": entry("x", "text")}
    one = only(found([file("x/index.md", "text")], kept, [page("x", "text")]))
    assert (one.path, one.kept_at, one.entry) == ("x/index.md", "x.md", kept["x.md"])


def test_which_of_two_equal_files_was_moved_nobody_knows() -> None:
    kept = {"old.md": entry("old", "text")}
    new = [file("a.md", "text"), file("b.md", "text")]
    matches = found(new, kept, [page("old", "text")])
    assert [(one.path, one.renamed) for one in matches.matches] == [
        ("a.md", None),
        ("b.md", None),
        ("old.md", None),
    ]


def test_what_is_on_neither_side_any_more_is_forgotten() -> None:
    kept = {"a.md": entry("a"), "b.md": entry("b"), "c.md": entry("c")}
    assert found([file("b.md")], kept, [page("c")]).forgotten == ["a.md"]


short = st.text("aA b-/", min_size=1, max_size=4)
TEXTS = st.sampled_from(["one", "two"])


@given(
    st.lists(st.tuples(short, TEXTS), unique_by=lambda pair: pair[0]),
    st.dictionaries(short, st.tuples(st.integers(0, 5), TEXTS)),
    st.dictionaries(st.sampled_from(["a", "A", "b", "a/b", "a-b", "home"]), st.integers(0, 5)),
    st.booleans(),
)
def test_nothing_is_lost_and_nothing_is_in_two_places(
    stems: list[tuple[str, str]],
    kept: dict[str, tuple[int, str]],
    ids: dict[str, int],
    folds: bool,
) -> None:
    files = [file(f"{stem}.md", text) for stem, text in stems]
    entries = {
        f"{stem}.md": entry("x", text, of=str(number)) for stem, (number, text) in kept.items()
    }
    pages = [page(slug, of=str(number)) for slug, number in ids.items()]
    pages = list({each.id: each for each in pages}.values())
    matches = found(files, entries, pages, folds=folds)
    held = [one.file or one.renamed for one in matches.matches if one.file or one.renamed]
    clashing = [clash for clash in matches.clashes if not clash.of_page]
    assert len(held) + len(clashing) == len(files)
    shown = [one.page.slug for one in matches.matches if one.page]
    assert len(set(shown)) == len(shown)
    told_of = [clash.slug for clash in matches.clashes if clash.of_page]
    assert sorted(shown + told_of) == sorted(each.slug for each in pages)
    slugs = [one.slug for one in matches.matches]
    assert len(set(slugs)) == len(slugs)
