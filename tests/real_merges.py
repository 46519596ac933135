"""Merges that people made, made again: by `sheaf.diff3` and by `git merge-file`.

    python -m tests.real_merges /path/to/a/repository --most 1000

takes the text files that both sides of a merge commit in a git repository have changed, the newest
merges first, and counts what came of each. Ends with status 1 if there is one that git merges
otherwise. Nothing in the repository is changed.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sheaf import diff3

_TEXTS = (".md", ".mdx", ".rst", ".txt", ".adoc")
# Of one file: what both began with, and what each made of it.
_Three = tuple[bytes, bytes, bytes]


def compare(repository: Path, most: int) -> Counter[str]:
    """What came of so many merges of files at most."""
    with tempfile.TemporaryDirectory(prefix="sheaf-merges-") as home:
        return Counter(_compared(three, Path(home)) for three in islice(_threes(repository), most))


def _compared(three: _Three, home: Path) -> str:
    for name, text in zip(("base", "mine", "theirs"), three, strict=True):
        (home / name).write_bytes(text)
    command = ["git", "merge-file", "--stdout", "--quiet", "mine", "base", "theirs"]
    git = subprocess.run(command, cwd=home, capture_output=True, check=False)
    merged = diff3.merge(*(text.decode() for text in three))
    if git.returncode and merged.conflicts:
        return "conflict for both"
    if git.returncode or merged.conflicts:
        return "conflict for one alone"
    return "same text" if merged.text.encode() == git.stdout else "another text"


def _threes(repository: Path) -> Iterator[_Three]:
    one_parent_more = ("--min-parents=2", "--max-parents=2", "--format=%P")
    for parents in _git(repository, "log", "--all", *one_parent_more).decode().splitlines():
        mine, theirs = parents.split()
        base = _git(repository, "merge-base", mine, theirs).decode().split()
        if not base:
            continue
        changed = [_changed(repository, base[0], side) for side in (mine, theirs)]
        for path in sorted(changed[0].keys() & changed[1].keys()):
            (before, after), (_, other) = changed[0][path], changed[1][path]
            texts = tuple(
                _git(repository, "cat-file", "blob", blob) for blob in (before, after, other)
            )
            if after != other and all(map(_is_text, texts)):
                yield texts[0], texts[1], texts[2]


def _changed(repository: Path, base: str, side: str) -> dict[str, tuple[str, str]]:
    """The blobs of each text before and after, by path."""
    changed = {}
    fields = (
        _git(repository, "diff-tree", "-r", "-z", base, side).decode(errors="replace").split("\0")
    )
    for meta, path in zip(fields[::2], fields[1::2], strict=False):  # there is a last one, empty
        _, _, before, after, status = meta.split()
        if status == "M" and path.endswith(_TEXTS):
            changed[path] = before, after
    return changed


def _git(repository: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, check=False).stdout


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def main() -> int:
    """Compare, and say what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--most", type=int, default=1000, metavar="FILES")
    counts = compare(**vars(parser.parse_args()))
    sys.stdout.writelines(f"{count:8} {name}\n" for name, count in sorted(counts.items()))
    return 1 if counts["another text"] or counts["conflict for one alone"] else 0


if __name__ == "__main__":
    sys.exit(main())
