from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from sheaf.cli.client import PageItem
from sheaf.cli.importing import plan


def item(slug: str, version: int = 1) -> PageItem:
    return PageItem(slug=slug, title="", tags=(), version=version, blob="")


def files(*names: str) -> list[PurePosixPath]:
    return [PurePosixPath(name) for name in names]


def test_a_file_meets_the_page_that_is_there() -> None:
    page = item("guide/install", version=7)
    todo = plan(files("guide/install.md", "new.md"), {page.slug: page})
    assert [(upload.slug, upload.page) for upload in todo.uploads] == [
        ("guide/install", page),
        ("new", None),
    ]


def test_two_spellings_of_one_name_are_reported() -> None:
    todo = plan(files("caf\u00e9.md", "cafe\u0301.md"), {})
    assert [upload.slug for upload in todo.uploads] == ["café"]
    assert [str(failure) for failure in todo.failures] == [
        "cafe\u0301.md: caf\u00e9.md is the same page"
    ]


@given(st.lists(st.text("aé\u0301/. -", min_size=1, max_size=6), unique=True))
def test_every_file_is_either_planned_or_reported(stems: list[str]) -> None:
    paths = [PurePosixPath(stem + ".md") for stem in stems]
    todo = plan(paths, {})
    assert len(todo.uploads) + len(todo.failures) == len(paths)
    slugs = [upload.slug for upload in todo.uploads]
    assert len(set(slugs)) == len(slugs)
