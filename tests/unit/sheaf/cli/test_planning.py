from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.cli.matching import Match
from sheaf.cli.planning import Aim, Deleted, Kind, decide
from tests.unit.sheaf.cli.sides_of import entry, file, page

IMPORT, EXPORT, SYNC = Aim(to_site=True), Aim(to_folder=True), Aim(to_site=True, to_folder=True)


def kinds(match: Match, deleted: Deleted | None = None, **flags: bool) -> list[str | None]:
    """What an import, an export and both do."""
    steps = [
        decide(match, deleted or Deleted(), replace(aim, **flags)) for aim in (IMPORT, EXPORT, SYNC)
    ]
    return [step.kind.name if step else None for step in steps]


def case(here: str | None, base: str | None, there: str | None, **of_page: str) -> Match:
    """A file, an entry and a page with these texts; each other text of the page is a version."""
    version = 1 if base == there else 2
    return Match(
        "a.md",
        "a",
        None if here is None else file("a.md", here),
        None if base is None else entry("a", base),
        None if there is None else page("a", there, version=version, **of_page),
        kept_at="" if base is None else "a.md",
    )


def test_what_is_in_step_is_left_alone() -> None:
    assert kinds(case("x", "x", "x")) == ["KEEP", "KEEP", "KEEP"]
    assert kinds(replace(case("y", "x", "y"), in_step=True)) == ["KEEP", "KEEP", "KEEP"]


@pytest.mark.parametrize("flags", [{}, {"delete": True}, {"overwrite": True}])
@pytest.mark.parametrize(
    ("base", "there", "what"),
    [
        (None, None, None),  # no page is made
        ("x", None, None),  # none is made again, and the file stays
        ("x", "x", "LEAVE"),  # became a draft since
        ("x", "z", "LEAVE"),
        (None, "x", "LEAVE"),
        ("y", "y", "KEEP"),
    ],
)
def test_a_draft_and_its_page_stay_as_they_are(
    base: str | None, there: str | None, what: str | None, flags: dict[str, bool]
) -> None:
    match = case("y", base, there)
    gone = Deleted([page("a")]) if base and not there else None
    draft = replace(match, file=file("a.md", "y", is_draft=True))
    assert kinds(draft, gone, **flags) == [what] * 3
    # Wherever it belongs meanwhile.
    assert kinds(replace(draft, belongs="b.md"), gone, **flags) == [what] * 3


def test_a_change_of_one_side_goes_to_the_other_and_never_back() -> None:
    assert kinds(case("y", "x", "x")) == ["UPDATE", "LEAVE", "UPDATE"]
    assert kinds(case("x", "x", "y")) == ["LEAVE", "WRITE", "WRITE"]


def test_changes_of_both_are_merged() -> None:
    assert kinds(case("y", "x", "z")) == ["MERGE", "MERGE", "MERGE"]


def test_to_overwrite_is_to_make_the_other_side_alike() -> None:
    assert kinds(case("y", "x", "x"), overwrite=True) == ["UPDATE", "WRITE", "UPDATE"]
    assert kinds(case("x", "x", "y"), overwrite=True) == ["UPDATE", "WRITE", "WRITE"]
    assert kinds(case("y", "x", "z"), overwrite=True) == ["UPDATE", "WRITE", "UPDATE"]


@pytest.mark.parametrize("origin", ["edit", "restore"])
def test_without_a_base_what_a_person_has_saved_stays(origin: str) -> None:
    assert kinds(case("y", None, "x", origin=origin)) == ["LEAVE", "LEAVE", "LEAVE"]
    assert kinds(case("y", None, "x", origin=origin), overwrite=True) == [
        "UPDATE",
        "WRITE",
        "UPDATE",
    ]


def test_without_a_base_what_was_imported_is_updated() -> None:
    assert kinds(case("y", None, "x", origin="import")) == ["UPDATE", "LEAVE", "UPDATE"]


def test_a_site_set_up_anew_has_no_base() -> None:
    match = case("x", "x", "y")
    other = replace(match, page=page("a", "y", of="another"))
    assert kinds(other) == kinds(case("x", None, "y")) == ["LEAVE", "LEAVE", "LEAVE"]


def test_a_title_set_apart_goes_into_the_file() -> None:
    assert kinds(case("x", None, "x")) == ["KEEP", "WRITE", "WRITE"]


def test_what_only_one_side_has_is_new() -> None:
    assert kinds(case("x", None, None)) == ["CREATE", None, "CREATE"]
    assert kinds(case(None, None, "x")) == [None, "WRITE", "WRITE"]


def test_a_page_that_a_person_deleted_stays_so() -> None:
    deleted = Deleted([page("a")])
    assert kinds(case("x", None, None), deleted) == ["LEAVE", None, "LEAVE"]
    assert kinds(case("x", None, None), deleted, overwrite=True) == ["CREATE", None, "CREATE"]
    by_import = Deleted([page("a", origin="import")])
    assert kinds(case("x", None, None), by_import) == ["CREATE", None, "CREATE"]


def test_what_was_deleted_there_is_told_and_removed_if_wanted() -> None:
    deleted = Deleted([page("a")])
    gone = case("x", "x", None)
    assert kinds(gone, deleted) == ["LEAVE", "LEAVE", "LEAVE"]
    assert kinds(gone, deleted, delete=True) == ["LEAVE", "DELETE_FILE", "DELETE_FILE"]
    assert kinds(gone, deleted, overwrite=True) == ["CREATE", "LEAVE", "CREATE"]
    changed = case("y", "x", None)
    assert kinds(changed, deleted, delete=True) == ["CONFLICT", "CONFLICT", "CONFLICT"]


def test_a_page_of_the_base_that_never_was_is_made() -> None:
    assert kinds(case("x", "x", None)) == ["CREATE", None, "CREATE"]


def test_what_was_removed_here_is_told_and_deleted_if_wanted() -> None:
    gone = case(None, "x", "x")
    assert kinds(gone) == ["LEAVE", "LEAVE", "LEAVE"]
    assert kinds(gone, delete=True) == ["DELETE_PAGE", "LEAVE", "DELETE_PAGE"]
    assert kinds(gone, overwrite=True) == ["LEAVE", "WRITE", "LEAVE"]
    changed = case(None, "x", "y")
    assert kinds(changed, delete=True) == ["CONFLICT", "CONFLICT", "CONFLICT"]


def moved(here: str, base: str, there: str) -> Match:
    """The page is at `b` now; that alone is a version."""
    match = case(here, base, there)
    return replace(match, slug="b", belongs="b.md", page=page("b", there, version=3, of="id of a"))


def test_a_file_follows_its_page() -> None:
    assert kinds(moved("x", "x", "x")) == ["LEAVE", "MOVE_FILE", "MOVE_FILE"]
    assert kinds(moved("x", "x", "y")) == ["LEAVE", "MOVE_FILE", "MOVE_FILE"]
    assert kinds(moved("y", "x", "x")) == ["UPDATE", "LEAVE", "UPDATE"]
    assert kinds(moved("y", "x", "z")) == ["MERGE", "MERGE", "MERGE"]


def test_a_page_follows_its_file_if_wanted() -> None:
    match = replace(case(None, "x", "x"), renamed=file("b.md", "x"), renamed_to="b")
    assert kinds(match) == ["LEAVE", "LEAVE", "LEAVE"]
    assert kinds(match, moves=True) == ["MOVE_PAGE", "LEAVE", "MOVE_PAGE"]
    step = decide(match, Deleted(), SYNC)
    assert step is not None
    assert step.reason == "was moved to b.md: sheaf move a b"


def test_a_file_that_cannot_be_a_page_fails_where_it_is_to_be_one() -> None:
    match = replace(case("x", None, "y"), file=file("a.md", fault="not UTF-8"))
    assert kinds(match) == ["FAIL", "LEAVE", "FAIL"]
    assert kinds(replace(match, page=None)) == ["FAIL", None, "FAIL"]


texts = st.sampled_from(["x", "y", "z", None])


@given(texts, texts, texts, st.sampled_from(["edit", "import", "restore"]), st.booleans())
def test_no_change_of_a_person_is_undone(
    here: str | None, base: str | None, there: str | None, origin: str, in_step: bool
) -> None:
    """Without --overwrite and --delete nothing goes over a text that it was not made of."""
    match = case(here, base, there, origin=origin)
    if here is not None and here == there:
        match = replace(match, in_step=in_step)
    for aim in (IMPORT, EXPORT, SYNC):
        step = decide(match, Deleted(), aim)
        kind = step.kind if step else None
        if kind == Kind.UPDATE:
            assert there == base or (base is None and origin == "import")
        if kind == Kind.WRITE:
            assert here is None or here in (base, there)
        assert kind not in (Kind.DELETE_FILE, Kind.DELETE_PAGE, Kind.MOVE_PAGE)
        if kind in (Kind.UPDATE, Kind.CREATE):
            assert aim.to_site
        if kind == Kind.WRITE:
            assert aim.to_folder
