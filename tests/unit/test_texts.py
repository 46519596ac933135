"""What the repository's texts name exists: targets of make, files, folders, modules, the version.

All files that git has, or would add, are read, except for data. A text names

- a target by a command: make and its words, in backticks, alone in parentheses, with a variable's
  value after them, or at the beginning of a line in a script or a block of code;
- a file or folder by a path that begins at the top, anywhere; in comments, docstrings and code
  spans also by the end of a file's path, unless it could be a page's (a page is Markdown);
- a module by what follows `python -m`, if it is in a folder of programs.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path, PurePosixPath

import pytest

import sheaf
from tests.needs import needs

ROOT = Path(__file__).parents[2]
DATA = {".json", ".png", ".svg", ".txt"}
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
COMMENT = re.compile(r"(?:^|\s)# (.*)$", re.MULTILINE)

MAKE = re.compile(r"(?:`make |\(make (?=\S+\))|\bmake (?=\S+ [A-Z]+=))([^`)\n]*)")
MAKE_LINE = re.compile(r"^[ \t]*(?:- )?(?:run: )?make ([^\n;&|#]*)", re.MULTILINE)
TARGET = re.compile(r"[a-z.][\w./-]*")
RULE = re.compile(r"^([\w./%-]+(?: [\w./%-]+)*):(?!=)(?: ([\w./%-]+))?", re.MULTILINE)
MODULE = re.compile(r"-m ((?:bench|local|ops|tests)(?:\.\w+)*)")
# A path is no part of a longer one, of an address, or of what a program puts together.
ALONE = r"(?<![\w/.:@$}{%<>~*-])"
PATH = re.compile(ALONE + r"(\.?[\w-]+/[\w./*-]*)")
SUFFIX = "css|html|in|js|json|mako|pml|py|sh|svg|toml|ya?ml"
FILE = re.compile(ALONE + rf"((?:[\w-]+/)*(?:\w[\w.-]*\.(?:{SUFFIX})|[A-Z]+\.md))(?![\w/])")


@cache
def texts() -> dict[str, str]:
    """The path and the content of every file that git has or would add."""
    here = shutil.which("git") is not None and (ROOT / ".git").exists()
    needs(here, "git, and a clone by it")
    git = ("git", "-c", "safe.directory=*")  # whoever owns the clone
    command = [*git, "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True, timeout=60)
    paths = [path for path in done.stdout.splitlines() if (ROOT / path).is_file()]
    return {path: (ROOT / path).read_text(errors="replace") for path in paths}


@cache
def places() -> set[str]:
    """Every file and every folder."""
    folders = {str(parent) for path in texts() for parent in PurePosixPath(path).parents}
    return {*texts(), *folders}


@cache
def tops() -> set[str]:
    """The folders of the top level."""
    return {path.partition("/")[0] for path in texts() if "/" in path}


@cache
def targets() -> set[str]:
    """What make makes here: a pattern counts for each file that it is made of."""
    found = set()
    for name in (path for path in texts() if PurePosixPath(path).name == "Makefile"):
        for names, source in RULE.findall(texts()[name]):
            stem = re.compile(re.escape(source).replace("%", "(.+)"))
            stems = filter(None, map(stem.fullmatch, texts())) if "%" in names else ()
            found |= {names.replace("%", match[1]) for match in stems} or set(names.split())
    return found


def commands(path: str, text: str) -> Iterator[str]:
    """What follows make in commands."""
    yield from MAKE.findall(text)
    if path.endswith(".md"):
        text = "\n".join(FENCED.findall(text))
    if not path.endswith(".py"):
        yield from MAKE_LINE.findall(text)


def named_targets(path: str, text: str) -> Iterator[str]:
    for command in commands(path, text):
        yield from takewhile(TARGET.fullmatch, command.split())


def prose(path: str, text: str) -> Iterator[str]:
    """What is said about the code, not by it."""
    if path.endswith(".md"):
        yield from SPAN.findall(FENCED.sub("", text))
        return
    yield from COMMENT.findall(text)
    if path.endswith(".py"):
        yield from DOCSTRING.findall(text)


def named_paths(_path: str, text: str) -> Iterator[str]:
    """Paths from the top."""
    for name in PATH.findall(text):
        if name.partition("/")[0] in tops():
            yield name.rstrip("/.-")
    for module in MODULE.findall(text):
        yield module.replace(".", "/")


def named_files(path: str, text: str) -> Iterator[str]:
    """Ends of paths."""
    return (name for part in prose(path, text) for name in FILE.findall(part))


def is_place(path: str) -> bool:
    if "*" in path:
        return any(PurePosixPath(place).match(path) for place in places())
    return path in places() or f"{path}.py" in places()


def is_file(end: str) -> bool:
    # A README below some folder is an example: of what people have in folders of theirs.
    return end.endswith("/README.md") or any(f"/{path}".endswith(f"/{end}") for path in texts())


def is_target(name: str) -> bool:
    return name in targets()


KINDS = [(named_targets, is_target), (named_paths, is_place), (named_files, is_file)]


SAMPLES = [
    (
        named_targets,
        "a.py",
        "Say `make lint audit`, or (make run), and make it so.",
        "lint audit run",
    ),
    (named_targets, "a.md", "Then\nmake it.\n```sh\nmake test  # all\n```\n", "test"),
    (named_targets, "a.yaml", "  - run: make lint\n  # make build ARCH=arm64", "build lint"),
    (named_paths, "a.py", "at docs/home.md, not https://example.org/docs/nothing", "docs/home.md"),
    (
        named_paths,
        "a.md",
        "python -m bench.serve 0.1, events/*/*.json.",
        "events/*/*.json bench/serve",
    ),
    (named_files, "a.py", "seen.json()  # as pages/app.py does", "pages/app.py"),
    (named_files, "a.md", "`README.md`, `tea.md`, `a.py`", "README.md a.py"),
]


@pytest.mark.parametrize(("named", "path", "text", "names"), SAMPLES)
def test_what_a_text_names(
    named: Callable[[str, str], Iterator[str]], path: str, text: str, names: str
) -> None:
    assert list(named(path, text)) == names.split()


@pytest.mark.parametrize(("named", "exists"), KINDS, ids=["targets", "paths", "files"])
def test_what_is_named_exists(
    named: Callable[[str, str], Iterator[str]], exists: Callable[[str], bool]
) -> None:
    read = {path: text for path, text in texts().items() if Path(path).suffix not in DATA}
    found = [(path, name) for path, text in read.items() for name in named(path, text)]
    assert len(found) > 20
    missing = [f"{path}: {name}" for path, name in found if not exists(name)]
    assert not missing, "\n".join(missing)


def test_the_newest_version_that_is_told_of_is_this_one() -> None:
    versions = re.findall(r"^## \[?(\d[\w.]*)", texts()["CHANGELOG.md"], re.MULTILINE)
    assert versions[0] == sheaf.__version__
