"""How often a search shows the page that was looked for: judged queries, beside SQLite's FTS5.

    python -m bench.search_quality [--closed] [--before COMMIT] [--packages FOLDER] [--misses]

imports the manuals of `bench.search_texts` (2,800 pages in 15 languages) into a throw-away site
and asks its API the queries of bench/judged: those that search is tuned with, or with --closed the
others, which nobody looks at before the end. Whoever judged them had not seen the code. A query is
answered if one of the pages that were judged good is among the first three. --before has another
commit's site answer them too. The packages (60 MB) are fetched with apt-get into FOLDER, or into a
temporary one. It takes some minutes.

FTS5 ranks by bm25 with porter's stems, a title for ten times a text, and gets the words of a query
in quotes, so that signs are no syntax.

Left out: what a query costs (see bench.search), pages with more than one good answer in another
language than the query's, and everything that a person sees beside the first three pages.
"""

import argparse
import json
import sqlite3
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench import search_texts
from bench.import_rounds import served, tree
from bench.search_texts import Text
from local.gateway.config import PROJECT

JUDGED = Path(__file__).parent / "judged"
RESULTS = Path(__file__).parent / "results" / "search_quality.json"
STEP_SECONDS = 1200
# A site looks after what was imported once a minute.
UPKEEP_SECONDS = 75
OURS, FTS5 = "sheaf", "FTS5"
LEAST_TOP_3, LEAST_TOP_1, LEAST_AHEAD = 0.90, 0.78, 0.15

# The slugs that are found for a query, the best first.
Search = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Judged:
    """A query, its language and kind, and the slugs of pages that answer it."""

    query: str
    lang: str
    kind: str
    pages: list[str]


def main() -> None:
    """Measure, print, save."""
    wanted = arguments()
    queries = [Judged(**one) for one in json.loads(_file(wanted.closed).read_text("utf-8"))]
    with tempfile.TemporaryDirectory(prefix="sheaf-bench-") as name, ExitStack() as stack:
        place = Path(name)
        packages = search_texts.unpacked(Path(wanted.packages or place / "packages"))
        texts = list(search_texts.texts(packages))
        folder = written(texts, place / "in")
        searches = {OURS: stack.enter_context(site(PROJECT, folder, place / "ours"))}
        if wanted.before:
            code = tree(wanted.before, place / "tree")
            searches[wanted.before] = stack.enter_context(site(code, folder, place / "before"))
        searches[FTS5] = full_text(texts)
        places = {name: [rank(search, one) for one in queries] for name, search in searches.items()}
    result = summary(wanted.closed, queries, places, len(texts))
    show(result, queries, places if wanted.misses else {})
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.search_quality")
    parser.add_argument("--closed", action="store_true")
    parser.add_argument("--before", metavar="COMMIT")
    parser.add_argument("--packages", metavar="FOLDER")
    parser.add_argument("--misses", action="store_true", help="print what was not answered")
    return parser.parse_args()


def _file(closed: bool) -> Path:
    return JUDGED / ("closed.json" if closed else "tuning.json")


def written(texts: Iterable[Text], folder: Path) -> Path:
    """The texts as files to import."""
    for text in texts:
        path = folder / f"{text.slug}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        said = {"title": text.title, "lang": text.lang}
        front = "".join(f"{name}: {json.dumps(value)}\n" for name, value in said.items())
        path.write_text(f"---\n{front}---\n\n{text.body}\n", "utf-8")
    return folder


@contextmanager
def site(code: Path, folder: Path, place: Path) -> Iterator[Search]:
    """A search on a site of this code, in a folder for it, with the pages of a folder."""
    place.mkdir()
    with served("site", code, place) as side:
        replace(side, step_seconds=STEP_SECONDS).run("import", folder)
        time.sleep(UPKEEP_SECONDS)
        yield lambda query: asked(side.environment["SHEAF_URL"], query)


def asked(url: str, query: str) -> list[str]:
    """The first ten that the API shows."""
    address = f"{url}/api/search?limit=10&q={quote(query)}"
    with urllib.request.urlopen(address, timeout=60) as answer:
        return [hit["slug"] for hit in json.load(answer)["items"]]


def full_text(texts: Iterable[Text]) -> Search:
    """A search in FTS5."""
    database = sqlite3.connect(":memory:")
    database.execute(
        "CREATE VIRTUAL TABLE page USING fts5(slug UNINDEXED, title, body, tokenize='porter')"
    )
    rows = ((text.slug, text.title, text.body.replace("\\", "")) for text in texts)
    database.executemany("INSERT INTO page VALUES (?, ?, ?)", rows)

    def search(query: str) -> list[str]:
        words = " ".join(f'"{word}"' for word in query.replace('"', " ").split())
        ranked = "SELECT slug FROM page WHERE page MATCH ? ORDER BY bm25(page, 0, 10, 1) LIMIT 10"
        return [slug for (slug,) in database.execute(ranked, (words,))] if words else []

    return search


def rank(search: Search, judged: Judged) -> int | None:
    """At which place the first good page is, from 1; None if none is among the first ten."""
    good = (place for place, slug in enumerate(search(judged.query), 1) if slug in judged.pages)
    return next(good, None)


def summary(
    closed: bool, queries: Sequence[Judged], places: dict[str, list[int | None]], pages: int
) -> dict[str, Any]:
    """The shares of queries that were answered, of all and by kind and language."""
    groups: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(queries):
        for group in ("all", one.kind, one.lang):
            groups[group].append(number)
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "half": "closed" if closed else "tuning",
        "pages": pages,
        "queries": {group: len(numbers) for group, numbers in groups.items()},
        **{
            f"top_{most}": {
                name: {group: share(found, numbers, most) for group, numbers in groups.items()}
                for name, found in places.items()
            }
            for most in (1, 3)
        },
    }


def share(found: Sequence[int | None], numbers: Sequence[int], most: int) -> float:
    """Of these queries, how many had a good page among so many."""
    return sum((found[number] or most + 1) <= most for number in numbers) / len(numbers)


def show(
    result: dict[str, Any], queries: Sequence[Judged], places: dict[str, list[int | None]]
) -> None:
    """Print the table, what was missed if places are given, and what it does not say."""
    names = list(result["top_3"])
    print(f"{result['half']} half, {result['pages']} pages: top 3 (top 1) in percent")
    print(f"{'':12}{'queries':>8}" + "".join(f"{name:>16}" for name in names))
    for group, count in result["queries"].items():
        cells = (
            f"{100 * result['top_3'][name][group]:.0f} ({100 * result['top_1'][name][group]:.0f})"
            for name in names
        )
        print(f"{group:12}{count:>8}" + "".join(f"{cell:>16}" for cell in cells))
    ours, theirs = result["top_3"][OURS]["all"], result["top_3"][FTS5]["all"]
    print(f"top 3 at least {LEAST_TOP_3:.0%}: {verdict(ours >= LEAST_TOP_3)}", end="; ")
    print(
        f"top 1 {LEAST_TOP_1:.0%}: {verdict(result['top_1'][OURS]['all'] >= LEAST_TOP_1)}", end=""
    )
    print(f"; {LEAST_AHEAD:.0%} ahead of FTS5: {verdict(ours - theirs >= LEAST_AHEAD)}")
    for number, one in enumerate(queries):
        found = {name: ranks[number] for name, ranks in places.items()}
        if found and (found[OURS] or 11) > 3:
            print(f"{one.lang} {one.kind}: {one.query!r} wants {one.pages[0]}: {found}")
    print(f"\nLeft out{(__doc__ or '').rpartition('Left out')[2]}")


def verdict(is_met: bool) -> str:
    """Whether it is as promised."""
    return "met" if is_met else "MISSED"


if __name__ == "__main__":
    main()
