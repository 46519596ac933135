"""A folder and a site are brought into step, and nothing old goes over anything new."""

import json
import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import upkeep.app
from sheaf.cli import atomic, batches, folder, sync, uploads
from sheaf.cli.base import BadBase
from sheaf.cli.batches import Change
from sheaf.cli.client import ApiError, Client, SavedItem
from sheaf.cli.planning import Aim
from sheaf.cli.reports import Report
from sheaf.cli.sync import Task
from tests.conftest import Mint
from tests.context import new_context
from tests.integration.conftest import Configure, Sharded
from tests.integration.sheaf.cli.people import Person

IMPORT, EXPORT, SYNC = Aim(to_site=True), Aim(to_folder=True), Aim(to_site=True, to_folder=True)
LINES = "one\n\ntwo\n\nthree\n"
NFC, NFD = "caf\u00e9", "cafe\u0301"


class Desk:
    """A folder of this machine, a folder of the site with its name, and a colleague there."""

    def __init__(self, url: str, token: str, root: Path) -> None:
        self.root, self.prefix = root, root.parent.name
        self.client = Client(url, token, connections=2)
        self.person = Person(url, token, self.prefix)
        root.mkdir()

    def task(self, aim: Aim, **more: Any) -> Task:
        return Task(self.root, replace(aim, **more), self.prefix, threads=2)

    def run(self, aim: Aim, **more: Any) -> dict[str, int]:
        return dict(self.report(aim, **more).counts)

    def report(self, aim: Aim, **more: Any) -> Report:
        return sync.run(self.client, self.task(aim, **more))

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    @property
    def names(self) -> set[str]:
        files = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return {str(path) for path in files if path.parts[0] != ".sheaf"}

    @property
    def base(self) -> Path:
        [file] = (self.root / ".sheaf").glob("*.json")
        return file

    def lose_base(self) -> None:
        self.base.unlink()


@pytest.fixture
def desk(site_url: str, mint_token: Mint, tmp_path: Path) -> Desk:
    return Desk(site_url, mint_token("alice", "editor"), tmp_path / "in")


@pytest.fixture
def colleague(desk: Desk, site_url: str, mint_token: Mint) -> Person:
    return Person(site_url, mint_token("bob", "editor"), desk.prefix)


def test_a_repeated_import_leaves_what_a_colleague_saved(desk: Desk, colleague: Person) -> None:
    """As a job does every night, with what it has kept and, from a fresh clone, without."""
    desk.write("a.md", "mine\n")
    assert desk.run(IMPORT) == {"created": 1}
    colleague.save("a", "theirs\n")
    assert desk.run(IMPORT) == {"left": 1}
    desk.lose_base()
    assert desk.run(IMPORT) == {"left": 1}
    assert sync_at_once(desk) == {"left": 1}
    assert colleague.text("a") == "theirs\n"
    assert desk.run(IMPORT, overwrite=True) == {"updated": 1}
    assert colleague.text("a") == "mine\n"


DRAFT = "---\ndraft: true\nweight: 3\n---\n"


def test_drafts_are_left_out_and_counted_unless_they_are_wanted(desk: Desk) -> None:
    desk.write("a.md", f"{DRAFT}text\n")
    desk.write("b.md", "---\npublished: false\n---\ntext\n")
    desk.write("c.md", "---\ndraft: false\nlayout: wide\nweight: 1\n---\ntext\n")
    report = desk.report(IMPORT)
    assert dict(report.counts) == {"created": 1}
    assert dict(report.passed_over) == {"draft": 2}
    assert dict(report.unused) == {"layout": 1, "weight": 1}
    assert desk.run(EXPORT) == {"unchanged": 1}
    report = atomic.run(desk.client, replace(desk.task(IMPORT), drafts=True))
    assert dict(report.counts) == {"created": 2, "unchanged": 1}
    assert not report.passed_over
    assert dict(report.unused) == {"weight": 1}
    # What was taken is as any other, until it changes.
    assert desk.run(SYNC) == {"unchanged": 3}
    assert not desk.report(IMPORT).unused


@pytest.mark.parametrize("based", [True, False], ids=["base", "no base"])
def test_a_page_whose_file_became_a_draft_stays(
    desk: Desk, colleague: Person, *, based: bool
) -> None:
    desk.write("a.md", "one\n")
    desk.run(IMPORT)
    if not based:
        desk.lose_base()
    desk.write("a.md", f"{DRAFT}two\n")
    for aim in (IMPORT, EXPORT, SYNC):
        for more in ({}, {"delete": True}, {"overwrite": True, "moves": True}):
            report = desk.report(aim, **more)
            assert dict(report.counts) == {"left": 1}
            assert "--drafts takes it" in report.done[0].reason
            assert not report.passed_over
    assert desk.names == {"a.md"}
    assert (colleague.text("a"), desk.read("a.md")) == ("one\n", f"{DRAFT}two\n")
    taken = sync.run(desk.client, replace(desk.task(IMPORT), drafts=True))
    assert dict(taken.counts) == {"updated": 1}
    assert colleague.text("a") == desk.read("a.md")


def test_a_page_goes_by_its_removed_file_and_not_by_a_draft(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", "one\n")
    desk.run(IMPORT)
    desk.write("a.md", f"{DRAFT}one\n")
    assert desk.run(IMPORT, delete=True) == {"left": 1}
    (desk.root / "a.md").unlink()
    assert desk.run(IMPORT, delete=True) == {"page deleted": 1}
    desk.write("a.md", f"{DRAFT}one\n")
    assert desk.run(SYNC, delete=True) == {}
    assert desk.read("a.md") == f"{DRAFT}one\n"


def test_a_file_makes_a_page_where_an_alias_leads_away(
    sharded: Sharded, configure: Configure, tmp_path: Path
) -> None:
    desk = Desk(sharded.url, sharded.token, tmp_path / "in")
    colleague = Person(sharded.url, sharded.token, desk.prefix)
    colleague.save("tea", "---\naliases: [old, older]\n---\n")
    configure(SHEAF_DATABASE_URLS=",".join(sharded.databases), SHEAF_CACHE_URL=sharded.cache_url)
    upkeep.app.handler({}, new_context())
    for name in ("old", "older"):
        with pytest.raises(ApiError, match="moved"):
            desk.client.page(f"{desk.prefix}/{name}")
    desk.write("old.md", "mine\n")
    desk.write("older.md", "mine, too\n")
    planned = sync.run(desk.client, replace(desk.task(IMPORT), dry=True))
    assert dict(planned.counts) == {"created": 2}
    assert desk.run(SYNC) == {"created": 2, "written": 1}
    assert (colleague.text("old"), colleague.text("older")) == ("mine\n", "mine, too\n")


def sync_at_once(desk: Desk, aim: Aim = IMPORT, **more: Any) -> dict[str, int]:
    return dict(atomic.run(desk.client, desk.task(aim, **more)).counts)


def test_a_decomposed_name_brings_no_old_text_back(desk: Desk, colleague: Person) -> None:
    desk.write(f"{NFD}.md", "old\n")
    desk.run(IMPORT)
    colleague.save(NFC, "new\n")
    assert desk.run(EXPORT) == {"written": 1}
    assert desk.names == {f"{NFD}.md"}
    assert desk.run(IMPORT) == {"unchanged": 1}
    assert colleague.text(NFC) == desk.read(f"{NFD}.md") == "new\n"


def test_without_a_base_what_was_imported_is_updated(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", "one\n")
    desk.run(IMPORT)
    desk.lose_base()
    desk.write("a.md", "two\n")
    assert desk.run(IMPORT) == {"updated": 1}
    assert colleague.text("a") == "two\n"


def test_a_text_that_carries_on_a_persons_counts_as_one(desk: Desk, colleague: Person) -> None:
    """Or a fresh clone, in which that person's text never was, would bring the old one back."""
    desk.write("a.md", LINES)
    desk.run(IMPORT)
    colleague.save("a", LINES + "theirs\n")
    desk.run(SYNC)
    desk.write("a.md", "mine\n" + LINES + "theirs\n")
    assert desk.run(IMPORT) == {"updated": 1}
    desk.lose_base()
    desk.write("a.md", LINES)
    assert desk.run(IMPORT) == {"left": 1}
    assert colleague.text("a") == "mine\n" + LINES + "theirs\n"


def test_changes_of_both_become_one_text(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", LINES)
    desk.run(SYNC)
    colleague.save("a", LINES.replace("three", "THREE"))
    desk.write("a.md", LINES.replace("one", "ONE"))
    assert desk.run(SYNC) == {"merged": 1}
    assert colleague.text("a") == desk.read("a.md") == "ONE\n\ntwo\n\nTHREE\n"
    page = colleague.page("a")
    assert page is not None
    assert page.origin == "edit"
    assert desk.run(SYNC) == {"unchanged": 1}


def test_an_export_merges_into_the_file_alone(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", LINES)
    desk.run(SYNC)
    theirs = LINES.replace("three", "THREE")
    colleague.save("a", theirs)
    desk.write("a.md", LINES.replace("one", "ONE"))
    assert desk.run(EXPORT) == {"merged": 1}
    assert (desk.read("a.md"), colleague.text("a")) == ("ONE\n\ntwo\n\nTHREE\n", theirs)
    assert desk.run(EXPORT) == {"left": 1}
    assert desk.run(IMPORT) == {"updated": 1}
    page = colleague.page("a")
    assert page is not None
    assert (page.body, page.origin) == (desk.read("a.md"), "edit")


@pytest.mark.parametrize("aim", [IMPORT, EXPORT, SYNC])
def test_lines_that_both_changed_are_told_and_nothing_is_written(
    desk: Desk, colleague: Person, aim: Aim
) -> None:
    desk.write("a.md", LINES)
    desk.run(SYNC)
    colleague.save("a", LINES.replace("two", "theirs"))
    desk.write("a.md", f"new\n{LINES}".replace("two", "mine"))
    report = desk.report(aim)
    [done] = report.done
    assert done.line == "a.md: in conflict, line 4: 'mine' here, 'theirs' on the site"
    assert report.has_failed
    assert colleague.text("a") == LINES.replace("two", "theirs")
    assert desk.read("a.md") == f"new\n{LINES}".replace("two", "mine")


def test_a_title_set_apart_is_not_merged_away(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", LINES)
    desk.run(SYNC)
    colleague.save("a", LINES.replace("three", "3"), title="Apart")
    desk.write("a.md", LINES.replace("one", "1"))
    assert desk.run(SYNC) == {"in conflict": 1}
    desk.write("a.md", LINES)
    assert desk.run(SYNC) == {"written": 1}
    assert desk.read("a.md").startswith("---\ntitle: Apart\n")
    desk.lose_base()
    assert desk.run(IMPORT) == desk.run(EXPORT) == {"unchanged": 1}


@pytest.mark.parametrize("role", ["reader", None])
def test_an_export_merges_for_editors_only(
    desk: Desk, colleague: Person, mint_token: Mint, role: str | None
) -> None:
    for name in ("a", "b"):
        desk.write(f"{name}.md", LINES)
    desk.run(SYNC)
    for name in ("a", "b"):
        colleague.save(name, LINES + "theirs\n")
    desk.write("a.md", "mine\n" + LINES)
    client = Client(desk.client.url, mint_token("carol", role) if role else None)
    assert sync.run(client, desk.task(EXPORT)).counts == {"in conflict": 1, "written": 1}
    assert desk.read("a.md") == "mine\n" + LINES


def test_what_was_deleted_on_one_side_is_told_and_then_done(desk: Desk, colleague: Person) -> None:
    for name in ("a.md", "b.md", "c/d.md"):
        desk.write(name, name)
    desk.run(SYNC)
    colleague.delete("c/d")
    (desk.root / "b.md").unlink()
    assert desk.run(SYNC) == {"unchanged": 1, "left": 2}
    assert desk.run(SYNC, delete=True) == {"unchanged": 1, "page deleted": 1, "file deleted": 1}
    assert (desk.names, colleague.page("b")) == ({"a.md"}, None)
    assert not (desk.root / "c").exists()
    assert desk.run(SYNC) == {"unchanged": 1}


def test_what_the_other_side_has_changed_is_not_deleted(desk: Desk, colleague: Person) -> None:
    for name in ("a.md", "b.md"):
        desk.write(name, "text\n")
    desk.run(SYNC)
    colleague.delete("a")
    colleague.save("b", "theirs\n")
    desk.write("a.md", "mine\n")
    (desk.root / "b.md").unlink()
    assert desk.run(SYNC, delete=True) == {"in conflict": 2}
    assert (desk.read("a.md"), colleague.text("b")) == ("mine\n", "theirs\n")


def test_a_page_that_an_import_deleted_may_come_back(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", "text\n")
    desk.run(IMPORT)
    (desk.root / "a.md").unlink()
    assert desk.run(IMPORT, delete=True) == {"page deleted": 1}
    desk.write("a.md", "text\n")
    assert desk.run(IMPORT) == {"created": 1}


def test_a_file_follows_its_page(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", "text\n")
    desk.run(SYNC)
    colleague.move("a", "b/c")
    assert desk.run(IMPORT) == {"left": 1}
    assert desk.run(EXPORT) == {"file moved": 1}
    assert desk.names == {"b/c.md"}
    assert desk.run(SYNC) == {"unchanged": 1}


def test_a_change_finds_a_page_that_has_moved(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", LINES)
    desk.run(SYNC)
    colleague.move("a", "b")
    desk.write("a.md", "mine\n" + LINES)
    assert desk.run(IMPORT) == {"updated": 1}
    assert colleague.text("b") == "mine\n" + LINES
    assert desk.run(SYNC) == {"file moved": 1}
    colleague.move("b", "c")
    colleague.save("c", "mine\n" + LINES + "theirs\n")
    desk.write("b.md", "more\nmine\n" + LINES)
    assert desk.run(SYNC) == {"merged": 1}
    assert colleague.text("c") == "more\nmine\n" + LINES + "theirs\n"


def test_without_a_base_a_page_that_has_moved_is_not_made_anew(
    desk: Desk, colleague: Person
) -> None:
    desk.write("a.md", "text\n")
    desk.run(IMPORT)
    colleague.move("a", "b")
    desk.lose_base()
    report = desk.report(IMPORT)
    assert [done.line for done in report.done] == [
        f"a.md: left, the page is at {desk.prefix}/b now"
    ]
    assert desk.run(IMPORT) == {"left": 1}
    assert colleague.page("a") is None


def test_a_file_that_was_moved_is_offered_as_a_move(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", "text\n")
    desk.run(SYNC)
    (desk.root / "a.md").rename(desk.root / "My b.md")
    report = desk.report(SYNC)
    command = f"sheaf move {desk.prefix}/a {desk.prefix}/My-b"
    assert [done.line for done in report.done] == [f"a.md: left, was moved to My b.md: {command}"]
    assert colleague.page("My-b") is None
    assert desk.run(SYNC, moves=True) == {"page moved": 1}
    assert colleague.text("My-b") == "text\n"
    assert desk.run(SYNC) == {"unchanged": 1}
    assert desk.names == {"My b.md"}


def test_a_page_that_changed_follows_its_file_and_then_it_the_page(
    desk: Desk, colleague: Person
) -> None:
    desk.write("a.md", "# Tea\n")
    desk.run(SYNC)
    colleague.save("a", "# Tea\n\ntheirs\n")
    (desk.root / "a.md").rename(desk.root / "b.md")
    assert desk.run(SYNC, moves=True) == {"page moved": 1}
    assert desk.run(SYNC) == {"written": 1}
    assert desk.read("b.md") == colleague.text("b") == "# Tea\n\ntheirs\n"


def test_names_are_mapped_and_kept(desk: Desk, colleague: Person) -> None:
    names = {"Über uns.md": "Über-uns", "x/README.md": "x", "C++.MD": "C-plus-plus", "d.mdx": "d"}
    for name in names:
        desk.write(name, name)
    assert desk.run(IMPORT) == {"created": 4}
    assert {name: colleague.text(slug) for name, slug in names.items()} == {n: n for n in names}
    for name in names:
        (desk.root / name).unlink()
    desk.lose_base()
    assert desk.run(EXPORT) == {"written": 4}
    assert desk.names == set(names)


def test_what_is_told_of_a_name_does_nothing_to_a_terminal(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("c\x1b[2J.md", "nl\nname.md", "nl name.md", "x.\u202ed\x9b"):
        desk.write(name, "text\n")
    report = sync.run(desk.client, replace(desk.task(IMPORT), dry=True))
    report.tell_passed_over()
    assert sorted(capsys.readouterr().err.split("\n")) == [
        "",
        r"c\x1b[2J.md: created",
        r"nl name.md: nl\nname.md is the same page",
        r"nl\nname.md: created",
        r"passed over: 1 .\u202ed\x9b",
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [(NFC, NFD), ("a b", "a-b"), ("x/README", "x/index"), ("x", "x/index")],
)
def test_a_second_file_for_a_page_is_told_with_both_names(
    desk: Desk, colleague: Person, first: str, second: str
) -> None:
    for name in (first, second):
        desk.write(f"{name}.md", name)
    report = desk.report(IMPORT)
    assert report.counts == {"created": 1, "failed": 1}
    told = {done.line for done in report.done}
    named = {
        f"{one}.md: {other}.md is the same page"
        for one, other in ((first, second), (second, first))
    }
    assert told & named


def test_special_files_are_passed_over(desk: Desk) -> None:
    os.mkfifo(desk.root / "pipe.md")
    (desk.root / "link.md").symlink_to("/etc/passwd")
    desk.write("photo.png", "")
    desk.write("a.md", "text\n")
    report = desk.report(SYNC)
    assert report.counts == {"created": 1}
    assert report.passed_over == {".png": 1, folder.LINK: 1, folder.SPECIAL: 1}


def test_a_page_is_not_written_over_a_special_file(desk: Desk, colleague: Person) -> None:
    os.mkfifo(desk.root / "a.md")
    colleague.save("a", "text\n")
    report = desk.report(EXPORT)
    assert [done.reason for done in report.done] == [
        "something is there that is not a regular file"
    ]


def test_a_folder_seen_decomposed_is_the_same(desk: Desk, colleague: Person) -> None:
    """Some disks hand out names decomposed, whatever they were called when they were made."""
    desk.write(f"{NFC}/{NFC} au lait.md", "text\n")
    desk.run(IMPORT)
    colleague.save(f"{NFC}/new", "new\n")
    for path in sorted(desk.root.rglob("*"), reverse=True):
        path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))
    assert desk.run(SYNC) == {"written": 1, "unchanged": 1}
    assert desk.names == {f"{NFD}/{NFD} au lait.md", f"{NFD}/new.md"}
    desk.lose_base()
    assert desk.run(SYNC) == {"unchanged": 2}


def test_a_disk_that_ignores_case(
    desk: Desk, colleague: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_is_same", lambda one, other: True)
    monkeypatch.setattr(folder, "_folds_case", lambda root: True)
    for name in ("Tea", "tea", "cocoa"):
        colleague.save(name, f"{name}\n")
    report = desk.report(EXPORT)
    assert report.counts == {"written": 2, "failed": 1}
    assert desk.names == {"Tea.md", "cocoa.md"}
    (desk.root / "cocoa.md").rename(desk.root / "COCOA.md")
    assert desk.run(SYNC) == {"unchanged": 2, "failed": 1}
    assert desk.names == {"Tea.md", "COCOA.md"}


def test_a_dry_run_says_it_and_writes_nothing(desk: Desk, colleague: Person) -> None:
    for name in ("a.md", "b.md", "c.md"):
        desk.write(name, LINES)
    desk.run(SYNC)
    colleague.save("a", LINES + "theirs\n")
    colleague.save("b", LINES + "theirs\n")
    colleague.move("c", "moved")
    desk.write("b.md", "mine\n" + LINES)
    desk.write("d.md", "new\n")
    before = {path: path.read_bytes() for path in desk.root.rglob("*") if path.is_file()}
    task = replace(desk.task(SYNC), dry=True)
    counts = sync.run(desk.client, task).counts
    assert counts == {"written": 1, "merged": 1, "created": 1, "file moved": 1}
    assert {path: path.read_bytes() for path in desk.root.rglob("*") if path.is_file()} == before
    assert colleague.page("d") is None
    assert atomic.run(desk.client, replace(task, aim=IMPORT)).counts["created"] == 1
    assert colleague.page("d") is None
    assert desk.run(SYNC) == counts


@pytest.mark.parametrize("run", [sync.run, atomic.run])
def test_a_dry_run_warns_as_the_import_does(
    desk: Desk, capsys: pytest.CaptureFixture[str], run: Callable[[Client, Task], Report]
) -> None:
    for name, front in (("a", "title: ["), ("b", "dir: up"), ("c", "title: C")):
        desk.write(f"{name}.md", f"---\n{front}\n---\n{LINES}")
    desk.write("d.md", LINES)
    dry = replace(desk.task(IMPORT), dry=True)
    run(desk.client, dry)
    foreseen = capsys.readouterr().err.splitlines()
    run(desk.client, replace(dry, dry=False))
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("a.md: line 3: This is not front matter and stays text: ")
    assert told[1].startswith("b.md: line 2: ")
    assert len(told) == 2
    assert sorted([*told, *(f"{name}.md: created" for name in "abcd")]) == sorted(foreseen)
    desk.write("b.md", f"---\ndir: down\n---\n{LINES}")
    run(desk.client, dry)
    foreseen = capsys.readouterr().err.splitlines()
    run(desk.client, replace(dry, dry=False))
    assert [*capsys.readouterr().err.splitlines(), "b.md: updated"] == foreseen


def test_a_dry_run_asks_where_pages_have_gone(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", "text\n")
    desk.run(IMPORT)
    colleague.move("a", "b")
    desk.lose_base()
    assert sync.run(desk.client, replace(desk.task(IMPORT), dry=True)).counts == {"left": 1}


def test_a_base_that_cannot_be_read_is_named_and_nothing_is_done(desk: Desk) -> None:
    desk.write("a.md", "text\n")
    desk.run(IMPORT)
    desk.base.write_text("{")
    with pytest.raises(BadBase, match=desk.base.name):
        desk.run(SYNC)


def test_a_site_that_was_set_up_anew_has_no_base(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", "mine\n")
    desk.run(IMPORT)
    head, line = desk.base.read_text().splitlines()
    path, entry = json.loads(line)
    desk.base.write_text(f"{head}\n{json.dumps([path, {**entry, 'id': 'of another site'}])}\n")
    colleague.save("a", "theirs\n")
    assert desk.run(SYNC) == {"left": 1}
    assert (desk.read("a.md"), colleague.text("a")) == ("mine\n", "theirs\n")


class Interrupted(Client):
    """A client whose user presses Ctrl-C after the first request that has several pages."""

    saved = 0

    def save(self, *given: Any, **more: Any) -> SavedItem:
        raise KeyboardInterrupt

    def timed_batch(self, changes: Sequence[Change]) -> tuple[list[SavedItem], str]:
        if self.saved:
            raise KeyboardInterrupt
        self.saved = len(changes)
        return super().timed_batch(changes)


def test_what_was_done_before_an_interruption_is_kept(desk: Desk, colleague: Person) -> None:
    for name in "abcdefghijkl":
        desk.write(f"{name}.md", name)
    client = Interrupted(desk.client.url, desk.person._token)
    with pytest.raises(KeyboardInterrupt):
        sync.run(client, replace(desk.task(IMPORT), threads=1))
    assert len(desk.base.read_text().splitlines()) == 1 + client.saved
    assert desk.run(IMPORT) == {"created": 12 - client.saved, "unchanged": client.saved}


def test_a_merge_whose_save_was_interrupted_arrives_the_next_time(
    desk: Desk, colleague: Person
) -> None:
    desk.write("a.md", LINES)
    desk.run(SYNC)
    colleague.save("a", LINES + "theirs\n")
    desk.write("a.md", "mine\n" + LINES)
    client = Interrupted(desk.client.url, desk.person._token)
    with pytest.raises(KeyboardInterrupt):
        sync.run(client, desk.task(SYNC))
    assert desk.read("a.md") == "mine\n" + LINES + "theirs\n"
    assert desk.run(SYNC) == {"updated": 1}
    page = colleague.page("a")
    assert page is not None
    assert (page.body, page.origin) == (desk.read("a.md"), "edit")


class Overtaken(Client):
    """A client while whose user's page is asked for somebody does something."""

    meanwhile: Callable[[], object]

    def page(self, slug: str) -> Any:
        self.meanwhile()
        return super().page(slug)


def test_a_file_that_changes_meanwhile_is_not_written_over(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", LINES)
    desk.run(SYNC)
    colleague.save("a", LINES + "theirs\n")
    client = Overtaken(desk.client.url, desk.person._token)
    client.meanwhile = lambda: desk.write("a.md", "typed just now\n")
    assert sync.run(client, desk.task(SYNC)).counts == {"failed": 1}
    assert desk.read("a.md") == "typed just now\n"


def test_two_people_who_make_one_page_are_told(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", "text\n")
    desk.run(SYNC)
    assert colleague.put("new", {"body": "theirs\n", "origin": "import"}) == 201
    desk.write("new.md", "mine\n")
    for aim, done in ((SYNC, "in conflict"), (IMPORT, "in conflict"), (EXPORT, "left")):
        assert desk.run(aim) == {"unchanged": 1, done: 1}
    assert sync_at_once(desk) == {"unchanged": 1, "in conflict": 1}
    assert (desk.read("new.md"), colleague.text("new")) == ("mine\n", "theirs\n")
    assert desk.run(SYNC, overwrite=True) == {"unchanged": 1, "updated": 1}


def test_what_was_written_in_a_synced_folder_is_a_persons(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", "old\n")
    desk.run(SYNC)
    desk.write("a.md", "new\n")
    assert desk.run(SYNC) == {"updated": 1}
    desk.lose_base()
    desk.write("a.md", "old\n")
    assert desk.run(SYNC) == desk.run(IMPORT) == {"left": 1}
    assert colleague.text("a") == "new\n"


def test_a_deleted_page_does_not_come_back_by_another_name(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", "text\n")
    desk.write("b.md", "more\n")
    desk.run(SYNC)
    assert colleague.delete("a") == 204
    (desk.root / "a.md").rename(desk.root / "c.md")
    for _ in range(2):
        assert desk.run(SYNC) == {"unchanged": 1, "left": 1}
    assert desk.run(SYNC, delete=True) == {"unchanged": 1, "file deleted": 1}
    assert desk.names == {"b.md"}
    assert colleague.page("c") is None
    assert desk.run(SYNC) == {"unchanged": 1}


def test_what_is_too_much_at_once_is_told_beforehand(desk: Desk) -> None:
    for number in range(batches.MAX_CHANGES + 1):
        desk.write(f"{number}.md", "text\n")
    with pytest.raises(atomic.TooLarge):
        atomic.run(desk.client, replace(desk.task(IMPORT), dry=True))


def test_an_atomic_import_goes_by_the_same_rules(desk: Desk, colleague: Person) -> None:
    for name in ("a", "b", "c", "d", "e"):
        desk.write(f"{name}.md", LINES + name)
    assert sync_at_once(desk) == {"created": 5}
    colleague.save("a", LINES + "a\ntheirs\n")
    colleague.save("b", LINES.replace("two", "2") + "b")
    desk.write("b.md", LINES.replace("two", "II") + "b")
    desk.write("c.md", "mine\n" + LINES)
    (desk.root / "d.md").unlink()
    (desk.root / "e.md").rename(desk.root / "f.md")
    done = sync_at_once(desk, delete=True, moves=True)
    assert done == {"in conflict": 1, "left": 4}
    assert colleague.text("c") == LINES + "c"
    desk.write("b.md", "mine\n" + LINES + "b")
    done = sync_at_once(desk, delete=True, moves=True)
    assert done == {"merged": 1, "left": 1, "updated": 1, "page deleted": 1, "page moved": 1}
    assert desk.read("b.md") == colleague.text("b") == "mine\n" + LINES.replace("two", "2") + "b"
    assert desk.run(SYNC) == {"written": 1, "unchanged": 3}


def test_a_page_that_moved_keeps_all_from_an_atomic_import(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", "text\n")
    desk.run(IMPORT)
    colleague.move("a", "b")
    desk.lose_base()
    desk.write("c.md", "text\n")
    foreseen = atomic.run(desk.client, replace(desk.task(IMPORT), dry=True))
    assert foreseen.counts == sync_at_once(desk) == {"failed": 1, "left": 1}
    assert colleague.page("c") is None


def test_a_save_that_was_overtaken_is_told(desk: Desk, colleague: Person) -> None:
    desk.write("a.md", "one\n")
    desk.run(IMPORT)
    desk.write("a.md", "two\n")
    sides, [step], _ = sync.prepare(desk.client, desk.task(IMPORT))
    colleague.save("a", "theirs\n")
    assert sync.carry_out(sides, desk.task(IMPORT), step).reason == uploads.STALE
