"""How much of real folders of Markdown arrives on a site.

    python -m bench.folders FOLDER...

imports each folder into a throw-away site of its own and walks every page of it. A link counts if
it leads somewhere in the folder: to a file, as generators and editors follow such links, and to a
heading in it. It arrives if the page's link of the same words leads to a page that is there, and
to something in it. A page is clean if no markup shows in its text, code aside.

Then the site is exported, and the files are counted that come out byte for byte: into an empty
folder; into the same once its names are decomposed, as some disks have them; and once they are
capitals, on a disk that ignores case. (There is no such disk: the command is told that it has one.)
The numbers go to standard output and to bench/results/folders.json.

Left out: images and other files, links that templates make, links to other sites, and pages with
marks of a template language, which are counted apart. How a page looks was not looked at.
"""

import json
import re
import subprocess
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import urllib3

from bench.folder_links import Folder, Link
from bench.import_speed import running_site
from ops import tokens
from sheaf.cli.client import Client

RESULTS = Path(__file__).parent / "results" / "folders.json"
# Marks that are no text for readers, wherever they come from.
MARKUP = {
    "HTML": r"</?[a-z][a-z0-9]*(?: [^<>]*)?/?>|<!--",
    "links": r"\]\(|\[\[[^\]]+\]\]|^\[[^\]]+\]: ",
    "footnotes": r"\[\^[\w-]+\]",
    "admonitions": r"^\s*(?:!!!|\?\?\?|:::|///)|\[!(?:NOTE|TIP|WARNING|IMPORTANT|CAUTION)\]",
    "attributes": r"\{:? ?[#.][\w-]+[^{}]*\}",
    "tables": r"\|\s*:?-{3,}:?\s*\|",
    "tasks": r"^\s*\[[ x]\] ",
    "emphasis": r"\*\*\w|~~\w",
}
PATTERNS = {name: re.compile(pattern, re.MULTILINE) for name, pattern in MARKUP.items()}
_SHEAF = "from sheaf.cli import folder, main; {}; main()"
_CASELESS = _SHEAF.format("folder._is_same = folder._folds_case = lambda *_: True")
TEMPLATE = re.compile(r"\{\{|\{%|^--8<--", re.MULTILINE)


@dataclass(frozen=True)
class Arrival:
    """What became of one folder; `markup` counts the pages in which each kind shows.

    `lost` has the links that did not arrive, as `FILE: words -> address`, and `same` how many files
    came out byte for byte, by the kind of disk.
    """

    name: str
    files: int
    taken: int
    links: int
    arrived: int
    templates: int
    pages: int
    clean: int
    markup: dict[str, int]
    lost: list[str]
    report: dict[str, Any]
    same: dict[str, int]


def main() -> None:
    """Bring each folder, walk it, print a table and what was lost, and save the numbers."""
    found = [arrival(Path(name)) for name in sys.argv[1:]]
    print(f"{'folder':<20}{'taken':>12}{'links':>13}{'clean pages':>13}{'templates':>11}  out")
    for one in found:
        taken, links = f"{one.taken}/{one.files}", f"{one.arrived}/{one.links}"
        clean, same = f"{one.clean}/{one.pages}", " ".join(map(str, one.same.values()))
        print(f"{one.name:<20}{taken:>12}{links:>13}{clean:>13}{one.templates:>11}  {same}")
    for one in found:
        for link in one.lost:
            print(f"lost: {one.name}/{link}")
    _save(found)


def _save(found: list[Arrival]) -> None:
    # The words of a link are those of the folder's authors.
    folders = [{**asdict(one), "lost": len(one.lost)} for one in found]
    measured = datetime.now(UTC).isoformat(timespec="seconds")
    RESULTS.write_text(json.dumps({"measured": measured, "folders": folders}, indent=2) + "\n")


def arrival(root: Path) -> Arrival:
    """Import one folder, walk its pages, and export them."""
    with tempfile.TemporaryDirectory(prefix="sheaf-bench-") as name:
        home = Path(name) / "home"
        home.mkdir()
        # The site has none of our pages.
        (home / "docs-imported").touch()
        with running_site(home) as (_, url):
            token = tokens.mint(home, url, "bench", "editor", timedelta(hours=1))
            command = Command(url, token)
            report = command.run("import", root)
            folder = Folder(root)
            taken = [file for file, _ in Site(url).pages() if file in folder.files]
            same = _exported(root, Path(name) / "out", taken, command)
            return _walk(folder, Site(url), report, same)


@dataclass(frozen=True)
class Command:
    """The command, as an editor of a site uses it."""

    url: str
    token: str

    def run(self, *arguments: str | Path, program: str = _SHEAF.format("...")) -> dict[str, Any]:
        """What came of it by numbers."""
        command = [sys.executable, "-c", program, "--url", self.url, "--token", self.token]
        command += [*map(str, arguments), "--json"]
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE)
        report: dict[str, Any] = json.loads(done.stdout)
        del report["items"]
        return report


def _exported(root: Path, out: Path, taken: list[str], command: Command) -> dict[str, int]:
    """How many of the files that were taken come out byte for byte, by the kind of disk."""
    command.run("export", out)
    same = {"any": _same(root, out, taken, str)}
    _rename(out, lambda name: unicodedata.normalize("NFD", name))
    command.run("export", out, "--overwrite")
    same["decomposed"] = _same(root, out, taken, lambda name: unicodedata.normalize("NFC", name))
    _rename(out, str.upper)
    command.run("export", out, "--overwrite", program=_CASELESS)
    return {**same, "caseless": _same(root, out, taken, str.casefold)}


def _same(root: Path, out: Path, taken: list[str], key: Callable[[str], str]) -> int:
    """How many files are in both, with the same bytes; no file may be there twice, or beside."""
    there = [path for path in out.rglob("*") if path.is_file() and ".sheaf" not in path.parts]
    found = {key(path.relative_to(out).as_posix()): path.read_bytes() for path in there}
    same = [file for file in taken if found.get(key(file)) == (root / file).read_bytes()]
    return len(same) - (len(there) - len(found))


def _rename(root: Path, change: Callable[[str], str]) -> None:
    for path in sorted(root.rglob("*"), reverse=True):
        if ".sheaf" not in path.parts:
            path.rename(path.with_name(change(path.name)))


def _walk(folder: Folder, site: "Site", report: dict[str, Any], same: dict[str, int]) -> Arrival:
    pages = {file: slug for file, slug in site.pages() if file in folder.files}
    links = clean = 0
    lost: list[str] = []
    markup = dict.fromkeys(PATTERNS, 0)
    plain = [file for file in pages if not TEMPLATE.search(folder.files[file])]
    for file in plain:
        page = site.page(pages[file])
        wanted = [link for link in folder.links(file) if folder.resolves(file, link.href)]
        links += len(wanted)
        arrived = [
            link
            for link, href in _shown(folder.links(file), page)
            if site.leads_on(pages[file], href)
        ]
        missed = Counter(wanted) - Counter(arrived)
        lost += [f"{file}: {link.words} -> {link.href}" for link in missed.elements()]
        kinds = [name for name, pattern in PATTERNS.items() if pattern.search(page.text)]
        for kind in kinds:
            markup[kind] += 1
        clean += not kinds
    taken, templates = len(pages), len(pages) - len(plain)
    names = (folder.root.name, len(folder.files), taken, links, links - len(lost), templates)
    return Arrival(*names, len(plain), clean, markup, lost, report, same)


def _shown(source: list[Link], page: "Page") -> Iterator[tuple[Link, str]]:
    """The links of a file that are in its page, with the addresses that they have there.

    Notes stand elsewhere in the page: what is left is paired by its words alone.
    """
    ours, theirs = [link.words for link in source], [link.words for link in page.links]
    same = SequenceMatcher(None, ours, theirs, autojunk=False)
    pairs = {
        start + step: there + step
        for start, there, size in same.get_matching_blocks()
        for step in range(size)
    }
    left = dict(enumerate(page.links))
    for number in pairs.values():
        del left[number]
    for number, link in enumerate(source):
        if number not in pairs:
            place = next((at for at, other in left.items() if other.words == link.words), None)
            if place is None:
                continue
            pairs[number] = place
            del left[place]
        yield link, page.links[pairs[number]].href


class Site:
    """A site as a reader finds it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager()
        self._pages: dict[str, Page] = {}

    def pages(self) -> Iterator[tuple[str, str]]:
        """The file and the slug of each page."""
        for page in Client(self._url).pages():
            yield page.file, page.slug

    def page(self, path: str) -> "Page":
        """What is at an address, once redirects are followed."""
        if path not in self._pages:
            # What has come since the page was saved counts: its links are looked up once more.
            newest = {"Cache-Control": "no-cache"}
            address = f"{self._url}/{path.lstrip('/')}"
            answer = self._pool.request("GET", address, headers=newest)
            self._pages[path] = Page(answer.status, answer.data.decode())
        return self._pages[path]

    def leads_on(self, path: str, link: str) -> bool:
        """Whether there is a page where a page's link leads, and in it what the fragment names."""
        parts = urlsplit(urljoin(f"/{path}", link))
        if parts.scheme or parts.netloc:
            return False
        page = self.page(parts.path)
        return page.status == 200 and (not parts.fragment or unquote(parts.fragment) in page.ids)


class Page(HTMLParser):
    """A document: its links and ids, and the text of its article without code."""

    def __init__(self, status: int, html: str) -> None:
        super().__init__()
        self.status = status
        self.text = ""
        self.ids: set[str] = set()
        self.links: list[Link] = []
        self._open: list[str] = []
        self._href: str | None = None
        self._words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an id, and where a link begins."""
        given = dict(attrs)
        self.ids |= {value for name in ("id", "name") if (value := given.get(name))}
        if tag in ("article", "pre", "code"):
            self._open.append(tag)
        if tag == "img":
            self._words += given.get("alt") or ""
        if tag == "a":
            self._href, self._words = given.get("href"), ""

    def handle_endtag(self, tag: str) -> None:
        """Note where a link ends."""
        if tag in self._open:
            self._open.remove(tag)
        if tag == "a" and self._href is not None and "article" in self._open:
            self.links.append(Link.of(self._words, self._href))
            self._href = None

    def handle_data(self, data: str) -> None:
        """Note what readers see."""
        self._words += data
        if self._open == ["article"]:
            self.text += data


if __name__ == "__main__":
    main()
