"""`sheaf move` against a running site: pages get other names, and links follow."""

from collections.abc import Callable, Sequence

import psycopg
import pytest

from sheaf.cli.batches import Change, creation
from sheaf.cli.client import ApiError, Client, SavedItem
from sheaf.cli.connection import ClientError, Connection
from sheaf.cli.moving import CannotMove, Mover
from sheaf.cli.renaming import Renaming
from tests.fixtures import Servers, at
from tests.integration.sheaf.cli.test_command import Sheaf


@pytest.fixture
def sheaf(site_url: str, mint_token: Callable[[str, str], str]) -> Sheaf:
    return Sheaf(site_url, mint_token("alice", "editor"))


def quiet(_line: str) -> None:
    """Says nothing of a page that has moved."""


class Folder:
    """Pages below a folder that no other test has."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name

    def create(self, **bodies: str) -> None:
        """Pages, with __ for the slash in their names, and @ for the folder in their texts."""
        pages = {
            self.slug(name): body.replace("@", f"/{self.name}") for name, body in bodies.items()
        }
        self.client.batch([creation(slug, body) for slug, body in pages.items()])

    def slug(self, name: str) -> str:
        return f"{self.name}/{name.replace('__', '/')}"

    def bodies(self) -> dict[str, str]:
        """The text of each page, spelled so again."""
        pages = [self.client.page(page.slug) for page in self.client.pages_below(f"{self.name}/")]
        return {
            page.slug.removeprefix(f"{self.name}/"): page.body.replace(f"/{self.name}", "@")
            for page in pages
        }

    def renaming(self, source: str, target: str) -> Renaming:
        return Renaming(self.slug(source), self.slug(target))


@pytest.fixture
def pages(sheaf: Sheaf, request: pytest.FixtureRequest) -> Folder:
    name = "".join(letter for letter in request.node.name if letter.isalnum())
    return Folder(Client(sheaf.url, sheaf.token, connections=4), name)


GUIDE = {
    "guide__one": "# One\n\n[two](two) [out](../tea.md#x) [self](@/guide/one) [none](missing)\n",
    "guide__two": "[one](@/guide/one) `[one](@/guide/one)`\r\n",
    "guide__deep__three": "[one](../one) [tea](../../tea)\n",
    "tea": "[one](guide/one?a=1#b) [two][]\n\n[two]: @/guide/two\n",
    "other": "[tea](tea)",
}
HANDBOOK = {
    "a/handbook/one": "# One\n\n[two](two) [out](@/tea.md#x) [self](@/a/handbook/one)"
    " [none](missing)\n",
    "a/handbook/two": "[one](@/a/handbook/one) `[one](@/guide/one)`\r\n",
    "a/handbook/deep/three": "[one](../one) [tea](@/tea)\n",
    "tea": "[one](a/handbook/one?a=1#b) [two][]\n\n[two]: @/a/handbook/two\n",
    "other": "[tea](tea)",
}


def test_a_folder_moves_and_links_follow(sheaf: Sheaf, pages: Folder) -> None:
    pages.create(**GUIDE)
    arguments = ("move", pages.slug("guide/"), f"/{pages.slug('a/handbook/')}", "--update-links")
    done = sheaf(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    *lines, summary = done.stdout.splitlines()
    assert sorted(lines) == [
        f"{pages.slug('guide')}/{name} -> {pages.slug('a/handbook')}/{name}"
        for name in ("deep/three", "one", "two")
    ]
    assert summary == "moved 3, links updated in 4, failed 0"
    assert pages.bodies() == HANDBOOK
    assert pages.client.page(pages.slug("tea")).version == 2
    again = sheaf(*arguments)
    assert again.stdout == "moved 0, links updated in 0, failed 0\n"
    assert again.returncode == 0
    # Links between pages that move along are what they were, and so is the way back.
    back = sheaf("move", pages.slug("a/handbook/"), pages.slug("guide/"), "--update-links")
    assert back.stdout.endswith("moved 3, links updated in 3, failed 0\n"), back.stdout


def test_a_page_moves_and_its_links_that_lead_elsewhere_are_named(
    sheaf: Sheaf, pages: Folder
) -> None:
    pages.create(**GUIDE)
    one, new = pages.slug("guide/one"), pages.slug("a/handbook/one")
    done = sheaf("move", one, new)
    assert done.returncode == 0
    assert done.stdout == f"{one} -> {new}\nmoved 1, failed 0\n"
    assert done.stderr.splitlines() == [
        f"{new}: the link {address} leads elsewhere now"
        for address in ("two", "../tea.md#x", "missing")
    ]
    assert pages.bodies()["tea"] == GUIDE["tea"]
    # Links can still follow.
    later = sheaf("move", one, new, "--update-links")
    assert later.stdout == "moved 0, links updated in 4, failed 0\n"
    assert "[one](a/handbook/one?a=1#b)" in pages.bodies()["tea"]
    assert pages.bodies()["guide/deep/three"].startswith("[one](../../a/handbook/one)")


@pytest.mark.parametrize(
    "arguments",
    [
        ("a/", "b"),
        ("a", "b/"),
        ("a", "/a"),
        ("a/", "a/b/"),
        ("a b", "c"),
        ("a", "c.md"),
        ("/", "c/"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(sheaf: Sheaf, arguments: tuple[str, ...]) -> None:
    done = sheaf("move", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_nothing_moves_where_a_page_is_already(sheaf: Sheaf, pages: Folder) -> None:
    pages.create(a__one="1", a__two="2", b__two="other")
    done = sheaf("move", pages.slug("a/"), pages.slug("b/"))
    two = pages.slug("b/two")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"{pages.slug('a/two')}: there is a page at {two} already",
        "Error: 1 of 2 pages cannot move, so none was moved",
    ]
    page = sheaf("move", pages.slug("a/one"), two)
    assert (page.returncode, page.stdout) == (1, "")
    assert pages.bodies() == {"a/one": "1", "a/two": "2", "b/two": "other"}


@pytest.mark.parametrize(
    ("name", "said"), [("none", "There is no page"), ("none/", "no page below")]
)
def test_a_page_that_is_not_there_is_one_line(
    sheaf: Sheaf, pages: Folder, name: str, said: str
) -> None:
    done = sheaf("move", pages.slug(name), pages.slug(f"x{name}"))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert said in line


class Stopped(ClientError):
    """The machine was switched off."""


class Meddling(Client):
    """A client before whose batches something happens."""

    before: Callable[[Sequence[Change]], None]

    def batch(self, changes: Sequence[Change]) -> list[SavedItem]:
        self.before(changes)
        return super().batch(changes)


@pytest.fixture
def meddling(sheaf: Sheaf) -> Meddling:
    return Meddling(sheaf.url, sheaf.token, connections=4)


@pytest.mark.parametrize("stop", range(3))
def test_an_interrupted_move_goes_on(pages: Folder, meddling: Meddling, stop: int) -> None:
    """After any of its batches all links lead somewhere, and in the end all is as without it."""
    pages.create(**GUIDE)
    left = [stop]

    def before(changes: Sequence[Change]) -> None:
        if not left[0]:
            raise Stopped
        left[0] -= 1

    meddling.before = before
    names = pages.renaming("guide/", "a/handbook/")
    with pytest.raises(Stopped):
        Mover(meddling, names, 4, quiet, relinks=True).run()
    Mover(pages.client, names, 4, quiet, relinks=True).run()
    assert pages.bodies() == HANDBOOK


def test_many_pages_move_a_hundred_at_a_time(pages: Folder, meddling: Meddling) -> None:
    for some in range(0, 130, 65):
        pages.create(**{f"old__{n}": f"[next]({n + 1})" for n in range(some, some + 65)})
    pages.create(outside="".join(f"[a](old/{n})\n" for n in range(130)))
    sent = list[int]()
    meddling.before = lambda changes: sent.append(len(changes))
    lines = list[str]()
    names = pages.renaming("old/", "new/")
    counts = Mover(meddling, names, 4, lines.append, relinks=True).run()
    assert counts == {"moved": 130, "links updated in": 1, "failed": 0}
    # The page that links to all of them has a part of each batch.
    assert sent == [51, 81]
    assert len(lines) == 130
    bodies = pages.bodies()
    assert bodies["outside"] == "".join(f"[a](new/{n})\n" for n in range(130))
    assert all(bodies[f"new/{n}"] == f"[next]({n + 1})" for n in range(130))


def test_a_page_with_more_links_to_it_than_fit_moves_all_the_same(
    pages: Folder, meddling: Meddling
) -> None:
    pages.create(hub="# Hub")
    for some in range(0, 120, 60):
        pages.create(**{f"p__{n}": "[hub](../hub)" for n in range(some, some + 60)})
    sent = list[int]()
    meddling.before = lambda changes: sent.append(len(changes))
    counts = Mover(meddling, pages.renaming("hub", "x/hub"), 4, quiet, relinks=True).run()
    assert counts == {"moved": 1, "links updated in": 120, "failed": 0}
    assert sent == [100, 21]
    assert {body for slug, body in pages.bodies().items() if slug != "x/hub"} == {"[hub](../x/hub)"}


@pytest.mark.parametrize("slug", ["tea", "guide/one"])
def test_a_page_that_is_changed_meanwhile_is_read_again(
    sheaf: Sheaf, pages: Folder, meddling: Meddling, slug: str
) -> None:
    pages.create(**GUIDE)
    names = pages.renaming("guide/", "a/handbook/")
    times = [2]

    def change(_changes: Sequence[Change]) -> None:
        if times[0]:
            times[0] -= 1
            page = pages.client.page(pages.slug(slug))
            pages.client.save(page.slug, f"{page.body}more\n".encode(), page.version)

    meddling.before = change
    counts = Mover(meddling, names, 4, quiet, relinks=True).run()
    assert counts == {"moved": 3, "links updated in": 4, "failed": 0}
    expected = dict(HANDBOOK)
    expected[slug.replace("guide", "a/handbook")] += "more\n" * 2
    assert pages.bodies() == expected


def test_a_page_that_somebody_edits_keeps_its_links_and_is_reported(
    sheaf: Sheaf,
    pages: Folder,
    mint_token: Callable[[str, str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    pages.create(**GUIDE)
    bob = Connection(sheaf.url, mint_token("bob", "editor"))
    lease = bob.ask("PUT", f"/api/leases/{pages.slug('tea')}", json={"seconds": 60})
    assert lease.status == 201
    names = pages.renaming("guide/", "a/handbook/")
    counts = Mover(pages.client, names, 4, quiet, relinks=True).run()
    assert counts == {"moved": 3, "links updated in": 3, "failed": 1}
    reason = f"its links stay as they are: bob is editing {pages.slug('tea')}. (423)"
    assert capsys.readouterr().err == f"{pages.slug('tea')}: {reason}\n"
    assert pages.bodies() == {**HANDBOOK, "tea": GUIDE["tea"]}


@pytest.mark.parametrize("relinks", [True, False])
def test_all_pages_of_a_batch_move_or_none(
    sheaf: Sheaf, pages: Folder, mint_token: Callable[[str, str], str], relinks: bool
) -> None:
    pages.create(**GUIDE)
    bob = Connection(sheaf.url, mint_token("bob", "editor"))
    slug = pages.slug("guide/deep/three")
    assert bob.ask("PUT", f"/api/leases/{slug}", json={"seconds": 60}).status == 201
    names = pages.renaming("guide/", "a/handbook/")
    counts = Mover(pages.client, names, 4, quiet, relinks=relinks).run()
    assert (counts["moved"], counts["failed"]) == (0, 3)
    assert pages.bodies().keys() == {name.replace("__", "/") for name in GUIDE}


@pytest.mark.parametrize("relinks", [True, False])
def test_a_page_in_doubt_says_when_to_try_again(
    servers: Servers, pages: Folder, pauses: list[float], relinks: bool
) -> None:
    pages.create(one="1", other="[1](one)")
    with psycopg.connect(at(servers.database_url, f"/{servers.own}_running")) as dead:
        dead.execute("SELECT FROM pages WHERE slug = %s FOR UPDATE", [pages.slug("one")])
        with pytest.raises(ApiError, match=r"held by .*: try again in two minutes \(503\)$"):
            Mover(pages.client, pages.renaming("one", "two"), 1, quiet, relinks=relinks).run()
    assert pages.bodies() == {"one": "1", "other": "[1](one)"}


def test_a_title_and_tags_that_were_set_apart_stay(sheaf: Sheaf, pages: Folder) -> None:
    pages.create(one="1")
    apart = {"body": f"# Text\n\n[1](/{pages.slug('one')})", "title": "Apart", "tags": ["x"]}
    assert sheaf.request("PUT", pages.slug("two"), {"If-None-Match": "*"}, apart) == 201
    Mover(pages.client, pages.renaming("one", "won"), 1, quiet, relinks=True).run()
    page = pages.client.page(pages.slug("two"))
    assert (page.title, page.tags, page.version) == ("Apart", ("x",), 2)
    assert page.body.endswith(f"(/{pages.slug('won')})")


def test_names_that_are_too_long_are_told_before_anything_moves(pages: Folder) -> None:
    pages.create(**{f"a__{'x' * 100}": "1", "a__b": "2"})
    with pytest.raises(CannotMove, match="1 of 2 pages"):
        Mover(pages.client, pages.renaming("a/", f"{'y' * 80}/"), 1, quiet).run()
