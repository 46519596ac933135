from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf import slugs
from sheaf.cli import folder

segments = st.text("abcXYZ019-_.éß文", min_size=1, max_size=8).filter(lambda s: s[0] != ".")
names = st.lists(segments, min_size=1, max_size=4).map("/".join)


def is_slug(name: str) -> bool:
    try:
        return slugs.parse(name) == name
    except slugs.BadSlug:
        return False


@given(names.filter(is_slug))
def test_a_slug_and_its_file_are_each_others_image(slug: str) -> None:
    assert folder.slug_of(folder.path_of(slug)) == slug


def test_a_file_name_in_decomposed_unicode_is_the_composed_slug() -> None:
    assert folder.slug_of(PurePosixPath("cafe\u0301.md")) == "café"


@pytest.mark.parametrize("path", ["api/x.md", "a b.md", "x.md.md", "-/x.md", "robots.txt.md"])
def test_a_file_that_cannot_be_a_page_is_named(path: str) -> None:
    with pytest.raises(slugs.BadSlug):
        folder.slug_of(PurePosixPath(path))


@pytest.mark.parametrize("slug", ["../x", "a/../../x", "/etc/x", "a//b", ".git/x", "a/.x", ""])
def test_a_page_stays_in_the_folder_and_in_sight(slug: str) -> None:
    with pytest.raises(folder.Refused):
        folder.path_of(slug)


def test_files_are_found_in_order_without_hidden_ones_and_links(tmp_path: Path) -> None:
    for name in ["b.md", "a/z.md", "a/b.txt", ".git/x.md", "a/.hidden.md", "README.md"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link.md").symlink_to(tmp_path / "b.md")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = [str(path) for path in folder.markdown_files(tmp_path)]
    assert found == ["README.md", "a/z.md", "b.md"]


def test_a_link_inside_the_folder_leads_nothing_out_of_it(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "guide").symlink_to(outside)
    with pytest.raises(folder.Refused):
        folder.write(root, PurePosixPath("guide/deep/install.md"), b"x")
    assert list(outside.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "page.md").mkdir()
    with pytest.raises(OSError, match="directory"):
        folder.write(tmp_path, PurePosixPath("page.md"), b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]
