"""`sheaf search` against a running site: what it finds, and why."""

import json
from collections.abc import Callable
from typing import NamedTuple

import pytest

from sheaf.cli import commands
from sheaf.cli.client import Client


class Result(NamedTuple):
    """What came of a command."""

    status: int
    stdout: str
    stderr: str


Search = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(site_url: str, mint_token: Callable[[str, str], str]) -> str:
    """A folder of pages about the same."""
    name = "cli-search"
    client = Client(site_url, mint_token("carol", "editor"))
    client.save(f"{name}/title", b"# Quokka walks\n", None)
    client.save(
        f"{name}/text", b"---\ntags: [grass]\n---\n# Paths\n\nA quokka walked here.\n", None
    )
    client.save(f"{name}/links", f"# Links\n\n[There](/{name}/title)\n".encode(), None)
    return name


@pytest.fixture
def search(
    site_url: str,
    folder: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Search:
    monkeypatch.setenv("SHEAF_URL", site_url)
    monkeypatch.delenv("SHEAF_TOKEN", raising=False)

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as ended:
            commands.commands(["search", *arguments], prog_name="sheaf")
        return Result(int(ended.value.code or 0), *capsys.readouterr())

    return run


def found(result: Result) -> list[str]:
    """The last part of each address."""
    assert result.status == 0, result
    return [line.rpartition("/")[2] for line in result.stdout.splitlines()]


def test_titles_and_addresses_come_the_best_first(
    search: Search, site_url: str, folder: str
) -> None:
    result = search("quokka", "walks")
    assert result.stdout == (
        f"Quokka walks  {site_url}/{folder}/title\nPaths  {site_url}/{folder}/text\n"
    )
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--limit", "1"], ["title"]),
        (["--in", "cli-search/"], ["title", "text"]),
        (["--in", "cli-search/text"], ["text"]),
        (["--tag", "grass"], ["text"]),
        (["--author", "carol"], ["title", "text"]),
    ],
)
def test_a_search_is_narrowed(search: Search, options: list[str], names: list[str]) -> None:
    assert found(search("quokka", *options)) == names


def test_it_is_explained(search: Search) -> None:
    lines = search("quokka walks", "--explain").stdout.splitlines()
    assert lines[1].startswith("  1. has all of the words; they are its title, and weigh ")
    assert lines[3].startswith("  2. has all of the words; they are in its text, and weigh ")
    assert lines[3].endswith("; 0 pages link to it")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("quokka wal", "these have words that begin so"),
        ("quokka walks hippodrome", "these have some of the words"),
        ('"here quokka"', "these have all of the words, but apart or in other forms"),
    ],
)
def test_what_was_looked_for_instead_is_told_apart(search: Search, words: str, told: str) -> None:
    result = search(words)
    assert found(result)
    assert result.stderr == f"no page has all of it as it was typed; {told}\n"


def test_what_is_no_text_is_refused(search: Search) -> None:
    for arguments in (["\udcff"], ["quokka", "--tag", "\udcff"]):
        result = search(*arguments)
        assert (result.status, result.stdout) == (2, "")
        assert "This is no text in UTF-8." in result.stderr


def test_what_is_known_is_printed_as_json(search: Search, folder: str) -> None:
    said = json.loads(search("quokka", "walks", "--json").stdout)
    assert (said["meant"], said["ends_early"]) == (None, False)
    first = said["items"][0]
    assert (first["slug"], first["matched"], first["place"]) == (f"{folder}/title", "all", "title")
    assert first["snippet"] == "<mark>Quokka</mark> <mark>walks</mark>"


def test_nothing_found_is_a_status_of_its_own(search: Search) -> None:
    result = search("--", "--qwzxvbkj")
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr == "no page has all of these words\n"


@pytest.mark.parametrize(
    "arguments", [[], ["tea", "--limit", "0"], ["tea", "--in", "a//b"], ["--no-such-flag"]]
)
def test_what_makes_no_sense_is_refused(search: Search, arguments: list[str]) -> None:
    assert search(*arguments).status == 2


def test_a_refusal_is_one_line(search: Search) -> None:
    result = search("x" * 201)
    assert result.status == 1
    assert result.stderr.startswith("Error: ")
