"""Texts for judged searches: manuals that Debian packages ship, as Markdown pages.

The packages are fetched by apt-get and unpacked, without being installed. None of their text is in
this repository: what is in bench/judged names pages by their slugs.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

# Debian 12's. Its later point releases ship the same manuals with small mends.
PACKAGES = (
    "debian-handbook",
    "git-doc",
    "nodejs-doc",
    "postgresql-doc-15",
    "python3.11-doc",
)
# The translations of debian-handbook that are used, and the language of each.
HANDBOOKS = {
    "en-US": "en",
    "ar-MA": "ar",
    "de-DE": "de",
    "es-ES": "es",
    "fa-IR": "fa",
    "fr-FR": "fr",
    "it-IT": "it",
    "ja-JP": "ja",
    "nb-NO": "nb",
    "pl-PL": "pl",
    "pt-BR": "pt",
    "ru-RU": "ru",
    "tr-TR": "tr",
    "vi-VN": "vi",
    "zh-CN": "zh",
}
_SOURCES = {
    "git": "usr/share/doc/git-doc",
    "node": "usr/share/doc/nodejs/api",
    "postgres": "usr/share/doc/postgresql-doc-15/html",
    "python": "usr/share/doc/python3.11/html",
}
_HANDBOOK = "usr/share/doc/debian-handbook/html"
_LEFT_OUT = re.compile(r"(^|/)(_|genindex|search|index|py-modindex|all|bookindex)[^/]*\.html$")
_MINUTES = 10 * 60
# Of what is translated, paragraphs are still in English here and there. What has more of its words
# is left out.
_ENGLISH = re.compile(r"\b(?:the|of|and|to|is|in|for|that)\b")
_MOST_ENGLISH = 0.03


@dataclass(frozen=True)
class Text:
    """A page of a manual; `body` is Markdown, without a heading for the title."""

    slug: str
    title: str
    lang: str
    body: str


def unpacked(folder: Path) -> Path:
    """The folder, with the packages in it; raises CalledProcessError."""
    for package in PACKAGES:
        if not list(folder.glob(f"{package}_*.deb")):
            folder.mkdir(parents=True, exist_ok=True)
            _run(["apt-get", "-q", "download", package], folder)
        [archive] = folder.glob(f"{package}_*.deb")
        if not (done := folder / f"{archive.name}.unpacked").exists():
            _run(["dpkg", "-x", archive.name, "."], folder)
            done.touch()
    return folder


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, timeout=_MINUTES, stdout=subprocess.DEVNULL)


def texts(folder: Path) -> Iterator[Text]:
    """All pages, manual by manual."""
    for name, place in _SOURCES.items():
        yield from _manual(folder / place, name, "en")
    for place, lang in HANDBOOKS.items():
        yield from _manual(folder / _HANDBOOK / place, f"handbook/{lang}", lang)


def _manual(root: Path, name: str, lang: str) -> Iterator[Text]:
    for path in sorted(root.rglob("*.html")):
        place = path.relative_to(root).as_posix()
        if _LEFT_OUT.search(place) or path.is_symlink():
            continue
        page = _Page()
        page.feed(path.read_text(encoding="utf-8", errors="replace"))
        page.close()
        title, body = page.title, page.body
        if title and body and (lang == "en" or _is_translated(body)):
            yield Text(f"{name}/{place.removesuffix('.html')}", title, lang, body)


def _is_translated(body: str) -> bool:
    return sum(map(len, _ENGLISH.findall(body))) < _MOST_ENGLISH * len(body)


_SKIPPED = {"header", "script", "style", "nav", "footer", "head"}
_VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
_FURNITURE = re.compile(
    r"\b(sphinxsidebar|related|navheader|navfooter|docnav|headerlink|toc|gtoc|footer|mobile-nav|"
    r"menu|banner|apidoc|column2|picker-header|mark|toctree-wrapper|legalnotice|copy-button)\b"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = {
    "p",
    "li",
    "dt",
    "dd",
    "div",
    "td",
    "th",
    "section",
    "tr",
    "table",
    "ul",
    "ol",
    "dl",
    "pre",
}
_NUMBER = re.compile(r"^(?:[^\W\d]+\s+)?(?:[0-9]+|[A-Z])(?:\.[0-9]+)*\.\s+")
_SIGNS = re.compile(r"([\\`*_{}\[\]<>()#+!|~$^=:%&-])")


class _Page(HTMLParser):
    """Reads a page of HTML: its title, and what it says in Markdown."""

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self._parts: list[str] = []
        self._words: list[str] = []
        self._skipping: list[str] = []
        self._open: list[str] = []
        self._level = 0
        self._verbatim = 0

    @property
    def body(self) -> str:
        return "\n\n".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        said = dict(attrs)
        names = f"{said.get('class') or ''} {said.get('id') or ''} {said.get('role') or ''}"
        if self._skipping or tag in _SKIPPED or (tag != "body" and _FURNITURE.search(names)):
            self._skipping.append(tag)
            return
        if said.get("id") == "title" and tag == "p":
            self._skipping.append(tag)
            return
        if tag in _BLOCKS or tag in _HEADINGS:
            self._end_block()
        if tag in _HEADINGS:
            self._level = _HEADINGS[tag]
        if tag == "pre":
            self._verbatim += 1

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            if tag in self._skipping:
                while self._skipping.pop() != tag:
                    pass
            return
        if tag in _BLOCKS or tag in _HEADINGS:
            self._end_block()
        if tag in _HEADINGS:
            self._level = 0
        if tag == "pre" and self._verbatim:
            self._verbatim -= 1

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self._words.append(data)

    def close(self) -> None:
        super().close()
        self._end_block()

    def _end_block(self) -> None:
        said, self._words = "".join(self._words), []
        if self._verbatim and said.strip():
            self._parts.append("\n".join(f"    {line}" for line in said.strip("\n").splitlines()))
            return
        line = " ".join(said.replace("\xb6", " ").split())
        if not line:
            return
        if self._level and not self.title:
            self.title = _unnumbered(line)
        elif self._level:
            self._parts.append(f"{'#' * self._level} {_SIGNS.sub(_escaped, _unnumbered(line))}")
        else:
            self._parts.append(_SIGNS.sub(_escaped, line))


def _escaped(sign: re.Match[str]) -> str:
    return f"\\{sign[1]}"


def _unnumbered(line: str) -> str:
    """A heading without its number, which nobody knows."""
    return _NUMBER.sub("", line).removesuffix(" Manual Page")
