"""The manual is true: its examples run, its links lead somewhere, its names are page names.

The `sh` blocks of a file are one session of a shell; a `text` block right after one is what it
prints, with … for anything. A block that cannot run here says why: sh skip="…".
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

import pages.app
from sheaf.cli.folder import Folder
from sheaf.cli.places import Places
from sheaf.rendering import markdown
from tests.fixtures import Servers
from tests.needs import needs
from tests.servers.zookeeper import zookeeper_ensemble

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
MANUAL = [file.path for file in Folder(DOCS, dry=True).contents().files]
FILES = [*PROJECT.glob("*.md"), *(DOCS / path for path in MANUAL)]
SKIP = re.compile(r'sh skip="[^"]+"')
END = "end of block"
# What examples call and not every machine has.
TOOLS = ("curl", "openssl")


@dataclass(frozen=True)
class Example:
    """A block of commands and what it is said to print."""

    commands: str
    output: str | None


def tokens(file: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(file.read_text())


def examples(file: Path, info: str = "sh") -> Iterator[Example]:
    """The blocks of a file that are marked so."""
    blocks = tokens(file)
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if block.type == "fence" and block.info == info:
            said = after is not None and after.type == "fence" and after.info == "text"
            yield Example(block.content, after.content if after and said else None)


def name(file: Path) -> str:
    return file.relative_to(PROJECT).as_posix()


def check(given: list[Example], place: Path, environment: dict[str, str]) -> None:
    """Run the examples as one session: they print what they are said to print."""
    script = "".join(f"{example.commands}\nprintf '{END}'\n" for example in given)
    printed = run(script, place, environment)
    for example, output in zip(given, printed, strict=False):
        if example.output is not None:
            pattern = ".*?".join(map(re.escape, example.output.strip().split("…")))
            assert re.fullmatch(pattern, output.strip(), re.DOTALL), (
                f"{example.commands}\nprinted:\n{output}\nand not:\n{example.output}"
            )


def run(script: str, place: Path, environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=place,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.replace("\r\n", "\n").split(END)


@pytest.fixture(scope="session")
def zookeeper_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with zookeeper_ensemble(tmp_path_factory.mktemp("docs") / "zookeeper", 1) as ensemble:
        yield ensemble.url


@pytest.fixture
def addresses(
    servers: Servers,
    empty_cache: str,
    site_url: str,
    mint_token: Callable[[str, str], str],
    file: Path,
    request: pytest.FixtureRequest,
) -> dict[str, str]:
    """What the examples of a file are told of the servers: ZooKeeper only if they ask for it."""
    found = {
        "SHEAF_URL": site_url,
        "SHEAF_TOKEN": mint_token("alice", "editor"),
        "REDIS_URL": empty_cache,
        "DATABASE_URL": servers.database_url,
    }
    if "ZOOKEEPER_URL" in file.read_text():
        found["ZOOKEEPER_URL"] = request.getfixturevalue("zookeeper_url")
    return found


@pytest.mark.parametrize("file", [file for file in FILES if any(examples(file))], ids=name)
def test_the_examples_do_what_they_say(
    file: Path, addresses: dict[str, str], tmp_path: Path
) -> None:
    given = list(examples(file))
    for tool in TOOLS:
        if any(tool in example.commands for example in given):
            needs(shutil.which(tool) is not None, tool)
    environment = {
        **addresses,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    check(given, tmp_path, environment)


@pytest.mark.parametrize("file", FILES, ids=name)
def test_a_block_of_commands_runs_or_says_why_not(file: Path) -> None:
    for token in tokens(file):
        if token.type == "fence" and token.info.startswith(("sh", "bash", "console")):
            assert token.info == "sh" or SKIP.fullmatch(token.info), token.info


@pytest.mark.parametrize("file", FILES, ids=name)
def test_relative_links_lead_to_a_file_and_a_heading(file: Path) -> None:
    for href in links(file):
        parts = urlsplit(href)
        if parts.scheme:
            continue
        target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
        assert target.is_file(), href
        if parts.fragment:
            html = markdown.render(target.read_text(), "page").html
            assert f'id="{parts.fragment}"' in html, href


def test_every_page_of_the_manual_has_a_page_name_and_is_in_the_contents() -> None:
    assert all(f"{Places().slug_of(path)}.md" == path for path in MANUAL)
    assert set(links(DOCS / "home.md")) == set(MANUAL) - {"home.md"}


def test_every_setting_is_described() -> None:
    described = (DOCS / "settings.md").read_text()
    template = (PROJECT / "template.yaml").read_text()
    composed = (PROJECT / "compose.yaml").read_text()
    used = set(re.findall(r"\bSHEAF_[A-Z_]+\b", source_code() + template + composed))
    parameters = set(yaml.load(template, Loader=yaml.BaseLoader)["Parameters"])
    assert {name for name in used | parameters if f"`{name}`" not in described} == set()


def test_every_problem_is_described() -> None:
    described = (DOCS / "errors.md").read_text()
    made = r'(?:Problem\(\s*[\w.]+,|bad_request\([^"\n]*,|_conflict\()\s*"([a-z-]+)"'
    names = set(re.findall(made, source_code()))
    assert {"busy", "bad-slug", "gone", "invalid-fields", "lock-lost"} < names
    assert {name for name in names if f"| `{name}` |" not in described} == set()


def test_every_metric_is_described() -> None:
    described = (DOCS / "metrics.md").read_text()
    calls = re.findall(r"\bmeasure\(([^)]+)", source_code())
    names = {name for call in calls for name in re.findall(r"(\w+)=", call)}
    names |= {name for found in pages.app._METRICS.values() for name in found}
    assert {"LockLost", "ShardsDown", "OutboxSeconds", "CacheHit"} < names
    assert {name for name in names if f"| `{name}` |" not in described} == set()


def source_code() -> str:
    """What is deployed or run, without the tests."""
    folders = ("functions", "layers/common/sheaf", "local", "ops")
    files = (file for name in folders for file in (PROJECT / name).rglob("*.py"))
    return "\n".join(file.read_text() for file in files)


def links(file: Path) -> Iterator[str]:
    for token in tokens(file):
        for child in token.children or ():
            if child.type in ("link_open", "image"):
                yield str(child.attrs.get("href") or child.attrs["src"])
