"""Several files in one request come to what each by itself comes to, whatever others do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sheaf.cli import sync
from sheaf.cli.batches import Change
from sheaf.cli.client import ApiError, Client, PageItem, SavedItem
from sheaf.cli.planning import Aim
from sheaf.cli.sync import Task
from tests.conftest import Mint
from tests.integration.sheaf.cli.people import Person

# What becomes of a file: what is there before, and what somebody does once the list was read.
KINDS = ("new", "changed", "complex", "stale", "taken", "same", "moved", "deleted", "not text")
OLD, NEW, THEIRS = "# Old\n", "# New\n", "# Theirs\n"
ENDINGS = {"not text": b"caf\xe9", "complex": b"[a](b) " * 30_000}
numbers = count()


class Watched(Client):
    """A client while whose list is read somebody is at work."""

    meanwhile: Callable[[], object]

    def pages_below(self, prefix: str) -> Iterator[PageItem]:
        listing = list(super().pages_below(prefix))
        self.meanwhile()
        return iter(listing)


class OneByOne(Watched):
    """A client that cannot send several pages in a request."""

    def timed_batch(self, changes: Sequence[Change]) -> tuple[list[SavedItem], str]:
        raise ApiError(422, "", "")


class Sent(Watched):
    """A client that counts what it has sent together."""

    together = 0

    def timed_batch(self, changes: Sequence[Change]) -> tuple[list[SavedItem], str]:
        found = super().timed_batch(changes)
        self.together += len(changes)
        return found


def act(person: Person, names: Mapping[str, str]) -> None:
    """Somebody does something to the pages of these files, as their kinds say."""
    for name, kind in names.items():
        act_on(person, kind, name)


def act_on(person: Person, kind: str, name: str) -> None:
    """As above."""
    if kind in ("stale", "taken"):
        person.save(name, THEIRS)
    elif kind == "same":
        person.save(name, NEW)
    elif kind == "moved":
        person.move(name, f"{name}-elsewhere")
    elif kind == "deleted":
        person.delete(name)


def came_of(client: Watched, person: Person, root: Path, kinds: Sequence[str]) -> Any:
    """What is reported of each file, and what its page is then."""
    names = {f"p{number}": kind for number, kind in enumerate(kinds)}
    root.mkdir(parents=True)
    task = Task(root, Aim(to_site=True), root.name, threads=2)
    for name, kind in names.items():
        if kind in ("changed", "stale", "moved", "deleted"):
            (root / f"{name}.md").write_text(OLD)
    client.meanwhile = lambda: None
    sync.run(client, task)
    for name, kind in names.items():
        (root / f"{name}.md").write_bytes(ENDINGS.get(kind, NEW.encode()))
    client.meanwhile = partial(act, person, names)
    report = sync.run(client, task)
    client.meanwhile = lambda: None
    again = sync.run(client, task)
    pages = [person.page(name) for name in names]
    return (
        [
            sorted((one.file, one.kind, one.reason.replace(root.name, "")) for one in each.done)
            for each in (report, again)
        ],
        [page and (page.version, page.body, page.origin, page.title) for page in pages],
    )


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kinds=st.lists(st.sampled_from(KINDS), min_size=2, max_size=12))
def test_files_that_go_together_fare_as_each_by_itself(
    site_url: str, mint_token: Mint, tmp_path: Path, kinds: list[str]
) -> None:
    token, found = mint_token("alice", "editor"), []
    for kind_of_client in (Watched, OneByOne):
        root = tmp_path / f"together-{next(numbers)}"
        person = Person(site_url, mint_token("bob", "editor"), root.name)
        found.append(came_of(kind_of_client(site_url, token, connections=2), person, root, kinds))
    assert found[0] == found[1]


def test_files_go_together(site_url: str, mint_token: Mint, tmp_path: Path) -> None:
    client = Sent(site_url, mint_token("alice", "editor"), connections=2)
    root = tmp_path / f"together-{next(numbers)}"
    person = Person(site_url, mint_token("bob", "editor"), root.name)
    came_of(client, person, root, ["new"] * 9 + ["changed"] * 3)
    assert client.together == 3 + 12
