"""Whatever people and commands do in whatever order: no text is lost that somebody has saved.

Two folders are kept in step with the same pages, each with a base of its own that may get lost. At
first the pages were imported from the first one, and the second one is a fresh clone of it. Every
line that anybody types is one of its own, so that each can be looked for.
"""

import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sheaf.cli import atomic, sync
from sheaf.cli.client import Client
from sheaf.cli.planning import Aim
from sheaf.cli.sync import Task
from tests.conftest import Mint
from tests.integration.sheaf.cli.people import Person

NAMES = ("a", "b")
NEW = "--\n\n--\n\n--\n"
DRAFT = "---\ndraft: true\n---\n"
names, folders = st.sampled_from([*NAMES, "new"]), st.integers(0, 1)
tops = st.booleans()


class Operation(Protocol):
    """Something that a person or the command does."""

    def do(self, world: "World") -> None:
        """Do it."""


@dataclass(frozen=True)
class Command:
    """A call of the command for one of the folders."""

    folder: int
    to_site: bool
    to_folder: bool
    moves: bool
    dry: bool
    at_once: bool
    drafts: bool

    def do(self, world: "World") -> None:
        aim = Aim(self.to_site, self.to_folder, moves=self.moves)
        how = {"dry": self.dry, "drafts": self.drafts}
        task = Task(world.roots[self.folder], aim, world.prefix, threads=2, **how)
        before = world.state() if self.dry else None
        is_import = self.to_site and not self.to_folder
        (atomic.run if self.at_once and is_import else sync.run)(world.client, task)
        assert before in (None, world.state())


@dataclass(frozen=True)
class Typed:
    """Somebody types a line at the top or at the end of a file, which may be a new one."""

    folder: int
    name: str
    at_top: bool

    def do(self, world: "World") -> None:
        file, line = world.file(self.folder, self.name), world.line("typed")
        text = file.read_text() if file.exists() else NEW
        file.write_text(line + text if self.at_top else text + line)
        world.typed[self.folder].add(line)


@dataclass(frozen=True)
class Drafted:
    """A file says that it is a draft, or says so no more."""

    folder: int
    name: str

    def do(self, world: "World") -> None:
        file = world.file(self.folder, self.name)
        if file.exists():
            text = file.read_text()
            whole = text.removeprefix(DRAFT) if text.startswith(DRAFT) else DRAFT + text
            file.write_text(whole)


@dataclass(frozen=True)
class Edited:
    """Somebody types a line at the top or at the end of a page, which may be a new one."""

    name: str
    at_top: bool

    def do(self, world: "World") -> None:
        page, line = world.person.page(self.name), world.line("saved")
        text = page.body if page else NEW
        text = line + text if self.at_top else text + line
        assert world.person.save(self.name, text) in (200, 201)
        world.owe(self.name)


@dataclass(frozen=True)
class Moved:
    """A page is moved on the site."""

    name: str
    to: str

    def do(self, world: "World") -> None:
        world.person.move(self.name, self.to)


@dataclass(frozen=True)
class Deleted:
    """A page is deleted on the site."""

    name: str

    def do(self, world: "World") -> None:
        page = world.person.page(self.name)
        if page and world.person.delete(self.name) == 204:
            world.owed.pop(page.id, None)


@dataclass(frozen=True)
class Restored:
    """The first version of a page is restored."""

    name: str

    def do(self, world: "World") -> None:
        if world.person.put(self.name, {"restore": 1}) in (200, 201):
            world.owe(self.name)


@dataclass(frozen=True)
class FileMoved:
    """A file gets another name."""

    folder: int
    name: str
    to: str

    def do(self, world: "World") -> None:
        file, other = world.file(self.folder, self.name), world.file(self.folder, self.to)
        if file.exists() and not other.exists():
            file.rename(other)


@dataclass(frozen=True)
class FileRemoved:
    """A file is removed."""

    folder: int
    name: str

    def do(self, world: "World") -> None:
        file = world.file(self.folder, self.name)
        if file.exists():
            world.typed[self.folder] -= lines_of(file.read_text())
            file.unlink()


@dataclass(frozen=True)
class BaseLost:
    """A folder loses what the command has kept in it, as a fresh clone has none."""

    folder: int

    def do(self, world: "World") -> None:
        shutil.rmtree(world.roots[self.folder] / ".sheaf", ignore_errors=True)


commands = st.builds(
    Command,
    folders,
    *(st.booleans(), st.booleans(), st.booleans()),
    dry=st.sampled_from([False, False, False, True]),
    at_once=st.sampled_from([False, False, True]),
    drafts=st.sampled_from([False, False, True]),
).filter(lambda one: one.to_site or one.to_folder)
edits = st.one_of(st.builds(Edited, names, tops), st.builds(Typed, folders, names, tops))
others = st.one_of(
    st.builds(BaseLost, folders),
    st.builds(Drafted, folders, names),
    st.builds(Moved, names, names),
    st.builds(Deleted, names),
    st.builds(Restored, names),
    st.builds(FileMoved, folders, names, names),
    st.builds(FileRemoved, folders, names),
)
operations = st.lists(st.one_of(commands, edits, commands, edits, others), max_size=12)


class World:
    """A site, two folders, and what nobody may lose."""

    def __init__(self, url: str, token: str, place: Path, prefix: str) -> None:
        self.client = Client(url, token, connections=2)
        self.person = Person(url, token, prefix)
        self.prefix = prefix
        self.roots = [place / "one", place / "two"]
        for root in self.roots:
            root.mkdir()
        self.lines: Iterator[int] = count()
        # What people have saved in a page, by its id; what was typed into each folder; and all that
        # any page ever said.
        self.owed = defaultdict[str, set[str]](set)
        self.typed: list[set[str]] = [set(), set()]
        self.seen = set[str]()
        self.by_people = set[str]()
        for root in self.roots:
            for name in NAMES:
                (root / f"{name}.md").write_text(NEW)
        sync.run(self.client, Task(self.roots[0], Aim(to_site=True), prefix))

    def do(self, operation: Operation) -> None:
        operation.do(self)
        self.check()

    def line(self, kind: str) -> str:
        """A line that nobody has typed before."""
        line = f"{kind} {next(self.lines)}\n"
        self.by_people |= {line} if kind == "saved" else set()
        return line

    def state(self) -> object:
        """All that a dry run must leave as it is."""
        files = (path for root in self.roots for path in sorted(root.rglob("*")))
        kept = [(path, path.read_bytes() if path.is_file() else None) for path in files]
        return kept, [(page.slug, page.version) for page in self.person.pages()]

    def owe(self, name: str) -> None:
        """From now on the page has to say what it says of people's lines."""
        page = self.person.page(name)
        assert page is not None
        self.owed[page.id] = lines_of(page.body) & self.by_people

    def file(self, folder: int, name: str) -> Path:
        return self.roots[folder] / f"{name}.md"

    def check(self) -> None:
        pages = {page.id: page for page in self.person.pages()}
        for page in pages.values():
            self.seen |= lines_of(page.body)
        for id_, owed in self.owed.items():
            assert id_ in pages, f"a page is gone with {owed}"
            assert owed <= lines_of(pages[id_].body), pages[id_].slug
        for root, typed in zip(self.roots, self.typed, strict=True):
            files = (lines_of(file.read_text()) for file in root.glob("*.md"))
            assert typed <= self.seen.union(*files), root


def lines_of(text: str) -> set[str]:
    return set(text.splitlines(keepends=True)) - {"--\n", "\n"}


numbers = count()


@pytest.fixture(scope="module")
def token(mint_token: Mint) -> str:
    return mint_token("alice", "editor")


def command(folder: int, *, to_site: bool = False, to_folder: bool = False) -> Command:
    return Command(folder, to_site, to_folder, moves=False, dry=False, at_once=False, drafts=False)


# A job that imports the same each night; a clone that never had what a person saved, after a folder
# that has; and a page that is made anew where one has moved away.
@example([Edited("a", at_top=True), command(1, to_site=True)])
@example(
    [
        Edited("a", at_top=True),
        command(0, to_site=True, to_folder=True),
        Typed(0, "a", at_top=False),
        command(0, to_site=True),
        command(1, to_site=True),
    ]
)
@example(
    [
        Edited("a", at_top=True),
        Moved("a", "new"),
        command(1, to_site=True),
        Edited("a", at_top=False),
        command(0, to_site=True, to_folder=True),
    ]
)
@example([Drafted(0, "a"), command(0, to_folder=True), Edited("a", at_top=False), Drafted(0, "a")])
@given(operations)
def test_no_line_that_anybody_saved_or_typed_is_lost(
    site_url: str, token: str, tmp_path_factory: pytest.TempPathFactory, done: list[Operation]
) -> None:
    world = World(site_url, token, tmp_path_factory.mktemp("place"), f"world-{next(numbers)}")
    for operation in done:
        world.do(operation)
