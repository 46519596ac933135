"""Where the links of a folder of Markdown lead, as generators and editors of such folders have it.

It is the other side of bench/folders.py, and shares nothing with Sheaf but the parser's library.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

_SUFFIXES = (".md", ".mdx", ".markdown")
_OF_FOLDER = ("index", "_index", "readme")
_HEADING_ID = re.compile(r"\{:?\s*#([\w.-]+)[^{}]*\}\s*$")
_RAW_ID = re.compile(r"""<[a-z][^<>]*?\b(?:id|name)=["']?([^"'\s>]+)""", re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)\s*\n.*?^\1\s*$", re.DOTALL | re.MULTILINE)
# Of `[[Name]]`, which may be in any folder.
_ANYWHERE = "wiki"
_WIKI = re.compile(r"(?<!!)\[\[([^\[\]|#]*)(#[^\[\]|]*)?(?:\|([^\[\]]*))?\]\]")


@dataclass(frozen=True)
class Link:
    """A link: its words, of which letters and digits count, and its address."""

    words: str
    href: str

    @classmethod
    def of(cls, words: str, href: str) -> Self:
        """The link with these words."""
        return cls(re.sub(r"\W+", " ", words).strip(), href)


class Folder:
    """The Markdown files below a folder, hidden ones aside, by their paths."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = {
            path.relative_to(root).as_posix(): path.read_text("utf-8", "replace")
            for path in sorted(root.rglob("*"))
            if path.suffix.lower() in _SUFFIXES and path.is_file() and not path.is_symlink()
            if not any(part.startswith(".") for part in path.relative_to(root).parts)
        }
        self._folded = {_key(path): path for path in self.files}
        self._named = {posixpath.basename(key): path for key, path in self._folded.items()}
        self._ids: dict[str, set[str]] = {}

    def links(self, file: str) -> list[Link]:
        """The links of a file, as they come."""
        return list(_links(_tokens(self.files[file])))

    def resolves(self, file: str, href: str) -> bool:
        """Whether a link of a file leads to a file of the folder, and to a heading that it has."""
        parts = urlsplit(href)
        if parts.scheme not in ("", _ANYWHERE) or parts.netloc or "{" in href:
            return False
        there = self._target(file, unquote(parts.path)) if parts.path else file
        if there is None and parts.scheme:
            there = self._named.get(posixpath.basename(_key(parts.path)))
        if there is None:
            return False
        return not parts.fragment or self._has(there, unquote(parts.fragment), parts.scheme)

    def _has(self, file: str, heading: str, scheme: str) -> bool:
        """Whether a file has a heading; in `[[Name#Heading]]` its case does not matter."""
        ids = self._ids_of(file)
        if scheme == _ANYWHERE:
            return heading.casefold() in {each.casefold() for each in ids}
        return heading in ids

    def _target(self, file: str, path: str) -> str | None:
        folder, stem = posixpath.dirname(file), posixpath.splitext(file)[0]
        is_index = posixpath.basename(stem).casefold() in _OF_FOLDER
        for start in ("",) if path.startswith("/") else (folder, folder if is_index else stem):
            whole = posixpath.normpath(posixpath.join("/", start, path.lstrip("/"))).strip("/")
            if found := self._folded.get(_key(whole)):
                return found
        return None

    def _ids_of(self, file: str) -> set[str]:
        if file not in self._ids:
            self._ids[file] = {*_ids(self.files[file])}
        return self._ids[file]


def _key(path: str) -> str:
    """What all paths have in common that lead to the same page."""
    stem = re.sub(r"\.(?:mdx?|markdown|html?)\Z", "", path, flags=re.IGNORECASE)
    folder, _, name = stem.rpartition("/")
    return (folder if name.casefold() in _OF_FOLDER else stem).casefold()


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def _tokens(text: str) -> list[Token]:
    return _parser().parse(_FRONT_MATTER.sub("", text))


def _links(tokens: list[Token]) -> Iterator[Link]:
    for token in tokens:
        href, words = None, ""
        for part in token.children or ():
            if part.type == "link_open":
                href, words = str(part.attrGet("href")), ""
            elif part.type == "link_close" and href is not None:
                yield Link.of(words, href)
                href = None
            else:
                words += " " if part.type.endswith("break") else part.content
                if part.type == "text" and href is None:
                    for name, heading, label in _WIKI.findall(part.content):
                        yield Link.of(label or name + heading, f"{_ANYWHERE}:{name}{heading}")


def _ids(text: str) -> Iterator[str]:
    yield from _RAW_ID.findall(text)
    used = Counter[str]()
    tokens = _tokens(text)
    for opening, token in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        if found := _HEADING_ID.search(token.content):
            yield found[1]
        words = "".join(part.content for part in token.children or ())
        words = _HEADING_ID.sub("", words).strip().casefold()
        for name in {
            re.sub(r"[^\w\s-]", "", words).replace(" ", "-"),  # as GitHub
            re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", words)),  # as Python-Markdown
            words.replace(" ", "-"),
            words,
        }:
            yield f"{name}-{used[name]}" if used[name] else name
            used[name] += 1
