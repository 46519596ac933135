import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf import slugs
from sheaf.cli.folder import Refused
from sheaf.cli.places import Places

segments = st.text("abcXYZ019-_.éß文", min_size=1, max_size=8).filter(lambda s: s[0] != ".")
names = st.lists(segments, min_size=1, max_size=4).map("/".join)


def is_slug(name: str) -> bool:
    try:
        return slugs.parse(name) == name
    except slugs.BadSlug:
        return False


def holds_its_page(slug: str) -> bool:
    return slugs.from_file(f"{slug}.md") == slug


@given(names.filter(is_slug).filter(holds_its_page))
def test_a_slug_and_its_file_are_each_others_image(slug: str) -> None:
    path = Places().path_of(f"{slug}.md")
    assert path is not None
    assert Places().slug_of(path) == slug


@given(names.filter(is_slug).filter(holds_its_page))
def test_so_they_are_with_a_prefix(slug: str) -> None:
    path = Places("manual/v2").path_of(f"manual/v2/{slug}.md")
    assert path is not None
    assert path == f"{slug}.md"
    assert Places("manual/v2").slug_of(path) == f"manual/v2/{slug}"


def test_the_files_of_a_folder_hold_its_page() -> None:
    assert Places().slug_of("index.md") == "home"
    assert Places("manual").slug_of("index.md") == "manual"
    assert Places("manual").slug_of("a/README.md") == "manual/a"


def test_a_page_elsewhere_has_no_file_here() -> None:
    assert Places("manual").path_of("manual.md") is None
    assert Places("manual").path_of("other/a.md") is None
    assert Places("manual").path_of("manual2/a.md") is None


def test_a_prefix_is_found_by_the_slug_that_a_folder_makes() -> None:
    assert Places("Meeting-notes").path_of("Meeting notes/May 2026.md") == "May 2026.md"


@pytest.mark.parametrize("file", ["a/.x.md", ".x/a.md"])
def test_a_page_that_would_be_hidden_is_refused(file: str) -> None:
    with pytest.raises(Refused):
        Places().path_of(file)


@given(st.text("名é-x", min_size=80, max_size=200))
def test_a_segment_that_no_disk_takes_is_shortened_always_alike(long: str) -> None:
    path = Places().path_of(f"a/{long}/{long}.md")
    assert path is not None
    assert path == Places().path_of(f"a/{long}/{long}.md")
    assert all(len(segment.encode()) <= 255 for segment in path.split("/"))
    assert path.endswith(".md")
    if len(f"{long}.md".encode()) <= 255:
        assert path == f"a/{long}/{long}.md"


def test_long_segments_that_begin_alike_stay_apart() -> None:
    one, other = ("名" * 100 + end for end in "ab")
    assert Places().path_of(f"{one}.md") != Places().path_of(f"{other}.md")


def test_the_site_is_told_of_files_that_it_takes() -> None:
    assert Places("manual").sent_file("a b.md", "manual/a-b") == "manual/a b.md"
    assert Places().sent_file("a\\b.md", "a-b") == ""
    assert Places().sent_file("old.md", "new") == ""
    long = "/".join(["(" * 250] * 5) + ".md"
    assert Places().sent_file(long, Places().slug_of(long)) == ""
