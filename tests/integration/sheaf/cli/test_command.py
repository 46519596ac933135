"""The `sheaf` command as people run it, against a running site."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import urllib3

from sheaf.cli import atomic, base, sync
from sheaf.cli.batches import Change
from sheaf.cli.client import Client, SavedItem
from sheaf.cli.planning import Aim
from sheaf.cli.sync import Task
from sheaf.cli.uploads import STALE
from tests.conftest import ISSUER
from tests.servers.proxy import Proxy
from tests.servers.redis_pair import address

# The issuer that the site under test was told to trust belongs to this address.
IMPORT = Aim(to_site=True)
TRUSTED_URL = ISSUER.removesuffix("/-/local")
FILES = {
    "crlf.md": b"# Windows\r\n\r\nTwo lines.\r\n",
    "bom.md": "\ufeff# With a mark\n".encode(),
    "unfinished.md": b"No heading and no last newline",
    "empty.md": b"",
    "a/b/c/deep.md": b"# Deep\n",
    "ma\u00f1ana/\u6587\u66f8.md": "# \u6587\u66f8 \U0001f343\n".encode(),
    "front.md": b"---\ntitle: Said apart\ntags: [b, a]\nlayout: wide\n---\n# Other\n",
    "broken-front.md": b"---\ntitle: [\n---\n# Still a page\n",
    "spaces.md": b"   # not a heading? \t\n\n\n",
}


class Sheaf:
    """Runs the command for a site."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token

    def __call__(
        self, *arguments: str | Path, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        settings = {"SHEAF_URL": self.url, "SHEAF_TOKEN": self.token, **environment}
        return subprocess.run(
            [sys.executable, "-m", "ops", *map(str, arguments)],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def request(
        self, method: str, slug: str, condition: dict[str, str], page: dict[str, Any] | None = None
    ) -> int:
        """Ask the API for something that the command does not do; return the status."""
        headers = {"Authorization": f"Bearer {self.token}", **condition}
        url = f"{self.url}/api/pages/{slug}"
        return urllib3.request(method, url, headers=headers, json=page, timeout=30).status


@pytest.fixture
def sheaf(site_url: str, mint_token: Callable[[str, str], str]) -> Sheaf:
    return Sheaf(site_url, mint_token("alice", "editor"))


@pytest.fixture
def client(sheaf: Sheaf) -> Client:
    return Client(sheaf.url, sheaf.token)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose pages no other test has, so that the site may be shared."""
    root = tmp_path / "in"
    (root / tmp_path.name).mkdir(parents=True)
    return root


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / folder.parent.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read(folder: Path, prefix: str) -> dict[str, bytes]:
    root = folder / prefix
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_a_folder_comes_out_as_it_went_in(sheaf: Sheaf, folder: Path, tmp_path: Path) -> None:
    write(folder, FILES)
    first = sheaf("import", folder)
    assert first.stdout == f"created {len(FILES)}, updated 0, unchanged 0, failed 0\n"
    assert first.returncode == 0
    warning, unused = first.stderr.splitlines()
    assert unused == "keys not used: layout 1"
    place = f"{tmp_path.name}/broken-front.md: line 3: "
    assert warning.startswith(f"{place}This is not front matter and stays text: ")

    second = sheaf("import", folder)
    assert second.stdout == f"created 0, updated 0, unchanged {len(FILES)}, failed 0\n"

    exported = sheaf("export", tmp_path / "out")
    assert (exported.returncode, exported.stderr) == (0, "")
    assert read(tmp_path / "out", tmp_path.name) == FILES


def test_an_import_sends_what_changed_and_no_more(
    sheaf: Sheaf, client: Client, folder: Path
) -> None:
    write(folder, FILES)
    sheaf("import", folder)
    write(folder, {"crlf.md": b"# Changed\n", "new.md": b"# New\n"})
    again = sheaf("import", folder)
    assert again.stdout == f"created 1, updated 1, unchanged {len(FILES) - 1}, failed 0\n"
    page = client.page(f"{folder.parent.name}/crlf")
    assert (page.title, page.version) == ("Changed", 2)


@pytest.mark.parametrize("atomic", [(), ("--atomic",)], ids=["one by one", "atomic"])
def test_an_import_is_listed_for_who_asks_for_imports(
    sheaf: Sheaf, client: Client, folder: Path, atomic: tuple[str, ...]
) -> None:
    def listed(query: str) -> list[str]:
        address = f"{sheaf.url}/api/changes?folder={folder.parent.name}{query}"
        items = urllib3.request("GET", address, timeout=30).json()["items"]
        return [f"{item['kind']} {item['slug'].rpartition('/')[2]}" for item in items]

    write(folder, {"one.md": b"# One\n"})
    sheaf("import", *atomic, folder)
    assert sheaf.request("DELETE", f"{folder.parent.name}/one", {"If-Match": '"v1"'}) == 204
    write(folder, {"two.md": b"# Two\n"})
    sheaf("import", *atomic, folder)
    assert listed("") == ["deleted one"]
    found = listed("&imports=1")
    assert sorted(found) == ["created one", "created two", "deleted one"]


def test_front_matter_gives_title_and_tags(sheaf: Sheaf, client: Client, folder: Path) -> None:
    write(folder, FILES)
    sheaf("import", folder)
    page = client.page(f"{folder.parent.name}/front")
    assert (page.title, page.tags) == ("Said apart", ("b", "a"))
    assert page.body.encode() == FILES["front.md"]


def test_what_cannot_be_a_page_is_reported_and_the_rest_goes_on(sheaf: Sheaf, folder: Path) -> None:
    write(
        folder,
        {
            "good.md": b"# Good\n",
            "latin.md": b"caf\xe9",
            "huge.md": b"x" * 1_048_577,
            "wide.md": b"[a](b) " * 30_000,
            "quotes.md": b'"' * 750_000,
            "null.md": b"a\0b",
            ".hidden.md": b"x",
            ".git/config.md": b"x",
        },
    )
    done = sheaf("import", folder)
    assert done.returncode == 1
    assert done.stdout == "created 2, updated 0, unchanged 0, failed 4\n"
    *lines, passed_over = done.stderr.splitlines()
    assert passed_over == "passed over: 2 hidden name"
    reasons = dict(line.split(": ", 1) for line in lines)
    prefix = folder.parent.name
    assert {name.removeprefix(f"{prefix}/") for name in reasons} == {
        "latin.md",
        "huge.md",
        "wide.md",
        "null.md",
    }
    assert reasons[f"{prefix}/latin.md"] == "not UTF-8"
    assert reasons[f"{prefix}/huge.md"] == "larger than 1 MiB"
    assert reasons[f"{prefix}/wide.md"].startswith("Up to line 1 the text")
    assert reasons[f"{prefix}/null.md"].endswith("(422)")


def test_a_page_that_a_person_deleted_comes_back_if_wanted(
    sheaf: Sheaf, client: Client, folder: Path
) -> None:
    write(folder, {"page.md": b"# One\n"})
    sheaf("import", folder)
    slug = f"{folder.parent.name}/page"
    assert sheaf.request("DELETE", slug, {"If-Match": '"v1"'}) == 204
    again = sheaf("import", folder)
    assert again.stdout == "created 0, updated 0, left 1, unchanged 0, failed 0\n"
    assert again.stderr == f"{slug}.md: left, its page was deleted\n"
    again = sheaf("import", folder, "--overwrite")
    assert again.stdout == "created 1, updated 0, unchanged 0, failed 0\n"
    assert client.page(slug).version == 3


def test_a_title_that_fits_no_front_matter_is_reported(sheaf: Sheaf, tmp_path: Path) -> None:
    slug = f"{tmp_path.name}/page"
    body = f"---\nnote: {'a' * 8100}\n---\nText\n"
    page = {"body": body, "title": "A title that is not in the text " + "x" * 100}
    assert sheaf.request("PUT", slug, {"If-None-Match": "*"}, page) == 201
    done = sheaf("export", tmp_path / "out")
    assert (tmp_path / "out" / f"{slug}.md").read_text() == body
    assert done.returncode == 1
    reason = "title and tags are not in the file: as front matter, it is longer than"
    assert f"{slug}: {reason} 8,192 characters\n" in done.stderr
    assert sheaf.request("DELETE", slug, {"If-Match": '"v1"'}) == 204


def test_a_title_set_apart_survives_the_round_trip(
    sheaf: Sheaf, client: Client, tmp_path: Path
) -> None:
    slug = f"{tmp_path.name}/page"
    page = {"body": "# Heading\n", "title": "Apart: 100%", "tags": ["x"]}
    assert sheaf.request("PUT", slug, {"If-None-Match": "*"}, page) == 201
    sheaf("export", tmp_path / "out")
    file = tmp_path / "out" / f"{slug}.md"
    assert file.read_text() == "---\ntitle: 'Apart: 100%'\ntags:\n- x\n---\n# Heading\n"
    before = file.stat()
    assert "written 0," in sheaf("export", tmp_path / "out").stdout
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert sheaf("import", tmp_path / "out").returncode == 0
    assert (client.page(slug).title, client.page(slug).tags) == ("Apart: 100%", ("x",))


def test_an_export_writes_nothing_outside_its_folder(
    sheaf: Sheaf, folder: Path, tmp_path: Path
) -> None:
    write(folder, {"page.md": b"# Page\n"})
    sheaf("import", folder)
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    (out / tmp_path.name).symlink_to(outside)
    done = sheaf("export", out)
    assert done.returncode == 1
    assert f"{tmp_path.name}/page: a link leads out of the folder\n" in done.stderr
    assert list(outside.iterdir()) == []


def test_a_name_that_no_file_can_have_is_shortened(
    sheaf: Sheaf, client: Client, tmp_path: Path
) -> None:
    """A page's name has up to 200 characters, a file's 255 bytes."""
    long = f"{tmp_path.name}/{'名' * 85}"
    assert sheaf.request("PUT", long, {"If-None-Match": "*"}, {"body": "x"}) == 201
    done = sheaf("export", tmp_path / "out")
    [file] = (tmp_path / "out" / tmp_path.name).iterdir()
    file.write_text("y")
    again = sheaf("import", tmp_path / "out")
    body = client.page(long).body
    # The site is other tests' as well, which export all of it.
    assert sheaf.request("DELETE", long, {"If-Match": '"v2"'}) == 204
    assert (done.returncode, done.stderr) == (0, "")
    assert again.stdout.startswith("created 0, updated 1,")
    assert (body, file.read_text()) == ("y", "y")


def test_a_write_of_which_the_answer_was_lost_is_sent_again(sheaf: Sheaf, folder: Path) -> None:
    """It is done once, and the answer is the first one."""
    slug = folder.parent.name
    with Proxy(address(sheaf.url)) as wire:
        client = Client(wire.url(sheaf.url), sheaf.token)
        list(client.pages())  # connects
        wire.drop_replies()
        assert client.save(slug, b"# One\n", None).is_new
        wire.drop_replies(2)
        assert not client.save(slug, b"# Two\n", 1).is_new
        assert client.page(slug).version == 2
        wire.drop_replies()
        client.delete(slug, 2)
    assert sheaf.request("PUT", slug, {"If-None-Match": "*"}, {"body": "four"}) == 201
    assert Client(sheaf.url).page(slug).version == 4


def test_names_in_another_spelling_are_the_same_pages(
    sheaf: Sheaf, client: Client, folder: Path
) -> None:
    """Some systems hand file names out decomposed. Invisible letters are in no page's name."""
    prefix = folder.parent.name
    write(folder, {"cafe\u0301.md": "# Cafe\u0301\u00a0 au\n".encode(), "tea\ufe0f.md": b"x"})
    done = sheaf("import", folder)
    assert done.stdout == "created 2, updated 0, unchanged 0, failed 0\n"
    assert client.page(f"{prefix}/café").title == "Café au"
    assert client.page(f"{prefix}/café").file == f"{prefix}/café.md"
    assert client.page(f"{prefix}/tea").file == f"{prefix}/tea\ufe0f.md"


@pytest.mark.parametrize(
    ("role", "reason"),
    [("reader", "(403)"), (None, "the token has expired or is not for this site")],
)
def test_a_token_that_may_not_write_ends_the_import_at_once(
    sheaf: Sheaf,
    mint_token: Callable[[str, str], str],
    folder: Path,
    role: str | None,
    reason: str,
) -> None:
    write(folder, {f"{number}.md": b"x" for number in range(50)})
    token = mint_token("bob", role) if role else "not.a.token"
    done = sheaf("import", folder, SHEAF_TOKEN=token)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert reason in done.stderr


def test_a_site_that_is_not_there_is_one_line(sheaf: Sheaf, folder: Path) -> None:
    done = sheaf("import", folder, "--url", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: cannot reach http://127.0.0.1:1: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("import",),
        ("import", "/no/such/folder"),
        ("import", "/tmp", "--jobs", "0"),
        ("import", "/tmp", "--token", ""),
        ("import", "/tmp", "--token", "a", "--prefix", "a//b"),
        ("sync", "/tmp"),
        ("sync", "/no/such/folder", "--token", "a"),
        ("export", "/tmp/out", "--url", "ftp://127.0.0.1"),
        ("export", "/tmp/out", "--url", "http://["),
        ("token", "--user", "alice", "--role", "owner"),
        ("burn",),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(sheaf: Sheaf, arguments: tuple[str, ...]) -> None:
    done = sheaf(*arguments, SHEAF_TOKEN="")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_files_with_a_template_language_are_counted(sheaf: Sheaf, folder: Path) -> None:
    write(folder, {"a.md": b"{% include x %}\n", "b.md": b"{{< x >}}\n", "c.md": b"{ text }\n"})
    first = sheaf("import", folder)
    assert first.stderr.strip().endswith(
        "marks of a template language, which stay as text: in 2 files"
    )
    assert "template" not in sheaf("import", folder).stderr


def test_a_pipe_does_not_hold_up_an_import(sheaf: Sheaf, folder: Path) -> None:
    write(folder, {"page.md": b"# Page\n", "photo.png": b""})
    os.mkfifo(folder / folder.parent.name / "pipe.md")
    done = sheaf("import", folder)
    assert done.stdout == "created 1, updated 0, unchanged 0, failed 0\n"
    assert done.stderr == "passed over: 1 .png, 1 special file\n"


def test_a_folder_is_kept_in_step_with_one_of_the_site(sheaf: Sheaf, folder: Path) -> None:
    place = folder / folder.parent.name
    write(folder, {"page.md": b"# Page\n"})
    first = sheaf("sync", place, "--prefix", f"/{place.name}/", "--json")
    told = json.loads(first.stdout)
    slug = f"{place.name}/page"
    assert told["items"] == [{"file": "page.md", "slug": slug, "outcome": "created", "reason": ""}]
    page = {"body": "# Theirs\n"}
    assert sheaf.request("PUT", slug, {"If-Match": '"v1"'}, page) == 200
    tried = sheaf("sync", place, "--prefix", place.name, "--dry-run")
    assert tried.stderr == "page.md: written\n"
    assert (place / "page.md").read_text() == "# Page\n"
    done = sheaf("sync", place, "--prefix", place.name)
    assert done.stdout == "created 0, updated 0, written 1, unchanged 0, failed 0\n"
    assert (place / "page.md").read_text() == "# Theirs\n"


def test_a_conflict_is_told_and_is_exit_status_1(sheaf: Sheaf, folder: Path) -> None:
    place = folder / folder.parent.name
    slug = f"{place.name}/page"
    write(folder, {"page.md": b"# Page\n"})
    sheaf("sync", place, "--prefix", place.name)
    assert sheaf.request("PUT", slug, {"If-Match": '"v1"'}, {"body": "# Theirs\n"}) == 200
    write(folder, {"page.md": b"# Mine\n"})
    done = sheaf("sync", place, "--prefix", place.name)
    told = "page.md: in conflict, line 1: '# Mine' here, '# Theirs' on the site\n"
    assert (done.returncode, done.stderr) == (1, told)


def test_a_folder_that_cannot_be_written_to_has_no_base(
    sheaf: Sheaf,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(target: Path, data: bytes) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), target)

    monkeypatch.setattr(base, "write_whole", refuse)
    write(folder, {"page.md": b"# Page\n"})
    done = sync.run(Client(sheaf.url, sheaf.token), Task(folder, IMPORT))
    assert done.counts == {"created": 1}
    assert capsys.readouterr().err.endswith("(Read-only file system): there is no base\n")


def test_a_token_from_the_command_line_lets_an_editor_write(
    sheaf: Sheaf, home: Path, folder: Path
) -> None:
    write(folder, {"page.md": b"# Page\n"})
    made = sheaf(
        *("token", "--user", "carol", "--role", "editor", "--home", home),
        SHEAF_URL=TRUSTED_URL,
    )
    done = sheaf("import", folder, "--token", made.stdout.strip())
    assert done.stdout == "created 1, updated 0, unchanged 0, failed 0\n"


class Overtaken(Client):
    """A client whose user is overtaken: somebody saves a page just before the first write."""

    slug: str
    text: bytes
    is_overtaken = False

    def save(self, *given: Any, **more: Any) -> SavedItem:
        self.be_overtaken()
        return super().save(*given, **more)

    def timed_batch(self, changes: Sequence[Change]) -> tuple[list[SavedItem], str]:
        self.be_overtaken()
        return super().timed_batch(changes)

    def be_overtaken(self) -> None:
        if not self.is_overtaken:
            self.is_overtaken = True
            super().save(self.slug, self.text, based_on=1)


@pytest.mark.parametrize(
    ("theirs", "counts", "report"),
    [
        (b"# Theirs\n", {"updated": 1, "failed": 1}, f"page.md: {STALE}"),
        (b"# Mine\n", {"updated": 1, "unchanged": 1}, ""),
    ],
)
def test_a_change_during_an_import_is_not_overwritten(
    sheaf: Sheaf,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    theirs: bytes,
    counts: dict[str, int],
    report: str,
) -> None:
    write(folder, {"page.md": b"# One\n", "other.md": b"# One\n"})
    sheaf("import", folder)
    write(folder, {"page.md": b"# Mine\n", "other.md": b"# Two\n"})
    client = Overtaken(sheaf.url, sheaf.token)
    client.slug, client.text = f"{folder.parent.name}/page", theirs
    assert sync.run(client, Task(folder, IMPORT)).counts == counts
    assert capsys.readouterr().err.strip().removeprefix(f"{folder.parent.name}/") == report
    assert client.page(client.slug).body.encode() == theirs


def test_an_atomic_import_brings_everything(sheaf: Sheaf, folder: Path) -> None:
    write(folder, FILES)
    first = sheaf("import", "--atomic", folder)
    assert first.stdout == f"created {len(FILES)}, updated 0, unchanged 0, failed 0\n"
    warning, unused = first.stderr.splitlines()
    assert "broken-front.md: line 3: This is not front matter" in warning
    assert unused == "keys not used: layout 1"
    write(folder, {"crlf.md": b"# Changed\n", "new.md": b"# New\n"})
    again = sheaf("import", "--atomic", folder)
    assert again.stdout == f"created 1, updated 1, unchanged {len(FILES) - 1}, failed 0\n"
    assert (again.returncode, again.stderr) == (0, "")
    assert "unchanged 10, failed 0" in sheaf("import", "--atomic", folder).stdout


@pytest.mark.parametrize(
    ("bad", "reasons"),
    [
        ({"latin.md": b"caf\xe9"}, ["latin.md: not UTF-8"]),
        ({"huge.md": b"x" * 1_048_577}, ["huge.md: larger than 1 MiB"]),
        (
            {"one.md": b"[a](b) " * 30_000, "two.md": b"[a](b) " * 30_000},
            ["one.md: Up to line 1 the text", "two.md: Up to line 1 the text"],
        ),
    ],
)
def test_what_cannot_be_a_page_keeps_all_from_an_atomic_import(
    sheaf: Sheaf, client: Client, folder: Path, bad: dict[str, bytes], reasons: list[str]
) -> None:
    write(folder, {"good.md": b"# Good\n", **bad})
    done = sheaf("import", "--atomic", folder)
    assert done.returncode == 1
    counts = f"created 0, updated 0, left 1, unchanged 0, failed {len(reasons)}\n"
    assert done.stdout == counts, done.stderr
    held_back = "good.md: left, held back by what failed"
    told = sorted(done.stderr.splitlines())
    for line, reason in zip(told, sorted([*reasons, held_back]), strict=True):
        assert line.startswith(f"{folder.parent.name}/{reason}"), line
    assert not list(client.pages_below(folder.parent.name))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({f"{number}.md": b"x" for number in range(101)}, "101 pages are"),
        ({f"{number}.md": b'"' * 300_000 for number in range(2)}, "which is 1,200,"),
    ],
    ids=["many", "long"],
)
def test_a_folder_that_is_too_large_for_an_atomic_import_is_not_sent(
    sheaf: Sheaf, client: Client, folder: Path, files: dict[str, bytes], said: str
) -> None:
    write(folder, files)
    done = sheaf("import", "--atomic", folder)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert said in line
    assert line.endswith("there may be 100 pages and 1,048,576 bytes. Nothing was sent.")
    assert not list(client.pages_below(folder.parent.name))


def test_an_atomic_import_that_is_overtaken_changes_nothing(
    sheaf: Sheaf, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"page.md": b"# One\n", "other.md": b"# One\n"})
    sheaf("import", folder)
    write(folder, {"page.md": b"# Mine\n", "other.md": b"# Two\n"})
    client = Overtaken(sheaf.url, sheaf.token)
    client.slug, client.text = f"{folder.parent.name}/page", b"# Theirs\n"
    assert atomic.run(client, Task(folder, IMPORT)).counts == {"failed": 1, "left": 1}
    assert f"{client.slug}.md: {STALE}" in capsys.readouterr().err.splitlines()
    assert client.page(f"{folder.parent.name}/other").body == "# One\n"


def test_an_atomic_import_of_which_the_answer_was_lost_is_sent_again(
    sheaf: Sheaf, folder: Path
) -> None:
    write(folder, {"one.md": b"# One\n", "two.md": b"# Two\n"})
    with Proxy(address(sheaf.url)) as wire:
        client = Losing(wire.url(sheaf.url), sheaf.token)
        client.wire = wire
        assert atomic.run(client, Task(folder, IMPORT)).counts == {"created": 2}
    assert {page.version for page in Client(sheaf.url).pages_below(folder.parent.name)} == {1}


class Losing(Client):
    """A client that loses the first answer to its batch."""

    wire: Proxy

    def batch(self, changes: Sequence[Change]) -> list[SavedItem]:
        self.wire.drop_replies()
        return super().batch(changes)
