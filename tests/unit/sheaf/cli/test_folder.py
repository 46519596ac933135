import os
import socket
import threading
from collections import Counter
from pathlib import Path

import pytest

from sheaf.cli import folder
from sheaf.cli.folder import Folder, Found, Refused

NFC, NFD = "caf\u00e9", "cafe\u0301"


def make(root: Path, *names: str) -> Folder:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return Folder(root)


def paths(found: list[Found]) -> list[str]:
    return [each.path for each in found]


def found(there: Folder, path: str) -> Found:
    return next(each for each in there.contents().files if each.path == path)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", "a//b", ".git/x", "a/.x", ""])
def test_a_page_stays_in_the_folder_and_in_sight(path: str) -> None:
    with pytest.raises(Refused):
        folder.checked(path)


def test_files_are_found_in_order_and_the_rest_is_counted(tmp_path: Path) -> None:
    there = make(tmp_path, "b.md", "a/z.MD", "x.mdx", "a/b.txt", "photo.PNG", "LICENSE")
    make(tmp_path, ".git/x.md", "a/.hidden.md", "README.markdown", ".sheaf/base.json")
    (tmp_path / "link.md").symlink_to(tmp_path / "b.md")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "socket.md"))
    contents = there.contents()
    assert paths(contents.files) == ["README.markdown", "a/z.MD", "b.md", "x.mdx"]
    assert contents.passed_over == {
        ".txt": 1,
        ".png": 1,
        folder.NO_ENDING: 1,
        folder.HIDDEN: 2,
        folder.LINK: 2,
        folder.SPECIAL: 2,
    }


def test_a_folder_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    contents = Folder(tmp_path / "none").contents()
    assert (contents.files, contents.passed_over) == ([], Counter())


def test_what_became_a_pipe_or_a_link_since_it_was_seen_is_not_waited_for(tmp_path: Path) -> None:
    there = make(tmp_path, "a.md", "b.md")
    one, other = there.contents().files
    for each in (one, other):
        (tmp_path / each.path).unlink()
    os.mkfifo(tmp_path / "a.md")
    (tmp_path / "b.md").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="not a regular file"):
        there.read(one)
    with pytest.raises(OSError, match="symbolic links"):
        there.read(other)


def test_a_file_of_more_than_a_mebibyte_is_not_read(tmp_path: Path) -> None:
    there = make(tmp_path, "a.md")
    (tmp_path / "a.md").write_bytes(b"x" * folder.MAX_BYTES)
    assert len(there.read(found(there, "a.md"))) == folder.MAX_BYTES
    (tmp_path / "a.md").write_bytes(b"x" * (folder.MAX_BYTES + 1))
    with pytest.raises(Refused, match="larger than 1 MiB"):
        there.read(found(there, "a.md"))


def test_a_decomposed_name_is_a_composed_path(tmp_path: Path) -> None:
    there = make(tmp_path, f"{NFD}/{NFD}.md")
    [file] = there.contents().files
    assert (file.path, file.spelling) == (f"{NFC}/{NFC}.md", f"{NFD}/{NFD}.md")


def test_what_is_there_is_written_over_under_its_own_spelling(tmp_path: Path) -> None:
    there = make(tmp_path, f"{NFD}/{NFD}.md")
    there.contents()
    assert there.write(f"{NFC}/{NFC}.md", b"new").spelling == f"{NFD}/{NFD}.md"
    there.write(f"{NFC}/other.md", b"new")
    assert [each.name for each in tmp_path.iterdir()] == [NFD]
    assert {each.name for each in (tmp_path / NFD).iterdir()} == {f"{NFD}.md", "other.md"}


def test_on_a_disk_that_ignores_case_files_are_found_by_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_is_same", lambda one, other: True)
    there = make(tmp_path, "Guide/Install.md")
    there.contents()
    there.write("guide/install.md", b"new")
    assert (tmp_path / "Guide/Install.md").read_bytes() == b"new"
    assert there.key("GUIDE/a.md") == there.key("guide/A.md")


def test_whether_a_disk_ignores_case_is_tried_where_nothing_is(tmp_path: Path) -> None:
    assert not Folder(tmp_path).folds_case
    assert not Folder(make(tmp_path, "a.md").root).folds_case
    assert [each.name for each in tmp_path.iterdir()] == ["a.md"]


def test_a_link_inside_the_folder_leads_nothing_out_of_it(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "guide").symlink_to(outside)
    with pytest.raises(Refused, match="leads out"):
        Folder(root).write("guide/deep/install.md", b"x")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_nothing_but_a_file_is_written_over(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "page.md"
    if kind == "folder":
        target.mkdir()
    elif kind == "link":
        target.symlink_to("other")
    else:
        os.mkfifo(target)
    with pytest.raises(Refused, match="not a regular file"):
        Folder(tmp_path).write("page.md", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


def test_a_new_file_takes_no_others_place(tmp_path: Path) -> None:
    there = make(tmp_path, "a.md")
    with pytest.raises(Refused, match="already"):
        there.write("a.md", b"x", is_new=True)
    assert (tmp_path / "a.md").read_text() == "a.md"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = make(tmp_path, "a.md")

    def fail(self: Path, target: Path) -> Path:
        raise OSError("full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="full"):
        there.write("a.md", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
    assert (tmp_path / "a.md").read_text() == "a.md"


def test_a_file_that_is_removed_takes_empty_folders_along(tmp_path: Path) -> None:
    there = make(tmp_path, "a/b/c.md", "a/d.md")
    there.remove(found(there, "a/b/c.md"))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "d.md"]
    there.remove(found(there, "a/d.md"))
    assert list(tmp_path.iterdir()) == []


def test_folders_are_made_by_several_threads_at_once(tmp_path: Path) -> None:
    there = Folder(tmp_path)
    writers = [
        threading.Thread(target=there.write, args=(f"a/b/{number}.md", b"x")) for number in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(there.contents().files) == 8
