import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from sheaf.cli import base
from sheaf.cli.base import BadBase, Base, Entry
from sheaf.cli.folder import NO_STAMP, Stamp

ENTRY = Entry("guide/a", "id", 3, "blob", "source", Stamp(1, 2, 3))
SITE = "https://pages.example.com"


def test_what_is_kept_is_there_the_next_time(tmp_path: Path) -> None:
    one = Base.load(tmp_path, SITE, "")
    one.keep("guide/\u00e4.md", ENTRY)
    one.keep("b.md", ENTRY)
    one.forget("b.md")
    one.save()
    assert Base.load(tmp_path, SITE, "").entries == {"guide/\u00e4.md": ENTRY}


def test_each_site_and_prefix_has_its_own(tmp_path: Path) -> None:
    one = Base.load(tmp_path, SITE, "")
    one.keep("a.md", ENTRY)
    one.save()
    for site, prefix in ((SITE, "docs"), ("https://other.example.com", "")):
        assert Base.load(tmp_path, site, prefix).entries == {}


def test_nothing_is_written_where_nothing_changed(tmp_path: Path) -> None:
    Base.load(tmp_path, SITE, "").save()
    assert list(tmp_path.iterdir()) == []
    one = Base.load(tmp_path, SITE, "")
    one.keep("a.md", ENTRY)
    one.save()
    written = one.file.stat().st_mtime_ns
    again = Base.load(tmp_path, SITE, "")
    again.keep("a.md", ENTRY)
    again.forget("b.md")
    again.save()
    assert one.file.stat().st_mtime_ns == written


def test_git_is_told_to_leave_it_alone(tmp_path: Path) -> None:
    one = Base.load(tmp_path, SITE, "")
    one.keep("a.md", ENTRY)
    one.save()
    assert (tmp_path / ".sheaf/.gitignore").read_text() == "*\n"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 3, "site": "", "prefix": ""}'])
def test_one_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    one = Base.load(tmp_path, SITE, "")
    one.keep("a.md", ENTRY)
    one.save()
    one.file.write_text(text)
    with pytest.raises(BadBase, match=one.file.name):
        Base.load(tmp_path, SITE, "")


def test_one_of_a_release_before_is_read(tmp_path: Path) -> None:
    one = Base(tmp_path, SITE, "")
    one.file.parent.mkdir()
    kept = {"format": 1, "site": SITE, "prefix": "", "files": {"a.md": asdict(ENTRY)}}
    one.file.write_text(json.dumps(kept))
    again = Base.load(tmp_path, SITE, "")
    again.keep("b.md", ENTRY)
    again.save()
    assert Base.load(tmp_path, SITE, "").entries == {"a.md": ENTRY, "b.md": ENTRY}


def test_one_that_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    one = Base(tmp_path, SITE, "")
    one.file.parent.mkdir()
    os.mkfifo(one.file)
    with pytest.raises(BadBase, match=one.file.name):
        Base.load(tmp_path, SITE, "")


def test_times_are_believed_once_they_are_old() -> None:
    now = time.time_ns()
    old = Stamp(1, now - 3_000_000_000, now - 3_000_000_000)
    assert base.settled(old) == old
    for new in (Stamp(1, now, 0), Stamp(1, 0, now), Stamp(1, now + 10**12, 0)):
        assert base.settled(new) == NO_STAMP
